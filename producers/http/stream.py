"""The supervisors' console: `GET /v1/stream`, the events of an organisation as they are committed (SSE)."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Header, HTTPException, Query, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.sse import EventSourceResponse, format_sse_event

from dispatch.services.access.keys import Key
from dispatch.services.console import stream
from dispatch.services.console.stream import MODES, SHOWN, Position, StreamItem
from dispatch.services.core.errors import ForbiddenError, InvalidError, UnauthorizedError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.pool import UNREACHABLE, describe
from schemas.base import Mode

SCOPES = ("console:read", "console:act")
POLL_S = 0.1
RETRY_S = 1.0
HEARTBEAT_S = 15.0
RECONNECT_MS = 2_000
KEPT = 1_000
"""Events in memory for those who are nearly up to date; whoever is farther behind reads the journal."""
MOST_WATCHERS = 500
DIFFICULT = UNREACHABLE
FRESH = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events.", "content": {"text/event-stream": {}}},
    400: {"description": "The id is not one of this stream."},
}
RESTARTED = '{"reason":"this place is not known here: the stream goes on from the beginning"}'

NOWHERE = Position(0, 0, 0)

log = structlog.get_logger()

Authenticate = Callable[[UnitOfWork, str], Awaitable[Key]]
Stopping = Callable[[], bool]


class Frame(NamedTuple):
    """One event as its readers get it, written once for all of them."""

    position: Position
    topic: str
    mode: Mode
    text: bytes


@dataclass(frozen=True, slots=True)
class Wish:
    """What one watcher wants to see, and how to tell that they still may."""

    topics: Collection[str]
    modes: Collection[Mode]
    renew: Callable[[], Awaitable[object]]

    def cut(self, frames: list[Frame]) -> bytes:
        """Give what is wanted of some frames."""
        return b"".join(f.text for f in frames if f.topic in self.topics and f.mode in self.modes)


class Feed:
    """One reader of the journal for all who watch one organisation."""

    def __init__(self, uow: UnitOfWork, organisation: UUID, stopping: Stopping) -> None:
        """Read nothing before somebody watches."""
        self.watchers = 0
        self._uow = uow
        self._organisation = organisation
        self._stopping = stopping
        self._frames: list[Frame] = []
        # What is after the floor and not after the head is in memory, all of it.
        self._floor = self._head = NOWHERE
        self._news = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Read as long as somebody watches."""
        self.watchers += 1
        if self._reading is None or self._reading.done():
            self._forget(NOWHERE)
            self._reading = asyncio.create_task(self._read(), name="stream")
        try:
            yield
        finally:
            self.watchers -= 1
            if not self.watchers:
                self._reading.cancel()
                self._reading = None

    def over(self, place: Position) -> bool:
        """Tell whether a watcher has to go: nobody reads any more, or the database is another one now."""
        ended = self._reading is None or self._reading.done()
        return ended or self._stopping() or self._head.epoch not in {0, place.epoch}

    async def after(self, place: Position) -> tuple[list[Frame], Position]:
        """Give what came after a place, and the place reached; waits for a while where that is nothing."""
        if place >= self._head:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), HEARTBEAT_S)
            return [], place
        if place < self._floor:
            page = await stream.read_page(self._uow.pool, self._organisation, place)
            return [_frame(item) for item in page.items], page.position
        start = bisect_right(self._frames, place, key=lambda frame: frame.position)
        return self._frames[start:], self._head

    async def _read(self) -> None:
        try:
            while not self._stopping():
                await self._try_step()
        finally:
            # Last: whoever wakes now has to see that the reading is over.
            asyncio.get_running_loop().call_soon(self._tell)

    async def _try_step(self) -> None:
        try:
            full = await self._step()
        except DIFFICULT as error:
            log.warning("the stream waits for PostgreSQL", error=describe(error))
            self._forget(NOWHERE)
            await asyncio.sleep(RETRY_S)
        else:
            await asyncio.sleep(0 if full else POLL_S)

    async def _step(self) -> bool:
        if not self._head.epoch:
            self._forget(await stream.latest(self._uow))
        page = await stream.read_page(self._uow.pool, self._organisation, self._head)
        self._frames += [_frame(item) for item in page.items]
        self._head = page.position
        if len(self._frames) > 2 * KEPT:
            self._floor = self._frames[-KEPT - 1].position
            del self._frames[:-KEPT]
        if page.items:
            self._tell()
        return page.full

    def _forget(self, place: Position) -> None:
        """Begin again at a place; those who are not there yet read the journal up to it."""
        self._frames.clear()
        self._floor = self._head = place
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class Feeds:
    """The feeds of one process, by organisation."""

    def __init__(self, uow: UnitOfWork, stopping: Stopping) -> None:
        """Begin with none."""
        self._uow = uow
        self._stopping = stopping
        self._feeds: dict[UUID, Feed] = {}

    def of(self, organisation: UUID) -> Feed:
        """Give the feed of an organisation; refuses where too many watch already."""
        if sum(feed.watchers for feed in self._feeds.values()) >= MOST_WATCHERS:
            raise HTTPException(503, "too many are watching: try again later", {"Retry-After": "30"})
        return self._feeds.setdefault(organisation, Feed(self._uow, organisation, self._stopping))


