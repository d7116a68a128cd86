"""The stream: an organisation's journal in commit order, nothing skipped, nothing twice."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Self, get_args
from uuid import UUID

import asyncpg
import orjson

from dispatch.services.console.pseudonyms import people_in, replaced
from dispatch.services.core.errors import InvalidError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest.restore_epochs import current_epoch
from dispatch.services.people.members import Members, members_of
from dispatch.storage.queries import sql
from schemas.base import Mode
from schemas.topics import TOPICS

SHOWN = tuple(t.name for t in TOPICS if t.name.startswith(("incident.", "dispatch.", "notification.")))
"""Topics that a stream may show: none holds anything personal."""
MODES: tuple[Mode, ...] = get_args(Mode)
PAGE = 200

_CURSOR = re.compile(r"([0-9]{1,9})\.([0-9]{1,18})\.([0-9]{1,18})", re.ASCII)


class Cursor(NamedTuple):
    """A position in the stream; cursors of one epoch compare in commit order."""

    epoch: int
    xid: int
    id: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the id of an event of the stream; raises InvalidError for anything else."""
        match = _CURSOR.fullmatch(text.strip())
        if match is None:
            raise InvalidError("Last-Event-ID", "not the id of an event of this stream")
        return cls(*map(int, match.groups()))

    def __str__(self) -> str:
        """Return the cursor as the id of an event."""
        return f"{self.epoch}.{self.xid}.{self.id}"


@dataclass(frozen=True, slots=True)
class StreamItem:
    """One event and its cursor; `data` is the event as it was published, but with the ids of members."""

    position: Cursor
    id: UUID
    type: str
    topic: str
    mode: Mode
    at: datetime
    sequence: int
    subject: str
    data: dict[str, Any]

    def json(self) -> bytes:
        """Return the event as JSON, without its cursor."""
        names = ("id", "type", "topic", "mode", "at", "sequence", "subject", "data")
        return orjson.dumps({name: getattr(self, name) for name in names}, default=str)


@dataclass(frozen=True, slots=True)
class Page:
    """The events after a cursor, and the cursor to read on from; `full` if there are more already."""

    items: list[StreamItem]
    position: Cursor
    full: bool


async def beginning(uow: UnitOfWork) -> Cursor:
    """Return the cursor before all events."""
    return Cursor(await current_epoch(uow), 0, 0)


async def latest(uow: UnitOfWork) -> Cursor:
    """Return the cursor at the present end of the stream."""
    return Cursor(await current_epoch(uow), await uow.pool.fetchval(sql("stream_horizon")), 0)


async def resume(uow: UnitOfWork, text: str) -> tuple[Cursor, bool]:
    """Return the cursor of an event's id and False, or the beginning and True if the id is of another database.

    Raises InvalidError for a malformed id.
    """
    cursor, now = Cursor.parse(text), await latest(uow)
    known = cursor.epoch == now.epoch and cursor.xid <= now.xid
    return (cursor, False) if known else (Cursor(now.epoch, 0, 0), True)


async def read_page(
    source: asyncpg.Pool | asyncpg.Connection,
    organisation: UUID,
    after: Cursor,
    *,
    topics: Collection[str] = SHOWN,
    modes: Collection[Mode] = MODES,
    limit: int = PAGE,
) -> Page:
    """Read one page of the events after a cursor, the oldest first."""
    shown = [topic for topic in topics if topic in SHOWN]
    rows = await source.fetch(
        sql("read_stream"), organisation, after.xid, after.id, shown, list(modes), limit
    )
    found = [_item(after.epoch, row) for row in rows if row["id"] is not None]
    people = {who for item in found for who in people_in(item.data)}
    members = await members_of(source, organisation, people)
    items = [_of_members(item, members) for item in found]
    if len(items) == limit:
        return Page(items, items[-1].position, full=True)
    # Every event below the horizon has been read, those of other organisations too: go on from there.
    return Page(items, max(after, Cursor(after.epoch, rows[0]["horizon"], 0)), full=False)


def _of_members(item: StreamItem, members: Members) -> StreamItem:
    """Return an item with the ids of members; messages have their recipient as subject."""
    subject = item.subject
    if subject == item.data.get("recipient_id"):
        subject = str(members.id(UUID(subject), item.at))
    return replace(item, subject=subject, data=replaced(item.data, item.at, members))


def _item(epoch: int, row: asyncpg.Record) -> StreamItem:
    data = orjson.loads(row["body"])
    return StreamItem(
        Cursor(epoch, row["xid"], row["id"]),
        row["event_id"],
        row["type"],
        row["topic"],
        row["mode"],
        datetime.fromisoformat(data["at"]),
        row["seq"],
        row["key"].decode(),
        data,
    )
