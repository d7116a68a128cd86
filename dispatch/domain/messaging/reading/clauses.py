"""The clauses of a text: what each says, and what a negation in it denies."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from dispatch.domain.messaging.reading.kinds import Kind, Piece
from dispatch.domain.messaging.reading.negation import VERBS, negated
from dispatch.domain.messaging.reading.places import with_places

_BREAKS = {Kind.MARK, Kind.LINE, Kind.QUESTION, Kind.BUT}
_SAYING = VERBS | {Kind.LEFT, Kind.YES, Kind.NO, Kind.REASON, Kind.SEEN, Kind.NOT}
_EXCUSES = {Kind.SORRY, Kind.REASON, Kind.BECAUSE, Kind.NEAR, Kind.PLACE, Kind.LATER}
_HOW_SOON = {Kind.BUT, Kind.ETA, Kind.FILLER, Kind.SELF, Kind.COURTESY, Kind.NOW, Kind.INFINITIVE}
_SO = {"so", "donc", "du coup"}
_CONCLUDED = {Kind.NO, Kind.SORRY, Kind.REASON}
_OTHER_SUBJECTS = {"est", "is", "it", "it is", "ce", "ce est", "that", "that is", "this"}
_OF_WRITER = VERBS | {Kind.LEFT, Kind.GONE}
_SPLIT_PREFIXES = {"un", "in", "im", "dis"}


def clauses_said(found: Sequence[Piece]) -> list[set[Kind]]:
    """Return what each clause of a text says, without its marks."""
    said = [_said(clause) - {Kind.MARK, Kind.LINE} for clause in _clauses(with_places(found))]
    for before, clause in pairwise(said):
        if Kind.BUT in clause:
            _turn(before, clause)
    return said


def _turn(before: set[Kind], clause: set[Kind]) -> None:
    """Take out a "but" that turns nothing round, and make "I would, but" a no."""
    if Kind.PAST in before or (Kind.ETA in clause and clause <= _HOW_SOON):
        clause.discard(Kind.BUT)
    elif Kind.UNREAL in before:
        before.add(Kind.DENIED)


def _clauses(found: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Yield clauses: up to a mark, up to a "so no", or up to an "I" behind something said."""
    clause: list[Piece] = []
    for piece, behind in pairwise([*found, Piece(Kind.MARK, "")]):
        concludes = piece.words in _SO and behind.kind in _CONCLUDED
        if piece.kind in _BREAKS or concludes or (piece.kind is Kind.SELF and _has_said(clause)):
            yield clause
            clause = []
        clause.append(piece)
    yield clause


def _has_said(clause: Sequence[Piece]) -> bool:
    """Return whether a clause has said something; "I don't think" goes on."""
    kinds = {piece.kind for piece in clause}
    return bool(kinds & _SAYING) and Kind.POSSIBLE not in kinds


def _said(clause: Sequence[Piece]) -> set[Kind]:
    to_come = any(piece.kind is Kind.INFINITIVE for piece in clause)
    befores = [Piece(Kind.MARK, ""), *clause]
    kinds = [_beside(*pair, to_come=to_come) for pair in zip(befores, clause, strict=False)]
    return _that_is_so(negated(kinds, clause))


def _beside(before: Piece, piece: Piece, *, to_come: bool) -> Kind:
    """Return what a piece says behind another."""
    if piece.kind is Kind.AUXILIARY:
        return Kind.ABLE if to_come else Kind.FILLER
    if before.kind is Kind.NO:
        return _behind_no(before, piece)
    # "Le camion arrive" is not about the writer, and "un available" may be a split "unavailable".
    if piece.kind in _OF_WRITER and (
        before.kind is Kind.THING or before.words in _OTHER_SUBJECTS | _SPLIT_PREFIXES
    ):
        return Kind.UNKNOWN
    return piece.kind


def _behind_no(no: Piece, piece: Piece) -> Kind:
    """Return what a piece says right behind a no: "non vu", "non disponible", "no message", "no danger"."""
    if piece.kind is Kind.THING and no.words != "no":
        return piece.kind
    behind = {
        Kind.SEEN: Kind.UNREAD, Kind.ABLE: Kind.DENIED, Kind.THING: Kind.UNKNOWN, Kind.DANGER: Kind.UNKNOWN,
        Kind.HALT: Kind.UNKNOWN,
    }  # fmt: skip
    return behind.get(piece.kind, piece.kind)


def _that_is_so(kinds: set[Kind]) -> set[Kind]:
    """Return the kinds of a clause without what it says is over, or would be."""
    if Kind.UNREAL in kinds:
        return kinds - VERBS - {Kind.YES, Kind.INFINITIVE, Kind.POSSIBLE}
    if Kind.PAST not in kinds:
        return kinds
    return kinds - _EXCUSES - VERBS | ({Kind.UNKNOWN} if kinds & VERBS else set())
