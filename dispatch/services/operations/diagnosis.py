"""What `dispatch doctor` reads from the database server and from the queues, as they are at this moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from dispatch.storage.queries import sql

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    """The server's settings, its sessions, and the queue tables with too many dead rows."""

    settings: Row
    sessions: Sequence[Row]
    bloated: Sequence[Row]


async def read_server(pool: asyncpg.Pool, most_dead: int) -> Server:
    """Read what the server reports about itself; a table is bloated from `most_dead` dead rows on."""
    return Server(
        dict(await pool.fetchrow(sql("server_settings")) or {}),
        [dict(row) for row in await pool.fetch(sql("sessions"))],
        [dict(row) for row in await pool.fetch(sql("bloated_queues"), most_dead)],
    )


async def read_queues(pool: asyncpg.Pool, now: datetime) -> Row:
    """Count what is unpublished, overdue and parked, each with the moment since when its oldest entry waits."""
    return dict(await pool.fetchrow(sql("queue_ages"), now) or {})
