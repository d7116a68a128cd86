"""The words of a text with their kinds: the longest phrase of the vocabulary that fits, from the left."""

from collections.abc import Iterator

from dispatch.domain.messaging.reading import (
    words_answering,
    words_around,
    words_explaining,
    words_reporting,
)
from dispatch.domain.messaging.reading.code_marks import CODE, mark_codes
from dispatch.domain.messaging.reading.durations import CLOCK, ETA, digits, mark_times
from dispatch.domain.messaging.reading.kinds import Kind, Piece
from dispatch.domain.messaging.reading.normalizing import words_and_marks
from dispatch.domain.messaging.reading.spelling import SHORTEST_FORGIVEN, Speller, expand, squeezed
from dispatch.domain.messaging.reading.words_answering import FORGIVEN, SWAPPED

_AT_THE_END = {
    ("i", "am", "in"), ("i", "am", "out"), ("i", "will", "pass"), ("have", "to", "pass"), ("a", "plus"),
    ("malheureusement", "pas"), ("helas", "pas"), ("unfortunately", "not"), ("sadly", "not"), ("regrettably", "not"),
}  # fmt: skip
"""Phrases that go on to mean something else: "I'm in" and "I'm in London", "I'll pass" and "I'll pass by"."""
_BEHIND_THE_END = {Kind.MARK, Kind.LINE, Kind.QUESTION, Kind.LATER, Kind.NOW, Kind.SORRY, Kind.COURTESY}
_DENYING = (Kind.NO, Kind.REASON, Kind.SEEN)
_MARKED = {CODE: Kind.CODE, ETA: Kind.ETA, CLOCK: Kind.LATER}


def pieces(text: str) -> list[Piece]:
    """Return the words, phrases, signs and marks of a text with their kinds."""
    spelled = [part for word in expand(words_and_marks(text)) for part in _SPELLER.spell(word)]
    spelled = [_single(spelled, at) for at in range(len(spelled))]
    marked = mark_codes(mark_times(" ".join(digits(spelled))))
    return list(_phrases(marked.split(" "))) if spelled else []


def _single(words: list[str], at: int) -> str:
    """Return a word that only phrases have, outside of them, without its doubled letters: "pass" is a "pas"."""
    word, plain = words[at], squeezed(words[at])
    if word == plain or (word,) in PHRASES or (plain,) not in PHRASES or _is_in_phrase(words, at):
        return word
    return plain


def _is_in_phrase(words: list[str], at: int) -> bool:
    starts = range(max(0, at - LONGEST + 1), at + 1)
    return any(
        tuple(words[start:end]) in PHRASES for start in starts for end in range(at + 1, start + LONGEST + 1)
    )


def _phrases(words: list[str]) -> Iterator[Piece]:
    position = 0
    while position < len(words):
        sizes = range(LONGEST, 1, -1)
        longest = next((size for size in sizes if _is_phrase(words, position, position + size)), 1)
        found = words[position : position + longest]
        yield Piece(_kind(found), " ".join(found))
        position += longest


def _is_phrase(words: list[str], start: int, end: int) -> bool:
    phrase = tuple(words[start:end])
    if phrase not in PHRASES or phrase not in _AT_THE_END:
        return phrase in PHRASES
    return end >= len(words) or PHRASES.get((words[end],)) in _BEHIND_THE_END


def _kind(words: list[str]) -> Kind:
    known = PHRASES.get(tuple(words))
    if known is not None:
        return known
    word = words[0]
    if word.isdigit():
        return Kind.NUMBER
    return _MARKED.get(word[: word.find(":") + 1], Kind.UNKNOWN)


def _vocabulary() -> Iterator[tuple[tuple[str, ...], Kind]]:
    for words in (words_answering.WORDS, words_reporting.WORDS, words_explaining.WORDS, words_around.WORDS):
        for kind, phrases in words.items():
            for phrase in phrases.split(","):
                yield tuple(expand(words_and_marks(" ".join(phrase.split())))), kind


def _forgiven() -> dict[str, str]:
    """Return the long words of which a typo is understood, with their kinds; a typo never makes a yes of a no."""
    single = {words[0]: kind for words, kind in PHRASES.items() if len(words) == 1}
    return {
        word: kind
        for word, kind in single.items()
        if len(word) >= SHORTEST_FORGIVEN and (kind in _DENYING or word in FORGIVEN)
    }


PHRASES: dict[tuple[str, ...], Kind] = {**dict(_vocabulary()), (",",): Kind.MARK, ("\n",): Kind.LINE}
LONGEST = max(map(len, PHRASES))
_SPELLER = Speller({word for phrase in PHRASES for word in phrase}, _forgiven(), SWAPPED)
