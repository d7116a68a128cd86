"""What another process does after one has searched and before it claims: the one race that a run can lose."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.incident import Incident
from dispatch.domain.matching.selection import Choice
from dispatch.storage import candidates

Rival = Callable[[], Awaitable[None]]

_rivals: list[Rival] = []


def enter(rival: Rival) -> None:
    """Let a rival go first at the next claim."""
    _rivals[:] = [rival]


async def claim(
    connection: asyncpg.Connection,
    choices: Mapping[UUID, Choice],
    incidents: Iterable[Incident],
    now: datetime,
) -> candidates.Shut:
    """Claim who was found, after the rival."""
    if _rivals:
        await _rivals.pop()()
    return await candidates.claim(connection, choices, incidents, now)


def left() -> Rival | None:
    """Give the rival that has not had its turn."""
    return _rivals.pop() if _rivals else None
