"""Ids as people write them: whole, or the beginning of one, if there is no other that begins so."""

import re
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import asyncpg

from dispatch.services.core.errors import InvalidError, NotFoundError
from dispatch.storage.queries import sql

Kind = Literal["incident", "escalation", "volunteer", "offer", "report", "parked message", "stream", "key"]

SHORTEST, WHOLE, WHOLE_KEY = 4, 32, 12
BEGINNING = re.compile(rf"[0-9a-f]{{{SHORTEST},{WHOLE}}}", re.ASCII)
LISTED = 5
"""So many ids are named of those that begin alike."""
QUERIES: dict[Kind, str] = {
    "incident": "incidents_between",
    "escalation": "escalations_between",
    "volunteer": "volunteers_between",
    "offer": "offers_between",
    "report": "reports_between",
    "parked message": "parked_between",
    "stream": "streams_between",
    "key": "keys_between",
}
LISTS: dict[Kind, str] = {
    "incident": "`dispatch watch` lists those that run",
    "escalation": "`dispatch escalations list` lists those that are open",
    "volunteer": "`dispatch volunteers list` lists them",
    "offer": "`dispatch incident show` lists those of an incident",
    "report": "the answer to a report names it",
    "parked message": "`dispatch parking list` lists those that are unresolved",
    "stream": "the streams are incidents, reports, replies and messages",
    "key": "`dispatch keys list` lists them",
}


async def find(
    source: asyncpg.Pool | asyncpg.Connection, kind: Kind, organisation: UUID | None, text: str
) -> UUID:
    """Return the id that a text names within an organisation, or within all where it is None.

    A whole id is returned as it is: whether it exists is for the caller to say. Raises NotFoundError, and InvalidError
    for what is no id or begins several.
    """
    written = text.strip().lower()
    try:
        return UUID(written)
    except ValueError:
        return UUID(await _complete(source, kind, organisation, written.replace("-", ""), WHOLE))


async def find_key(source: asyncpg.Pool | asyncpg.Connection, organisation: UUID, text: str) -> str:
    """Return the id of a key that a text names within an organisation; raises as `find`."""
    return await _complete(source, "key", organisation, text.strip().lower(), WHOLE_KEY)


def unknown(kind: Kind) -> NotFoundError:
    """Return the error for an id that names nothing."""
    return NotFoundError(f"there is no such {kind}: {LISTS[kind]}")


async def _complete(
    source: asyncpg.Pool | asyncpg.Connection, kind: Kind, organisation: UUID | None, begins: str, length: int
) -> str:
    if BEGINNING.fullmatch(begins) is None or len(begins) > length:
        raise InvalidError(
            _field(kind), f"write the {kind}'s id, or at least its first {SHORTEST} characters: {LISTS[kind]}"
        )
    low, high = begins.ljust(length, "0"), begins.ljust(length, "f")
    rows = await source.fetch(sql(QUERIES[kind]), organisation, low, high)
    if not rows:
        raise unknown(kind)
    if len(rows) > 1:
        raise InvalidError(
            _field(kind), f"several {kind}s begin with {begins}: {_named(rows)}; write more of it"
        )
    return str(rows[0]["id"])


def _field(kind: Kind) -> str:
    return f"{kind.replace(' ', '_')}_id"


def _named(rows: Sequence[asyncpg.Record]) -> str:
    named = [f"{row['id']} ({row['about']})" if row["about"] else row["id"] for row in rows[:LISTED]]
    return ", ".join(named + (["and more"] if len(rows) > LISTED else []))
