"""The stored and published form of a plan: release 0.1.0 reads it, so that what it knew keeps the name it had there."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

Body = dict[str, Any]

_FLAGS = {"crew": "crew", "notice": "informs"}
"""The engagements other than dispatch, each with its flag."""


def to_stored(body: Body) -> Body:
    """Rewrite the JSON of a plan as it is stored."""
    body = dict(body)
    if (flag := _FLAGS.get(body.pop("engagement", ""))) is not None:
        body[flag] = True
    return _each(_each(body, "seats", _seat_to_stored), "steps", _step_to_stored)


def from_stored(body: Mapping[str, Any]) -> Body:
    """Rewrite a stored plan as the model reads it; what is not as it was stored is left to the model to reject."""
    found = dict(body)
    flags = {name: found.pop(flag, None) for name, flag in _FLAGS.items()}
    # Both were allowed once: a notice it was.
    named = [name for name in ("notice", "crew") if flags[name]]
    if named:
        found["engagement"] = named[0]
    return _each(_each(found, "seats", _seat_from_stored), "steps", _step_from_stored)


def _each(body: Body, name: str, rewrite: Callable[[Body], Body]) -> Body:
    if not isinstance(body.get(name), list | tuple):
        return body
    return {**body, name: [rewrite(part) if isinstance(part, dict) else part for part in body[name]]}


def _seat_to_stored(seat: Body) -> Body:
    if len(seat.get("skills", ())) != 1 or seat.get("any"):
        return seat
    return without(seat, {"skills"}) | {"skill": seat["skills"][0]}


def _seat_from_stored(seat: Body) -> Body:
    return without(seat, {"skill"}) | {"skills": [seat["skill"]]} if "skill" in seat else seat


def _step_to_stored(step: Body) -> Body:
    return without(step, {"do"}) | {"page": True} if step.get("do") == "page" else step


def _step_from_stored(step: Body) -> Body:
    do = {"do": "page"} if step.get("page") else {}
    return without(step, {"page"}) | do if "page" in step else step


def without(body: Body, names: Collection[str]) -> Body:
    """Return a body without some of its fields."""
    return {name: value for name, value in body.items() if name not in names}


_V1 = {
    "name", "title", "kinds", "lane", "professional", "trusted_sources", "forbidden_hazards", "en_route_within_s",
    "acknowledgement_s",
}  # fmt: skip
_SECTIONS_V1 = {
    "offers": {"open", "per_seat", "window_s", "surplus", "most"},
    "search": {
        "radii_m",
        "widen_after_s",
        "retry_s",
        "min_age",
        "rest_s",
        "position_max_age_s",
        "availability",
    },
}


def for_v1(full: Body) -> Body:
    """Return the JSON of a plan, given with its defaults, as release 0.1.0 writes it: its plans are strict."""
    return {
        **{name: full[name] for name in _V1},
        **{flag: full["engagement"] == name for name, flag in _FLAGS.items()},
        **{section: {name: full[section][name] for name in names} for section, names in _SECTIONS_V1.items()},
        "seats": [
            {"role": seat["role"], "skill": [*seat["skills"], *seat["any"]][0], "count": seat["count"]}
            for seat in full["seats"]
        ],
        "steps": [
            {"after_s": step["after_s"], "level": step["level"], "page": step["do"] in ("page", "repeat")}
            for step in full["steps"]
        ],
    }
