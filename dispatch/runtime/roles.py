"""The roles that a process may have, and how a process names itself to the database by them."""

from collections.abc import Sequence
from typing import Literal, get_args

from schemas.generations import GENERATION

Role = Literal[
    "api",
    "reports",
    "incidents",
    "replies",
    "positions",
    "notifications",
    "agenda",
    "relay",
    "console",
    "auditor",
]
ROLES: tuple[Role, ...] = get_args(Role)
HTTP_ROLES: frozenset[Role] = frozenset({"api", "console"})
TITLE = "renfort:"


def title(roles: Sequence[Role]) -> str:
    """Return the name of a process: its generation, and its roles or those that it lacks.

    PostgreSQL stores 63 bytes of a name. Release 0.1.0 reads the roles from it and states no generation in its own.
    """
    named, lacking = sorted(roles), sorted(set(ROLES) - set(roles))
    prefix = f"{TITLE} g{GENERATION}"
    return min(
        " ".join([prefix, *named]), " ".join([prefix, "all", *(f"-{role}" for role in lacking)]), key=len
    )


def roles_in(name: str) -> set[Role]:
    """Return the roles that the name of a process lists; none for a name that is not ours."""
    words = set(name.split())
    if TITLE not in words:
        return set()
    return {role for role in ROLES if role in words or ("all" in words and f"-{role}" not in words)}
