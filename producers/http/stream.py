"""`GET /v1/stream`: the events of an organisation as they are committed, as server-sent events."""

import asyncio
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response
from fastapi.sse import EventSourceResponse, format_sse_event

from dispatch.services.access import keys
from dispatch.services.access.keys import Key
from dispatch.services.console import stream
from dispatch.services.console.stream import MODES, PAGE, SHOWN, Cursor, StreamItem
from dispatch.services.core.errors import InvalidError, UnauthorizedError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.pool import UNREACHABLE, describe
from producers.http.auth import ConsoleReadKey, presented_key
from schemas.base import Mode

POLL_S = 0.1
RETRY_S = 1.0
HEARTBEAT_S = 5.0
"""A stream gets a heartbeat, and its key is checked again, this often: so long a revoked key still reads."""
RECONNECT_MS = 2_000
BUFFERED = 1_000
"""Events in memory for readers that are nearly up to date; a reader that is farther behind reads the journal."""
RETRY_AFTER_S = 30
UNBUFFERED = {"X-Accel-Buffering": "no"}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events.", "content": {"text/event-stream": {}}},
    429: {"description": "The key, its organisation or this process serves too many streams: close some."},
    400: {"description": "The id is not an event id of this stream."},
}
RESTARTED = '{"reason":"this event id is not known here: the stream continues from the beginning"}'

NO_CURSOR = Cursor(0, 0, 0)

log = structlog.get_logger()

Stopping = Callable[[], bool]


class Frame(NamedTuple):
    """One event as server-sent event, formatted once for all watchers."""

    position: Cursor
    topic: str
    mode: Mode
    text: bytes


@dataclass(frozen=True, slots=True)
class Filter:
    """The topics and modes that one watcher requested; `renew` authenticates the key again, which may be revoked."""

    topics: Collection[str]
    modes: Collection[Mode]
    renew: Callable[[], Awaitable[object]]

    def select(self, frames: list[Frame]) -> bytes:
        """Return the text of the frames that pass the filter."""
        return b"".join(f.text for f in frames if f.topic in self.topics and f.mode in self.modes)


class Feed:
    """Reads the journal once for all watchers of one organisation."""

    def __init__(self, uow: UnitOfWork, organisation: UUID, stopping: Stopping) -> None:
        """Create the feed of an organisation; reading starts with the first watcher."""
        self.watchers = 0
        self._uow = uow
        self._organisation = organisation
        self._stopping = stopping
        self._frames: list[Frame] = []
        # Every event after the floor, up to the head, is in memory.
        self._floor = self._head = NO_CURSOR
        self._news = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Register a watcher; the journal is read while there is at least one."""
        self.watchers += 1
        if self._reading is None or self._reading.done():
            self._restart(NO_CURSOR)
            self._reading = asyncio.create_task(self._read(), name="stream")
        try:
            yield
        finally:
            self.watchers -= 1
            if not self.watchers:
                self._reading.cancel()
                self._reading = None

    def over(self, cursor: Cursor) -> bool:
        """Return whether a watcher must reconnect, since reading ended or the database was replaced."""
        ended = self._reading is None or self._reading.done()
        return ended or self._stopping() or self._head.epoch not in {0, cursor.epoch}

    async def after(self, cursor: Cursor, wait_s: float) -> tuple[list[Frame], Cursor]:
        """Return the frames after a cursor and the cursor reached; wait up to `wait_s` for the next event."""
        if cursor >= self._head:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait_s)
            return [], cursor
        if cursor < self._floor:
            page = await stream.read_page(self._uow.pool, self._organisation, cursor)
            return [_frame(item) for item in page.items], page.position
        start = bisect_right(self._frames, cursor, key=lambda frame: frame.position)
        frames = self._frames[start : start + PAGE]
        return frames, frames[-1].position if start + PAGE < len(self._frames) else self._head

    async def _read(self) -> None:
        try:
            while not self._stopping():
                await self._try_step()
        finally:
            # Scheduled, so that the woken watchers find this task done.
            asyncio.get_running_loop().call_soon(self._wake)

    async def _try_step(self) -> None:
        try:
            full = await self._step()
        except UNREACHABLE as error:
            log.warning("the stream waits for PostgreSQL", error=describe(error))
            self._restart(NO_CURSOR)
            await asyncio.sleep(RETRY_S)
        else:
            await asyncio.sleep(0 if full else POLL_S)

    async def _step(self) -> bool:
        if not self._head.epoch:
            self._restart(await stream.latest(self._uow))
        page = await stream.read_page(self._uow.pool, self._organisation, self._head)
        self._frames += [_frame(item) for item in page.items]
        self._head = page.position
        if len(self._frames) > 2 * BUFFERED:
            self._floor = self._frames[-BUFFERED - 1].position
            del self._frames[:-BUFFERED]
        if page.items:
            self._wake()
        return page.full

    def _restart(self, cursor: Cursor) -> None:
        """Empty the buffer and continue at a cursor; watchers that are behind it read the journal."""
        self._frames.clear()
        self._floor = self._head = cursor
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How many streams a process serves at once."""

    per_key: int = 20
    per_organisation: int = 200
    in_all: int = 500


