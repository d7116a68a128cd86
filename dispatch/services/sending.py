"""The loop that sends messages: lease, commit, check again, send, record; and the receipts that come back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.messages import WITH_LINK, Facts, text_of, why_not
from dispatch.services import tokens
from dispatch.services.batches import is_difficult
from dispatch.services.engine import Engine, Work
from dispatch.services.gateways import (
    Gateway,
    GatewayRefusedError,
    GatewayUnavailableError,
    Outgoing,
    Receipt,
    ReceiptStatus,
)
from dispatch.storage.messages import (
    Delay,
    Leased,
    Order,
    Settlement,
    lease,
    put_back,
    settle,
    skip_unserved,
)
from dispatch.storage.pool import describe
from dispatch.storage.queries import sql

AT_ONCE = 16
"""Sends in flight per channel, and as many again for recalls, which so never wait."""
LEASE = timedelta(seconds=60)
PATIENCE_S = 30.0
"""How long, in real time, a gateway may take over one message."""
RECENT = timedelta(minutes=30)
"""How long after an offer's window an unclear text may still have been about it."""
POLL_S = 0.05
SWEEP_S = 1.0
PAUSE_AFTER_ERROR_S = 1.0
GRACE_S = 5.0
TRIES_BEFORE_TROUBLE = 3

BEFORE: dict[ReceiptStatus, Sequence[str]] = {
    "sent": ("queued", "leased"),
    "delivered": ("queued", "leased", "sent", "skipped", "failed"),
    "failed": ("queued", "leased", "sent"),
}
"""What each receipt may follow: it may overtake our own note of the send, and outlive a doubt about it."""

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Trouble:
    """A gateway that again and again does not take an organisation's message."""

    organisation: UUID
    gateway: str
    reason: str


OnTrouble = Callable[[asyncpg.Connection, Trouble, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Lane:
    """One gateway's sends in flight, recalls apart from the rest."""

    gateway: Gateway
    channel: str
    recall: bool
    busy: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)
    stir: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, message: Leased, work: Awaitable[None]) -> None:
        """Begin one send, and look for more when it ends."""
        task = asyncio.ensure_future(work)
        self.busy[message.id] = task
        task.add_done_callback(partial(self._end, message.id))

    def _end(self, name: UUID, _task: asyncio.Future[None]) -> None:
        del self.busy[name]
        self.stir.set()


