"""Places in a text: an unknown word behind a preposition, as Lyon in "je suis à Lyon"."""

from collections.abc import Iterator, Sequence

from dispatch.domain.messaging.reading.kinds import Kind, Piece

_PREPOSITIONS = {
    "a", "a la", "a le", "au", "aux", "en", "sur", "chez", "at", "dans", "dans le", "dans la", "dans un", "dans une",
    "in", "in a", "in the", "near", "vers",
}  # fmt: skip
_ARTICLES = {"le", "la", "les", "the", "un", "une", "mon", "ma", "mes", "my"}


def with_places(found: Sequence[Piece]) -> Iterator[Piece]:
    """Yield the pieces, with unknown words behind "à", "chez" or "in the" as places."""
    for at, piece in enumerate(found):
        place = _is_named(piece, found[max(0, at - 2) : at]) or _leads(piece, found[at + 1 : at + 3])
        yield Piece(Kind.PLACE, piece.words) if place else piece


def _is_named(piece: Piece, before: Sequence[Piece]) -> bool:
    if piece.kind is not Kind.UNKNOWN or not piece.words.isalpha() or not before:
        return False
    last = before[-1].words
    return last in _PREPOSITIONS or (last in _ARTICLES and before[0].words in _PREPOSITIONS)


def _leads(piece: Piece, after: Sequence[Piece]) -> bool:
    """Return whether a preposition that means nothing by itself has a word behind it."""
    if piece.words not in _PREPOSITIONS or piece.kind not in {Kind.UNKNOWN, Kind.BECAUSE}:
        return False
    named = [one for one in after if one.words not in _ARTICLES]
    return named[:1] != [] and named[0].words.isalpha()
