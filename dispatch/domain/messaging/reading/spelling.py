"""The spelling of words: elisions, contractions, doubled letters and safe typos become words of the vocabulary."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, pairwise, takewhile

from dispatch.domain.messaging.reading.shorthand import NUMBERS, SHORTHAND, UNITS

_NEGATED = ("ca", "wo", "do", "did", "is", "are", "was", "have", "has", "could", "would", "should")
CONTRACTIONS = {
    **{f"{verb}nt": f"{verb} not" for verb in _NEGATED},
    "cant": "can not", "wont": "will not", "cannot": "can not", "couldnt": "can not", "im": "i am",
    "ive": "i have", "itll": "it will", "its": "it is", "thats": "that is", "lets": "let us",
    "aujourdhui": "aujourdhui",
}  # fmt: skip
"""Words that people write with an apostrophe, a space or neither."""
WITH_APOSTROPHE = {"ill": "i will", "well": "we will", "were": "we are", "id": "i would", "weve": "we have"}
"""English contractions that without their apostrophe are other words."""
ELISIONS = {
    "j": "je", "d": "de", "n": "ne", "l": "le", "c": "ce", "m": "me", "s": "se", "t": "te", "qu": "que",
    "jusqu": "jusque",
}  # fmt: skip
_ENDINGS = {"t", "m", "s", "ve", "ll"}
"""What an English contraction leaves behind a space: "can t", "i ll"."""
_VOWELS = frozenset("aeiouyh")
SHORTEST_TYPO, LONGEST_TYPO, SHORTEST_FORGIVEN, SHORTEST_SINGLE = 5, 20, 6, 3


def squeezed(word: str) -> str:
    """Return a word with each run of one letter written once."""
    return "".join(letter for letter, _ in groupby(word))


_CONTRACTED = {squeezed(word): written for word, written in {**CONTRACTIONS, **WITH_APOSTROPHE}.items()}


def expand(words: Iterable[str]) -> list[str]:
    """Write contractions and elisions out: "can't" as can not, "j'y vais" as je y vais."""
    written = [part for word in _joined(list(words)) for part in _expanded(word)]
    return [_elided(word, following) for word, following in pairwise([*written, ""])]


def _joined(words: list[str]) -> Iterator[str]:
    """Join "o u i", and "can t" and "i m", which lost an apostrophe to a space."""
    position = 0
    while position < len(words):
        size = _size_of_word(words[position : position + LONGEST_TYPO])
        pair = words[position : position + 2]
        if size > 1:
            yield "".join(words[position : position + size])
        elif (
            len(pair) > 1
            and {pair[1], squeezed(pair[1])} & _ENDINGS
            and squeezed("".join(pair)) in _CONTRACTED
        ):
            size = 2
            yield "'".join(pair)
        else:
            yield words[position]
        position += size


def _size_of_word(words: list[str]) -> int:
    """Return how many single letters spell a word, from three on."""
    letters = list(takewhile(lambda word: len(word) == 1 and word.isalpha(), words))
    return len(letters) if len(letters) > 2 else 1  # noqa: PLR2004


def _expanded(word: str) -> list[str]:
    head, apostrophe, tail = word.partition("'")
    bare = word.replace("'", "")
    known = _CONTRACTED.get(squeezed(bare)) if apostrophe else CONTRACTIONS.get(bare) or SHORTHAND.get(bare)
    if known:
        return known.split()
    if bare[:1] == "j" and bare[1:] in SHORTHAND:
        return ["je", *SHORTHAND[bare[1:]].split()]
    elided = ELISIONS.get(squeezed(head)) if apostrophe else None
    if elided is None:
        return [word]
    # "S'il" is an if.
    return ["si" if elided == "se" and tail in {"il", "ils"} else elided, *(_expanded(tail) if tail else [])]


def _elided(word: str, following: str) -> str:
    return ELISIONS[word] if word in ELISIONS and following[:1] in _VOWELS and len(following) > 1 else word


class Speller:
    """The vocabulary by spelling; `forgiven` holds the words of which a typo is understood, with what they say."""

    def __init__(self, words: Iterable[str], forgiven: Mapping[str, str], swapped: Iterable[str]) -> None:
        self.words = frozenset(words) | UNITS | frozenset(NUMBERS)
        self._squeezed = {squeezed(word): word for word in sorted(self.words, reverse=True)}
        self._typos: dict[str, set[str]] = defaultdict(set)
        self._says = dict(forgiven)
        self._swapped = {variant: word for word, variant in _swaps(swapped)}
        for word in forgiven:
            for variant in _without_one(word):
                self._typos[variant].add(word)

    def spell(self, word: str) -> list[str]:
        """Return the words of the vocabulary that a written word stands for, or the word itself."""
        # A swap comes before a letter too many: "onn" is a "non", not an "on".
        known = word if word in self.words else self._swapped.get(word) or self._known(word)
        if known:
            return [known]
        if word[0] == "j" and (rest := self._known(word[1:])) and len(rest) > 1:
            return ["je", rest]
        return [self._without_typo(word) or word]

    def _known(self, word: str) -> str | None:
        if word in self.words:
            return word
        single = squeezed(word)
        # "Il" is no "ill" that lacks a letter.
        return None if word == single and len(word) <= SHORTEST_SINGLE else self._squeezed.get(single)

    def _without_typo(self, word: str) -> str | None:
        """Return the one word that a typo stands for; none where two that say different things are as near."""
        if not SHORTEST_TYPO <= len(word) <= LONGEST_TYPO or not word.isalpha():
            return None
        alike = {one for variant in _without_one(word) for one in self._typos.get(variant, ())}
        # The first letter is right: a letter missing there may be an "in" or an "un".
        near = {one for one in alike if one[0] == word[0] and _one_apart(one, word)}
        return min(near) if len({self._says[one] for one in near}) == 1 else None


def _without_one(word: str) -> set[str]:
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}


def _swaps(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each word with two neighbours swapped; only a no may lose its first letter ("uoi" is also a "quoi")."""
    for word in words:
        for at in range(0 if word == "non" else 1, len(word) - 1):
            yield word, word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _one_apart(one: str, other: str) -> bool:
    """Return whether a single letter is missing, added, replaced or changes places with its neighbour."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    start = len(list(same))
    a, b = one[start:], other[start:]
    swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]
