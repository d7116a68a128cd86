"""Life-threatening reports that are not valid as a whole: what cannot be read is cut or left out, and named.

Only the source's own id and the severity must be readable. A field is repaired where its meaning is beyond doubt.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Generic, TypeVar, get_args
from urllib.parse import quote

from pydantic import ValidationError

from schemas.base import Hazard
from schemas.reports import ReportFacts

MOST_DESCRIPTION, MOST_ID, MOST_REFERENCE = 2000, 200, 100
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
REPLACED = "\\ufffd"
"""What stands for a broken character in JSON."""
UNKNOWN_KIND = "unknown"
"""The kind of a report whose kind cannot be read: no plan asks for it, so a supervisor is paged."""
UNKNOWN_FIELD = "unknown_field"
"""Stands for every field that is not known: its name may be anything."""
HAZARD_WORDS: Mapping[str, Hazard] = {
    "arme": "weapon", "arme_a_feu": "weapon", "gun": "weapon", "knife": "weapon", "couteau": "weapon",
    "violences": "violence", "aggression": "violence", "agression": "violence", "feu": "fire", "incendie": "fire",
    "trafic": "traffic", "circulation": "traffic", "electricite": "electricity", "electrical": "electricity",
    "nrbc": "cbrn", "chemical": "cbrn", "gas": "cbrn", "gaz": "cbrn",
}  # fmt: skip
"""Hazards by words that sources use for them: one that is left out keeps nobody away."""

Fields = dict[str, Any]
ReadPlace = Callable[[object], Mapping[str, float] | None]
M = TypeVar("M", bound=ReportFacts)


@dataclass(frozen=True, slots=True)
class Salvaged(Generic[M]):
    """A report without what could not be read; `dropped` names the fields that differ from what was sent."""

    report: M
    dropped: tuple[str, ...]
    digest: bytes
    """The hash of what was sent, by which the same report is recognised when it is sent again."""


def salvage(
    model: type[M], sent: object, defaults: Mapping[str, object], read_place: ReadPlace | None = None
) -> Salvaged[M] | None:
    """Return what can be read of a life-threatening report; None where it is none or has no readable id.

    `defaults` are the values of required fields that cannot be read; `read_place` reads a position in any notation.
    """
    if not isinstance(sent, dict) or sent.get("severity") != "life_threatening":
        return None
    fields = {name: value for name, value in sent.items() if name in model.model_fields}
    for repair in (_repaired(read_place), _left_out):
        invalid = _invalid(model, dict(defaults) | fields)
        fields |= {name: repair(name, fields[name]) for name in invalid & fields.keys()}
        fields = {name: value for name, value in fields.items() if value is not None}
    try:
        report = model.model_validate(dict(defaults) | fields)
    except ValidationError:
        return None
    return Salvaged(report, _dropped(sent, fields, defaults), _digest(sent))


def read_object(body: bytes) -> object:
    """Return a JSON value in spite of broken characters, of which a text may hold halves; None where it is no JSON."""
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None


def _invalid(model: type[M], fields: Fields) -> set[str]:
    try:
        model.model_validate(fields)
    except ValidationError as error:
        return {str(one["loc"][0]) for one in error.errors() if one["loc"]}
    return set()


def _repaired(read_place: ReadPlace | None) -> Callable[[str, object], object]:
    repairs = {**REPAIRS, "position": read_place or _position}
    return lambda name, value: repairs.get(name, _nothing)(value)


def _left_out(_name: str, _value: object) -> None:
    return None


def _nothing(_value: object) -> None:
    return None


def _dropped(sent: Mapping[str, object], fields: Fields, defaults: Mapping[str, object]) -> tuple[str, ...]:
    # By their JSON: NaN differs from itself.
    changed = {name for name in fields if _json(fields[name]) != _json(sent[name])}
    broken = {name for name in fields if REPLACED in _json(fields[name])}
    missing = {name for name in defaults if name not in fields}
    lost = {name for name, value in sent.items() if name not in fields and value is not None}
    known = {name for name in lost if name in KNOWN}
    unknown = {UNKNOWN_FIELD} if lost - known else set()
    return tuple(sorted(changed | broken | missing | known | unknown))


def _digest(sent: object) -> bytes:
    return sha256(b"salvaged\n" + _json(sent).encode()).digest()


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _id(value: object) -> str | None:
    """Return an id in printable ASCII; a long one is shortened, and ends with a digest of the whole."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = quote(str(value).strip(), PRINTABLE, errors="replace")
    if len(text) <= MOST_ID:
        return text or None
    return text[: MOST_ID // 2] + "~" + sha256(text.encode()).hexdigest()[:32]


def _kind(value: object) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    return text if re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", text) else UNKNOWN_KIND


def _description(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    whole = str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole if len(whole) <= MOST_DESCRIPTION else whole[: MOST_DESCRIPTION - 1] + "…"


def _hazards(value: object) -> list[str]:
    words = value if isinstance(value, list | tuple) else [value]
    found = [_hazard(word) for word in words if isinstance(word, str)]
    return list(dict.fromkeys(hazard for hazard in found if hazard))


def _hazard(word: str) -> str | None:
    plain = re.sub(r"[^a-z]+", "_", word.lower().replace("é", "e").replace("à", "a")).strip("_")
    for name in (plain, plain.removesuffix("s")):
        if name in get_args(Hazard):
            return name
        if name in HAZARD_WORDS:
            return HAZARD_WORDS[name]
    return None


def _professional(value: object) -> Fields | None:
    if not isinstance(value, dict):
        return None
    requested = value.get("requested")
    found: Fields = {"requested": requested} if isinstance(requested, bool) else {}
    reference = _reference(value.get("reference"))
    return found | ({"reference": reference} if reference else {})


def _reference(value: object) -> str | None:
    """Return a reference without the characters that none may have; None where it may be a text instead."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    plain = re.sub(r"[^A-Za-z0-9 ./:_-]+", "-", str(value)).strip(" ./:_-")
    is_number = any(letter.isdigit() for letter in plain)
    return plain if is_number and len(str(value)) <= MOST_REFERENCE else None


def _position(value: object) -> Fields | None:
    return {name: value.get(name) for name in ("lat", "lon")} if isinstance(value, dict) else None


REPAIRS: Mapping[str, Callable[[object], object]] = {
    "id": _id,
    "source_id": _id,
    "updates": _id,
    "kind": _kind,
    "description": _description,
    "hazards": _hazards,
    "professional": _professional,
}
"""How a field is read that is not valid; any other is left out."""
KNOWN = frozenset(
    {"id", "occurred_at", "description", "at", "source_id", "window", *ReportFacts.model_fields}
)