def router(uow: UnitOfWork, authenticate: Authenticate, stopping: Stopping = lambda: False) -> APIRouter:
    """Serve the stream until `stopping` says so; the app answers for UnauthorizedError and ForbiddenError."""
    feeds = Feeds(uow, stopping)
    bearer = HTTPBearer(auto_error=False)
    routes = APIRouter(tags=["console"])

    @routes.get("/v1/stream", response_class=Response, responses=DOCUMENTED)
    async def stream(
        *,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
        last_event_id: Annotated[str | None, Header()] = None,
        after: str | None = None,
        start: Annotated[Literal["start", "now"], Query(alias="from")] = "now",
        topic: Annotated[list[str] | None, Query()] = None,
        mode: Annotated[list[Mode] | None, Query()] = None,
    ) -> EventSourceResponse:
        """Follow what happens, from now; `Last-Event-ID` or `after` goes on from an event."""

        async def renew() -> Key:
            return _permit(await authenticate(uow, credentials.credentials if credentials else ""))

        key = await renew()
        place, restarted = await _begin(uow, last_event_id or after, start)
        wish = Wish(topic or SHOWN, mode or MODES, renew)
        watching = _watch(feeds.of(key.organisation), place, wish, restarted=restarted)
        return EventSourceResponse(watching, headers=FRESH)

    return routes


def _permit(key: Key) -> Key:
    if not key.may(*SCOPES):
        raise ForbiddenError(f"this key needs one of the scopes {', '.join(SCOPES)}")
    return key


async def _begin(uow: UnitOfWork, told: str | None, start: str) -> tuple[Position, bool]:
    if told is None:
        return await (stream.beginning if start == "start" else stream.latest)(uow), False
    try:
        return await stream.resume(uow, told)
    except InvalidError as error:
        raise HTTPException(400, f"{error.field}: {error}") from None


async def _watch(feed: Feed, place: Position, wish: Wish, *, restarted: bool) -> AsyncIterator[bytes]:
    with feed.watched(), suppress(UnauthorizedError, ForbiddenError, *DIFFICULT):
        # An id at once: who is cut off before the first event comes back to this place and misses nothing.
        yield format_sse_event(id=str(place), retry=RECONNECT_MS)
        if restarted:
            yield format_sse_event(event="stream.restarted", data_str=RESTARTED)
        said = time.monotonic()
        while not feed.over(place):
            frames, place = await feed.after(place)
            if text := wish.cut(frames):
                yield text
            if time.monotonic() - said >= HEARTBEAT_S:
                said = time.monotonic()
                await wish.renew()
                yield format_sse_event(comment="still here", id=str(place))


def _frame(item: StreamItem) -> Frame:
    text = format_sse_event(id=str(item.position), event=item.type, data_str=item.json().decode())
    return Frame(item.position, item.topic, item.mode, text)