class Feeds:
    """The feeds of one process, by organisation, and who reads them."""

    def __init__(self, uow: UnitOfWork, stopping: Stopping, limits: StreamLimits) -> None:
        """Use this unit of work and this stop condition for every feed."""
        self._uow = uow
        self._stopping = stopping
        self._limits = limits
        self._feeds: dict[UUID, Feed] = {}
        self._by_key: Counter[str] = Counter()

    @contextmanager
    def watched(self, key: Key) -> Iterator[Feed]:
        """Register a watcher of the feed of a key's organisation; raises HTTPException 429 if there are too many."""
        feed = self._feeds.setdefault(key.organisation, Feed(self._uow, key.organisation, self._stopping))
        self._check(key, feed)
        self._by_key[key.id] += 1
        try:
            with feed.watched():
                yield feed
        finally:
            self._by_key[key.id] -= 1
            if not self._by_key[key.id]:
                del self._by_key[key.id]

    def _check(self, key: Key, feed: Feed) -> None:
        limits = self._limits
        if self._by_key[key.id] >= limits.per_key:
            raise _too_many(f"this key reads {limits.per_key} streams already", "STREAMS_PER_KEY")
        if feed.watchers >= limits.per_organisation:
            what = f"this organisation reads {limits.per_organisation} streams already"
            raise _too_many(what, "STREAMS_PER_ORGANISATION")
        if sum(one.watchers for one in self._feeds.values()) >= limits.in_all:
            raise _too_many(f"this process serves {limits.in_all} streams already", "STREAMS")


def _too_many(what: str, setting: str) -> HTTPException:
    detail = f"{what}: close some, or raise DISPATCH_{setting}"
    return HTTPException(429, detail, {"Retry-After": str(RETRY_AFTER_S)})


def router(
    uow: UnitOfWork, stopping: Stopping = lambda: False, limits: StreamLimits = StreamLimits()
) -> APIRouter:
    """Return the route of the stream, which ends when `stopping` is true."""
    feeds = Feeds(uow, stopping, limits)
    routes = APIRouter(tags=["console"])

    async def watched(key: ConsoleReadKey) -> AsyncIterator[Feed]:
        """Register the watcher until the response has ended, however it ends."""
        with feeds.watched(key) as feed:
            yield feed

    @routes.get("/v1/stream", response_class=Response, responses=DOCUMENTED)
    async def stream(
        feed: Annotated[Feed, Depends(watched)],
        request: Request,
        *,
        last_event_id: Annotated[str | None, Header()] = None,
        after: str | None = None,
        start: Annotated[Literal["start", "now"], Query(alias="from")] = "now",
        topic: Annotated[list[str] | None, Query()] = None,
        mode: Annotated[list[Mode] | None, Query()] = None,
    ) -> EventSourceResponse:
        """Stream events from now on; `Last-Event-ID` or `after` continues after an event."""
        cursor, restarted = await _begin(uow, last_event_id or after, start)
        renew = partial(keys.authenticate, uow, presented_key(request))
        chosen = Filter(topic or SHOWN, mode or MODES, renew)
        watching = _watch(feed, cursor, chosen, restarted=restarted)
        return EventSourceResponse(watching, headers=UNBUFFERED)

    return routes


async def _begin(uow: UnitOfWork, event_id: str | None, start: str) -> tuple[Cursor, bool]:
    if event_id is None:
        return await (stream.beginning if start == "start" else stream.latest)(uow), False
    try:
        return await stream.resume(uow, event_id)
    except InvalidError as error:
        raise HTTPException(400, f"{error.field}: {error}") from None


async def _watch(feed: Feed, cursor: Cursor, chosen: Filter, *, restarted: bool) -> AsyncIterator[bytes]:
    with suppress(UnauthorizedError, *UNREACHABLE):
        # An id at once: a watcher that is disconnected before the first event resumes here and misses none.
        yield format_sse_event(id=str(cursor), retry=RECONNECT_MS)
        if restarted:
            yield format_sse_event(event="stream.restarted", data_str=RESTARTED)
        beat_at = time.monotonic() + HEARTBEAT_S
        while not feed.over(cursor):
            frames, cursor = await feed.after(cursor, beat_at - time.monotonic())
            text = chosen.select(frames)
            if time.monotonic() >= beat_at:
                # Before the text: a key that was revoked since the last heartbeat reads no further event.
                await chosen.renew()
                beat_at = time.monotonic() + HEARTBEAT_S
                text += format_sse_event(comment="still here", id=str(cursor))
            if text:
                yield text


def _frame(item: StreamItem) -> Frame:
    text = format_sse_event(id=str(item.position), event=item.type, data_str=item.json().decode())
    return Frame(item.position, item.topic, item.mode, text)
