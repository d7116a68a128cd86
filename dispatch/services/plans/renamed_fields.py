"""The fields of plans that have other names now, and what to write instead."""

from collections.abc import Mapping, Sequence

RENAMED: Mapping[str, str] = {
    "crew": "engagement: crew",
    "informs": "engagement: notice",
    "seats.skill": "skills: [first_aid]",
    "steps.page": "do: page",
}


def renamed(path: Sequence[int | str]) -> str:
    """Return what to write instead of a field of an older version; empty where it never was one."""
    name = ".".join(str(part) for part in path if not isinstance(part, int))
    return f"this is written `{RENAMED[name]}` now" if name in RENAMED else ""
