"""What a negation denies in its clause: a yes, the reading of a message, the sending of more, or nothing clear."""

from collections.abc import Sequence

from dispatch.domain.messaging.reading.kinds import Kind, Piece

VERBS = {Kind.ABLE, Kind.COME, Kind.LEAVING}
_DENIABLE = VERBS | {Kind.INFINITIVE, Kind.POSSIBLE, Kind.UNREAL}
_AUXILIARIES = {Kind.AUXILIARY, Kind.UNREAL}
_PASSED_OVER = {Kind.FILLER, Kind.COURTESY, Kind.THING, Kind.SELF}
_NOT_A_NO = {
    Kind.LEFT, Kind.GONE, Kind.HERE, Kind.DONE, Kind.YES, Kind.NO, Kind.REASON, Kind.OK, Kind.EASY,
}  # fmt: skip
"""What a negation right before it makes unclear: "pas encore arrivé", "pas malade", "not yes"."""
_AWAY = {Kind.NEAR, Kind.NOW, Kind.LATER, Kind.PLACE}
_SOON = {
    "tout de suite",
    "de suite",
    "right away",
    "straight away",
    "at once",
    "immediatement",
    "immediately",
}
_OF_THINGS = {"rien", "aucun", "aucune", "nothing", "sans", "without"}
"""Negations that say of a place what is not there: "rien ici"."""
_SWALLOWED = {
    Kind.DENIED: _DENIABLE | {Kind.NEAR},
    Kind.UNREAD: {Kind.SEEN, Kind.SIGHT},
}


def negated(kinds: list[Kind], clause: Sequence[Piece]) -> set[Kind]:
    """Return what a clause says with its negation, which stays as it is where it is doubled."""
    nots = [at for at, kind in enumerate(kinds) if kind is Kind.NOT]
    negations = [at for at in nots if at == nots[0] or clause[at].words != "ni"]
    if not negations and Kind.HALF_NOT in kinds:
        negations = [kinds.index(Kind.HALF_NOT)]
    if len(negations) != 1:
        return set(kinds)
    said = _meaning(kinds, negations[0], clause)
    return set(kinds) - {Kind.NOT, Kind.HALF_NOT} - _SWALLOWED.get(said, set()) | {said}


def _meaning(kinds: list[Kind], at: int, clause: Sequence[Piece]) -> Kind:
    """Return what a negation makes of its clause; `UNKNOWN` where that is not clear."""
    if {Kind.SEEN, Kind.SIGHT} & set(kinds[at:]):
        return Kind.UNREAD
    if Kind.SENDING in kinds and (Kind.THING in kinds or _is_to_writer(clause)):
        return Kind.STOP
    if _is_no(kinds, at, clause):
        return Kind.DENIED
    return Kind.UNREAD if Kind.SEEN in kinds else Kind.UNKNOWN


def _is_to_writer(clause: Sequence[Piece]) -> bool:
    """Return whether nothing shall be sent to the writer: "ne m'appelez plus", "je ne veux plus recevoir"."""
    return any(piece.kind is Kind.POSSIBLE or "me" in piece.words.split(" ") for piece in clause)


def _is_no(kinds: list[Kind], at: int, clause: Sequence[Piece]) -> bool:
    """Return whether a negation denies a yes: "peux pas", "not coming", "pas ce soir"."""
    if Kind.NO in kinds[at:]:
        return False
    if at and (kinds[at - 1] in VERBS or clause[at - 1].kind in _AUXILIARIES):
        return True
    following = next((i for i in range(at + 1, len(kinds)) if kinds[i] not in _PASSED_OVER), None)
    if following is None:
        return bool(set(kinds) & _DENIABLE)
    if kinds[following] in _NOT_A_NO or clause[following].words in _SOON:
        return False
    if set(kinds) & _DENIABLE:
        return True
    nothing = clause[at].words in _OF_THINGS or _is_article(clause, following)
    return kinds[following] in _AWAY and not nothing


def _is_article(clause: Sequence[Piece], at: int) -> bool:
    """Return whether a "la" belongs to the word behind it: "pas la clé" is no "pas là"."""
    behind = clause[at + 1 : at + 2]
    return (
        clause[at].words == "la"
        and behind != []
        and behind[0].kind not in {Kind.LATER, Kind.NOW, Kind.COURTESY, Kind.FILLER}
    )
