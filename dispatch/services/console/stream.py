"""The stream: an organisation's journal in commit order, nothing skipped, nothing twice."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self, get_args
from uuid import UUID

import asyncpg
import orjson

from dispatch.services.core.errors import InvalidError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest.restore_epochs import current_epoch
from dispatch.storage.queries import sql
from schemas.base import Mode
from schemas.topics import TOPICS

SHOWN = tuple(t.name for t in TOPICS if t.name.startswith(("incident.", "dispatch.", "notification.")))
"""Topics that a stream may show: none holds anything personal."""
MODES: tuple[Mode, ...] = get_args(Mode)
PAGE = 200

_PLACE = re.compile(r"([0-9]{1,9})\.([0-9]{1,18})\.([0-9]{1,18})", re.ASCII)


class Position(NamedTuple):
    """A place in the stream; places of one epoch compare in commit order."""

    epoch: int
    xid: int
    id: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a place as an event's id gives it; raises InvalidError for anything else."""
        match = _PLACE.fullmatch(text.strip())
        if match is None:
            raise InvalidError("Last-Event-ID", "not the id of an event of this stream")
        return cls(*map(int, match.groups()))

    def __str__(self) -> str:
        """Write it as an event's id."""
        return f"{self.epoch}.{self.xid}.{self.id}"


@dataclass(frozen=True, slots=True)
class StreamItem:
    """One event and its place; `data` is the event as it was published."""

    position: Position
    id: UUID
    type: str
    topic: str
    mode: Mode
    at: datetime
    sequence: int
    subject: str
    data: dict[str, Any]

    def json(self) -> bytes:
        """Write it for a reader, its place apart."""
        names = ("id", "type", "topic", "mode", "at", "sequence", "subject", "data")
        return orjson.dumps({name: getattr(self, name) for name in names}, default=str)


@dataclass(frozen=True, slots=True)
class Page:
    """What came after a place, and the place to read on from; `full` when there is more already."""

    items: list[StreamItem]
    position: Position
    full: bool


async def beginning(uow: UnitOfWork) -> Position:
    """Give the place before all events."""
    return Position(await current_epoch(uow), 0, 0)


async def latest(uow: UnitOfWork) -> Position:
    """Give the place where the stream is now."""
    return Position(await current_epoch(uow), await uow.pool.fetchval(sql("stream_horizon")), 0)


async def back(uow: UnitOfWork, organisation: UUID, events: int) -> Position:
    """Give the place that so many events come after, or the beginning where there are fewer."""
    row = await uow.pool.fetchrow(sql("stream_back"), organisation, list(SHOWN), events)
    return Position(await current_epoch(uow), *((row["xid"], row["id"]) if row else (0, 0)))


async def resume(uow: UnitOfWork, text: str) -> tuple[Position, bool]:
    """Give the place that an event's id names, or the beginning and True where the id means nothing here.

    Raises InvalidError for what is no id at all.
    """
    place, now = Position.parse(text), await latest(uow)
    known = place.epoch == now.epoch and place.xid <= now.xid
    return (place, False) if known else (Position(now.epoch, 0, 0), True)


async def read_page(
    source: asyncpg.Pool | asyncpg.Connection,
    organisation: UUID,
    after: Position,
    *,
    topics: Collection[str] = SHOWN,
    modes: Collection[Mode] = MODES,
    limit: int = PAGE,
) -> Page:
    """Read what came after a place, the oldest first."""
    shown = [topic for topic in topics if topic in SHOWN]
    rows = await source.fetch(
        sql("read_stream"), organisation, after.xid, after.id, shown, list(modes), limit
    )
    items = [_item(after.epoch, row) for row in rows if row["id"] is not None]
    if len(items) == limit:
        return Page(items, items[-1].position, full=True)
    # Everything below the horizon has been read, whoever it was about: go on from there.
    return Page(items, max(after, Position(after.epoch, rows[0]["horizon"], 0)), full=False)


async def read(
    source: asyncpg.Pool | asyncpg.Connection, organisation: UUID, after: Position, *, limit: int = PAGE
) -> list[StreamItem]:
    """Read the events after a place, the oldest first."""
    return (await read_page(source, organisation, after, limit=limit)).items


def _item(number: int, row: asyncpg.Record) -> StreamItem:
    data = orjson.loads(row["body"])
    return StreamItem(
        Position(number, row["xid"], row["id"]),
        row["event_id"],
        row["type"],
        row["topic"],
        row["mode"],
        datetime.fromisoformat(data["at"]),
        row["seq"],
        row["key"].decode(),
        data,
    )
