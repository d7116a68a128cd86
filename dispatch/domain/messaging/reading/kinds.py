"""The kinds of words and phrases: what a piece of a text contributes to its meaning."""

from enum import StrEnum, auto
from typing import NamedTuple


class Kind(StrEnum):
    """What a word or phrase says; a word without a kind is `UNKNOWN`, and makes any answer unclear."""

    YES = auto()
    ABLE = auto()
    """A yes of its own that "pas" and "not" deny: "je peux", "dispo", "I accept"."""
    COME = auto()
    LEAVING = auto()
    LEFT = auto()
    GONE = auto()
    """Who says only "parti" has left, but may have left for elsewhere."""
    AUXILIARY = auto()
    """"I will", "je vais": a yes with a verb of coming behind it, nothing without."""
    INFINITIVE = auto()
    NO = auto()
    REASON = auto()
    """What is a no by itself: "désolé", "impossible", "au travail"."""
    SORRY = auto()
    """A no where nothing else is said, or a polite word beside one."""
    BECAUSE = auto()
    """What explains a no, makes a yes unclear, and is nothing by itself."""
    NOT = auto()
    HALF_NOT = auto()
    """The French "ne", which "pas" completes."""
    NEAR = auto()
    """What "pas" and "not" make a no and what a yes may say: "là", "dans le secteur"."""
    POSSIBLE = auto()
    """What "pas" and "not" make a no, and what is unclear without them: "possible", "je pense"."""
    UNREAL = auto()
    """"Could", "j'aurais": what is said with it is not so."""
    PAST = auto()
    """"Was", "je viens de": what is said with it is over."""
    HEDGE = auto()
    """A condition, a doubt or an admitted joke: nothing is certain beside it."""
    LAUGH = auto()
    """A laugh may take a yes back, and leaves a no one."""
    SIGHT = auto()
    """Reading and getting a message, which only a negation makes matter."""
    NOW = auto()
    LATER = auto()
    BUT = auto()
    PLACE = auto()
    OK = auto()
    SEEN = auto()
    COMPLY = auto()
    HERE = auto()
    DONE = auto()
    DANGER = auto()
    STOP = auto()
    HALT = auto()
    """Words that stop messages, unless the writer says that it is they who stop."""
    SENDING = auto()
    LEGAL_STOP = auto()
    """Words that stop messages only where they are the whole text."""
    CANCEL = auto()
    START = auto()
    COURTESY = auto()
    FILLER = auto()
    SELF = auto()
    THING = auto()
    EASY = auto()
    LETTER_YES = auto()
    LETTER_NO = auto()
    QUESTION = auto()
    SIGNATURE = auto()
    STRUCK = auto()
    SAD = auto()
    CODE = auto()
    NUMBER = auto()
    ETA = auto()
    MARK = auto()
    LINE = auto()
    UNKNOWN = auto()
    DENIED = auto()
    """A negation together with what it denies."""
    UNREAD = auto()
    """A negation of having read or understood."""


class Piece(NamedTuple):
    """A word, phrase, sign or mark of a text with its kind."""

    kind: Kind
    words: str
