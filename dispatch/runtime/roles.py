"""The roles that a process may have, and the name by which it is known to the database server."""

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
READS = f"g{GENERATION}"
"""The word by which a process states the generation that it reads; release 0.1.0 states none."""


def title(roles: Sequence[Role]) -> str:
    """Return the `application_name` of a process: its generation and its roles, or the roles that it lacks.

    Postgres keeps 63 bytes of it. The doctor of release 0.1.0, which knows no heartbeats, reads the roles from it.
    """
    lacking = [f"-{role}" for role in sorted(set(ROLES) - set(roles))]
    return min(" ".join([TITLE, READS, *sorted(roles)]), " ".join([TITLE, READS, "all", *lacking]), key=len)


def roles_in(name: str) -> set[Role]:
    """Return the roles of a process by its `application_name`; an empty set for the sessions of other programs."""
    words = set(name.split())
    if TITLE not in words:
        return set()
    return {role for role in ROLES if role in words or ("all" in words and f"-{role}" not in words)}


def roles_without_heartbeat(name: str) -> set[Role]:
    """Return the roles of a process of release 0.1.0, which records no heartbeat, by its `application_name`."""
    stated = any(word.removeprefix("g").isdigit() for word in name.split())
    return set() if stated else roles_in(name)
