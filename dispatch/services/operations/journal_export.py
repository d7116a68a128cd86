"""The export of the journal: one JSON object per line, with all that is needed to verify the chain."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

import asyncpg
import orjson

from dispatch.services.core.errors import NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.chain import EVENTS_PER_CHUNK
from dispatch.storage.pool import LONG_S
from dispatch.storage.queries import sql


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events to export: of an incident with its reports, replies and messages, of an organisation, of a time."""

    incident: UUID | None = None
    organisation: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


async def export(uow: UnitOfWork, selection: Selection) -> AsyncIterator[bytes]:
    """Yield the lines in the order in which the events were written, from one snapshot, with one page in memory.

    Raises NotFoundError if the journal has no event of the incident.
    """
    async with uow.pool.acquire() as acquired:
        connection = cast("asyncpg.Connection", acquired)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(sql("lift_statement_timeout"))
            streams = await _streams(connection, selection.incident)
            chosen = (streams, selection.organisation, selection.since, selection.until)
            async for row in connection.cursor(
                sql("export_journal"), *chosen, prefetch=EVENTS_PER_CHUNK, timeout=LONG_S
            ):
                yield line(row)


async def _streams(connection: asyncpg.Connection, incident: UUID | None) -> list[UUID] | None:
    if incident is None:
        return None
    if not await connection.fetchval(sql("count_journal"), incident):
        raise NotFoundError("the journal knows no such incident")
    rows = await connection.fetch(sql("streams_of_incident"), incident, timeout=LONG_S)
    return [row["stream"] for row in rows]


def line(row: asyncpg.Record) -> bytes:
    """Return one event as a line: its decoded content, and the exact bytes that are hashed.

    An event that was changed by hand may no longer be JSON: it is exported with null in place of the content.
    """
    names = ("key", "headers", "body")
    fields = {
        "stream": str(row["stream"]),
        "seq": row["seq"],
        "topic": row["topic"],
        "attributes": _attributes(row["headers"]),
        "data": _decoded(row["body"]),
        "prev_hash": row["prev_hash"].hex(),
        "hash": row["hash"].hex(),
        "bytes": {name: b64encode(row[name]).decode() for name in names},
    }
    return orjson.dumps(fields) + b"\n"


def _attributes(headers: bytes) -> object:
    try:
        return {name.removeprefix("ce_"): value for name, value in _decoded(headers)}  # type: ignore[attr-defined]
    except (ValueError, TypeError, AttributeError):
        return None


def _decoded(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
