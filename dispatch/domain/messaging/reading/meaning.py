"""What a text means: the kinds that make each answer, and those that may stand beside it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from dispatch.domain.messaging.reading.kinds import Kind, Piece

Answer = Literal["accepted", "declined", "acknowledged", "stop", "start", "unclear"]
Status = Literal["en_route", "on_scene", "released", "danger", "not_yet"]

_POLITE = {Kind.COURTESY, Kind.CODE}
_AROUND = _POLITE | {Kind.FILLER, Kind.SELF, Kind.THING, Kind.NOW, Kind.NEAR}
_GOING = {Kind.COME, Kind.LEAVING, Kind.LEFT}
_READING = {Kind.OK, Kind.SEEN}

_ACCEPTING = _GOING | {Kind.YES, Kind.ABLE}
_WITH_YES = _ACCEPTING | _AROUND | _READING | {Kind.GONE, Kind.INFINITIVE, Kind.EASY, Kind.ETA}

_CERTAINLY_NO = {Kind.NO, Kind.DENIED, Kind.REASON}
DECLINING = _CERTAINLY_NO | {Kind.SORRY}
_WITH_NO = DECLINING | _AROUND | {
    Kind.SEEN, Kind.INFINITIVE, Kind.BECAUSE, Kind.BUT, Kind.LATER, Kind.NUMBER, Kind.PLACE, Kind.COMPLY, Kind.DANGER,
    Kind.UNREAL, Kind.PAST, Kind.STRUCK, Kind.SAD, Kind.LAUGH,
}  # fmt: skip

_WITH_OK = _READING | _AROUND | {Kind.COMPLY, Kind.EASY}
_ALONE_STOP = {Kind.LEGAL_STOP, Kind.CANCEL}
_WITH_STOP = _AROUND | {Kind.STOP, Kind.HALT, Kind.SENDING, Kind.POSSIBLE, Kind.NO}
_WITH_START = _AROUND | {Kind.START, Kind.POSSIBLE}
_BESIDE_STATUS = _AROUND - {Kind.THING} | _READING | _GOING | {Kind.GONE, Kind.YES, Kind.COMPLY}
_UNFINISHED = _AROUND | {
    Kind.NOT, Kind.HALF_NOT, Kind.DONE, Kind.NO, Kind.ETA, Kind.LATER, Kind.BUT, Kind.MARK, Kind.LINE,
}  # fmt: skip
_YET = {"yet", "over", "over yet"}
_THERE = {"there", "be there", "suis la", "etre la"}


def said_in_all(clauses: Sequence[set[Kind]], found: Sequence[Piece]) -> set[Kind]:
    """Return what a text says, with "on scene in 10 min" and "there in 10" as a coming."""
    kinds: set[Kind] = set().union(*clauses)
    there = Kind.HERE in kinds or any(piece.words in _THERE for piece in found)
    return kinds - {Kind.HERE} | {Kind.COME} if there and Kind.ETA in kinds else kinds


def answer(kinds: set[Kind], clauses: Sequence[set[Kind]]) -> Answer:
    """Return the answer that a text gives as a whole."""
    if _is_yes(kinds):
        return "accepted"
    if _is_stop(kinds):
        return "stop"
    if _is_no(kinds - _overlooked(clauses)):
        return "declined"
    if kinds & _READING and kinds <= _WITH_OK:
        return "acknowledged"
    return "start" if Kind.START in kinds and kinds <= _WITH_START else "unclear"


def status(kinds: set[Kind], found: Sequence[Piece]) -> Status | None:
    """Return what a text reports of somebody who is assigned; only danger is read beside words that are not known."""
    if reports_danger(found):
        return "danger"
    if _is_unfinished(found):
        return "not_yet"
    if Kind.DONE in kinds and kinds <= _BESIDE_STATUS | {Kind.DONE, Kind.HERE}:
        return "released"
    if Kind.HERE in kinds and kinds <= _BESIDE_STATUS | {Kind.HERE}:
        return "on_scene"
    going = bool(kinds & (_GOING | {Kind.GONE})) and kinds <= _WITH_YES
    # "Je pars dans 10 min" has not left yet; "j'arrive dans 10 min" has.
    return "en_route" if going and not kinds >= {Kind.LEAVING, Kind.ETA} else None


def reports_danger(found: Sequence[Piece]) -> bool:
    """Return whether a text reports a danger; "pas de danger" does not, and what is doubtful does."""
    spoken = [piece for piece in found if piece.kind is not Kind.FILLER]
    befores = [Piece(Kind.MARK, ""), *spoken]
    return any(
        piece.kind is Kind.DANGER and before.kind is not Kind.NOT and before.words != "no"
        for before, piece in zip(befores, spoken, strict=False)
    )


def _is_unfinished(found: Sequence[Piece]) -> bool:
    """Return whether a text says that something is not over: "pas fini", "pas encore", "not yet", "not done"."""
    if any(piece.kind not in _UNFINISHED and piece.words not in _YET for piece in found):
        return False
    words = [
        piece for piece in found if piece.kind not in {Kind.FILLER, Kind.SELF} or piece.words == "encore"
    ]
    denied = (piece for before, piece in pairwise(words) if before.kind is Kind.NOT)
    return any(piece.kind is Kind.DONE or piece.words in _YET | {"encore"} for piece in denied)


def _is_yes(kinds: set[Kind]) -> bool:
    if Kind.PAST in kinds and kinds & _ACCEPTING:
        # "Sorry, I was in the shower, yes": what is over excuses the delay.
        kinds = kinds - {Kind.PAST, Kind.SORRY}
    return bool(kinds & _ACCEPTING and kinds <= _WITH_YES) or _is_letter(kinds, Kind.LETTER_YES)


def _is_no(kinds: set[Kind]) -> bool:
    # CANCEL alone is an opt-out by law; beside a code or other words it takes an answer back.
    kinds = {Kind.REASON if kind is Kind.CANCEL else kind for kind in kinds}
    return bool(kinds & DECLINING and kinds <= _WITH_NO) or _is_letter(kinds, Kind.LETTER_NO)


def _is_letter(kinds: set[Kind], letter: Kind) -> bool:
    """Return whether a text is one of the letters O, Y and N, which are parts of words elsewhere."""
    return letter in kinds and kinds <= {letter, Kind.CODE}


def _is_stop(kinds: set[Kind]) -> bool:
    if kinds & _ALONE_STOP and kinds <= {*_ALONE_STOP, Kind.COURTESY}:
        return True
    if not (kinds & {Kind.STOP, Kind.HALT} and kinds <= _WITH_STOP):
        return False
    # "Je m'arrête" stops the writer, "je veux arrêter" the messages.
    return bool(kinds & {Kind.STOP, Kind.POSSIBLE}) or Kind.SELF not in kinds


def _overlooked(clauses: Sequence[set[Kind]]) -> set[Kind]:
    """Return the kinds that a no makes harmless: words not known, in other clauses than the no."""
    certain = any(clause & _CERTAINLY_NO and clause <= _WITH_NO for clause in clauses)
    sorry = any(Kind.SORRY in clause for clause in clauses)
    excused = sorry and all(Kind.PAST in clause for clause in clauses if Kind.UNKNOWN in clause)
    return {Kind.UNKNOWN} if certain or excused else set()