class Sender:
    """Send what is queued, through one gateway per channel; several processes may run one each.

    `on_trouble` is called when a gateway has not taken a message three times.
    """

    def __init__(
        self,
        engine: Engine,
        gateways: Mapping[str, Gateway],
        *,
        secret: bytes,
        public_url: str,
        on_trouble: OnTrouble | None = None,
    ) -> None:
        self._engine = engine
        self._secret = secret
        self._public_url = public_url.rstrip("/")
        self._on_trouble = on_trouble
        self._channels = sorted(gateways)
        self._lanes = [Lane(gateways[c], c, recall) for recall in (True, False) for c in self._channels]

    async def run(self) -> None:
        """Send for ever; when cancelled, let what is in flight end."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_forever(self._sweep, asyncio.Event(), SWEEP_S))
                for lane in self._lanes:
                    group.create_task(_forever(partial(self._start, lane), lane.stir, POLL_S))
        finally:
            if in_flight := self._in_flight():
                await asyncio.wait(in_flight.values(), timeout=GRACE_S)

    def wake(self) -> None:
        """Look at once: something was queued."""
        for lane in self._lanes:
            lane.stir.set()

    async def round(self) -> int:
        """Send what is due now, wait for it, and return how many messages were taken in hand."""
        await self._sweep()
        for lane in self._lanes:
            await self._start(lane)
        in_flight = self._in_flight()
        await asyncio.gather(*in_flight.values())
        return len(in_flight)

    def _in_flight(self) -> dict[UUID, asyncio.Task[None]]:
        return {name: task for lane in self._lanes for name, task in lane.busy.items()}

    async def _sweep(self) -> None:
        skipped = await self._engine.transact(partial(skip_unserved, self._channels))
        if skipped:
            log.warning("messages skipped: no gateway for their channel", skipped=skipped)

    async def _start(self, lane: Lane) -> None:
        """Begin as many sends as the lane has room for."""
        room = AT_ONCE - len(lane.busy)
        if room <= 0:
            return
        # What this process holds is never taken twice, however fast the clock and however slow the gateway.
        held = list(self._in_flight())
        order = Order(lane.channel, lane.recall, room, LEASE, held)
        for message in await self._engine.transact(partial(lease, order)):
            lane.take(message, self._deliver(lane.gateway, message))

    async def _deliver(self, gateway: Gateway, message: Leased) -> None:
        try:
            outgoing = await self._engine.transact(partial(self._prepare, message))
            if outgoing is not None:
                await self._send(gateway, outgoing)
        except Exception as error:  # noqa: BLE001 - the outermost loop of one message: the others go on
            log.error("message could not be sent", message=str(message.id), error=describe(error))  # noqa: TRY400
            await self._later(gateway, Delay(message.id, "an error of ours", doubt=True))

    async def _prepare(
        self, message: Leased, connection: asyncpg.Connection, now: datetime
    ) -> Outgoing | None:
        """Check again, and write the text; None where the message must not go out any more."""
        row = await connection.fetchrow(sql("message_facts"), message.id, now - RECENT)
        facts = Facts(**dict(row or {}))
        if facts.status != "leased" or facts.attempts != message.attempts:
            return None
        why = why_not(facts, now)
        if why is not None or facts.address is None:
            await settle(Settlement(message.id, "skipped", why or ""), connection, now)
            return None
        text = text_of(facts, await self._link(connection, facts, now), now)
        return Outgoing(message.id, facts.address, text, urgent=facts.severity == 0)

    async def _link(self, connection: asyncpg.Connection, facts: Facts, now: datetime) -> str:
        """Give the page that the text leads to; its token is made here and kept as a hash only."""
        if facts.purpose == "escalation":
            return f"{self._public_url}/console"
        if facts.offer_id is None or facts.purpose not in WITH_LINK:
            return ""
        token = tokens.derive(self._secret, facts.offer_id, facts.generation)
        await tokens.note(connection, token, facts.offer_id, facts.generation, now)
        return f"{self._public_url}/a/{token}"

    async def _send(self, gateway: Gateway, message: Outgoing) -> None:
        name = message.message_id
        try:
            async with asyncio.timeout(PATIENCE_S):
                await gateway.send(message)
        except GatewayRefusedError as refusal:
            await self._record(partial(settle, Settlement(name, "failed", str(refusal))))
        except GatewayUnavailableError as trouble:
            await self._later(gateway, Delay(name, str(trouble), doubt=False))
        except TimeoutError:
            await self._later(gateway, Delay(name, "the gateway did not answer in time", doubt=True))
        else:
            await self._record(partial(settle, Settlement(name, "sent")))

    async def _later(self, gateway: Gateway, delay: Delay) -> None:
        """Keep a message for later; from the third time on somebody should know."""
        row = await self._record(partial(put_back, delay))
        if row is None:
            return
        log.warning(
            "gateway does not take a message; trying again",
            gateway=gateway.name,
            message=str(delay.id),
            attempts=row["attempts"],
            reason=delay.reason,
        )
        if row["attempts"] == TRIES_BEFORE_TROUBLE and self._on_trouble is not None:
            trouble = Trouble(row["organisation"], gateway.name, delay.reason)
            await self._engine.transact(partial(_tell, self._on_trouble, trouble))

    async def _record(self, work: Work[T]) -> T:
        """Note an outcome, for as long as it takes: what is not noted would be sent again."""
        while True:
            try:
                return await self._engine.transact(work)
            except Exception as error:
                if not is_difficult(error):
                    raise
                log.warning("outcome of a message cannot be noted; trying again", error=describe(error))
            await asyncio.sleep(PAUSE_AFTER_ERROR_S)


async def receipt(engine: Engine, heard: Receipt) -> bool:
    """Note what a provider says became of a message; return False, and log it, where it is none of ours."""
    settlement = Settlement(
        heard.message_id,
        heard.status,
        "not delivered" if heard.status == "failed" else "",
        BEFORE[heard.status],
        heard.detail,
    )

    async def inside(connection: asyncpg.Connection, now: datetime) -> bool:
        known = await settle(settlement, connection, now)
        return known or await connection.fetchval(sql("message_status"), heard.message_id) is not None

    known = await engine.transact(inside)
    if not known:
        log.warning("receipt for an unknown message", message=str(heard.message_id), status=heard.status)
    return known


async def _tell(
    on_trouble: OnTrouble, trouble: Trouble, connection: asyncpg.Connection, now: datetime
) -> None:
    await on_trouble(connection, trouble, now)


async def _forever(work: Callable[[], Awaitable[None]], stir: asyncio.Event, pause_s: float) -> None:
    """Work, wait a little or until stirred, work again."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the outermost loop: sending goes on when the trouble is over
            log.warning("sending paused; trying again", error=describe(error))
            await asyncio.sleep(PAUSE_AFTER_ERROR_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await stir.wait()
        stir.clear()
