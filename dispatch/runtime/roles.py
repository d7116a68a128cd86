"""The roles that a process may have, and how a process names itself to the database by them."""

from collections.abc import Sequence
from typing import Literal, get_args

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
    """Return the name of a process: its roles, or those that it lacks, since PostgreSQL stores 63 bytes of a name."""
    named, lacking = sorted(roles), sorted(set(ROLES) - set(roles))
    return min(
        " ".join([TITLE, *named]), " ".join([TITLE, "all", *(f"-{role}" for role in lacking)]), key=len
    )


def roles_in(name: str) -> set[Role]:
    """Return the roles that the name of a process lists; none for a name that is not ours."""
    words = set(name.split())
    if TITLE not in words:
        return set()
    return {role for role in ROLES if role in words or ("all" in words and f"-{role}" not in words)}
