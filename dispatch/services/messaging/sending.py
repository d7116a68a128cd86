"""The loop that sends messages: lease, commit, check again, send, record; and the receipts that come back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.messaging.messages import Facts, text_of, why_not
from dispatch.logs import where
from dispatch.services.core.failures import is_transient
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.gateway import (
    Gateway,
    GatewayRefusedError,
    GatewaySilentError,
    GatewayUnavailableError,
    Outgoing,
    Receipt,
    ReceiptStatus,
)
from dispatch.services.messaging.links import Links
from dispatch.services.messaging.outcome_writer import Recorder
from dispatch.services.messaging.send_slots import Lane
from dispatch.storage.messages import Delay, Leased, Order, Outcome, Settlement, lease, settle, skip_unserved
from dispatch.storage.pool import describe, retrying, transaction
from dispatch.storage.queries import sql

LEASE = timedelta(seconds=30)
"""How long what a dead process held waits for another one; offers are open for a minute. A living one renews it."""
PATIENCE_S = 15.0
"""How long, in real time, a gateway may take over one message."""
RECENT = timedelta(minutes=30)
"""How long after an offer's window an unclear text may still have been about it."""
POLL_S = 0.05
GAP_S = 0.01
"""How long a sender that found nothing does not look again, though every commit of the process stirs it."""
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

Checked = tuple[Facts, str | None]
"""A message as it stands now, and why it must not go out any more."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Trouble:
    """A gateway that again and again does not take an organisation's message."""

    organisation: UUID
    gateway: str
    reason: str


OnTrouble = Callable[[asyncpg.Connection, Trouble, datetime], Awaitable[None]]


class Sender:
    """Send what is queued, through one gateway per channel; several processes may run one each.

    However much there is to send it borrows few connections: one to find recalls, one to find the rest, one to note
    what became of them. `on_trouble` is called when a gateway has not taken a message three times.
    """

    def __init__(
        self,
        uow: UnitOfWork,
        gateways: Mapping[str, Gateway],
        *,
        secret: bytes,
        public_url: str,
        on_trouble: OnTrouble | None = None,
    ) -> None:
        self._uow = uow
        self._links = Links(secret, public_url.rstrip("/"))
        self._on_trouble = on_trouble
        self._telling = asyncio.Lock()
        self._recorder = Recorder(uow)
        self._channels = sorted(gateways)
        self._stirs = {recall: asyncio.Event() for recall in (True, False)}
        self._lanes = [
            Lane(gateways[c], c, recall, stir) for recall, stir in self._stirs.items() for c in self._channels
        ]
        self._filling: set[asyncio.Task[int]] = set()

    async def run(self) -> None:
        """Send for ever; when cancelled, let what is in hand end."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_forever(self._sweep, asyncio.Event(), SWEEP_S))
                for recall, stir in self._stirs.items():
                    group.create_task(_forever(partial(self._look, recall=recall), stir, POLL_S))
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    while in_hand := {*self._filling, *self._in_flight()}:
                        await asyncio.wait(in_hand)

    def wake(self) -> None:
        """Look soon: something was queued."""
        for stir in self._stirs.values():
            stir.set()

    async def round(self) -> int:
        """Send what is due now, wait for it, and return how many messages were taken in hand."""
        await self._sweep()
        taken = sum([await self._fill(lane) for lane in self._lanes])
        await asyncio.gather(*self._in_flight())
        return taken

    def _in_flight(self) -> list[asyncio.Task[None]]:
        return [held.work for lane in self._lanes for held in lane.busy.values()]

    async def _sweep(self) -> None:
        await self._renew()
        skipped = await self._uow.transact(partial(skip_unserved, self._channels))
        if skipped:
            log.warning("messages skipped: no gateway for their channel", skipped=skipped)

    async def _renew(self) -> None:
        """Keep what is in hand and takes long: another process must not send it too."""
        if held := [name for lane in self._lanes for name in lane.busy]:
            now = self._uow.clock.now()
            await self._uow.pool.execute(sql("renew_leases"), held, now, now + LEASE / 2, now + LEASE)

    async def _look(self, *, recall: bool) -> None:
        """Fill the lanes that have room; having found nothing, look away for a moment, however often stirred."""
        lanes = [lane for lane in self._lanes if lane.recall is recall and any(lane.room)]
        taken = sum([await self._fill_whole(lane) for lane in lanes])
        if lanes and not taken:
            await asyncio.sleep(GAP_S)

    async def _fill_whole(self, lane: Lane) -> int:
        """Fill a lane even if cancelled meanwhile: what was leased is sent."""
        filling = asyncio.create_task(self._fill(lane))
        self._filling.add(filling)
        filling.add_done_callback(self._filling.discard)
        return await asyncio.shield(filling)

    async def _fill(self, lane: Lane) -> int:
        """Begin as many sends as the lane has room for."""
        leased = await self._lease(lane)
        if leased:
            await self._begin(lane, leased)
        return len(leased)

    # The next two publish nothing and so wake nobody: the sender, woken by every commit, would never rest.

    @retrying
    async def _lease(self, lane: Lane) -> list[Leased]:
        async with transaction(self._uow.pool) as connection:
            # What this process holds is never taken twice, however fast the clock and however slow the gateway.
            order = Order(lane.channel, lane.recall, lane.room, LEASE, list(lane.busy))
            return await lease(order, connection, self._uow.clock.now())

    @retrying
    async def _check(self, leased: Sequence[Leased]) -> list[Checked]:
        """Read what is still ours as it stands now, and keep the links of what will be sent."""
        attempts = {one.id: one.attempts for one in leased}
        async with transaction(self._uow.pool) as connection:
            now = self._uow.clock.now()
            rows = await connection.fetch(sql("message_facts"), list(attempts), now - RECENT)
            known = [Facts(**dict(row)) for row in rows]
            ours = [one for one in known if one.status == "leased" and one.attempts == attempts[one.id]]
            checked = [(facts, why_not(facts, now)) for facts in ours]
            await self._links.keep(connection, [facts for facts, why in checked if why is None], now)
        return checked

    async def _begin(self, lane: Lane, leased: Sequence[Leased]) -> None:
        """Check again and begin the sends; a message that breaks this does not hold up the others."""
        try:
            checked = await self._check(leased)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a batch
            if len(leased) > 1 and not is_transient(error):
                for one in leased:
                    await self._begin(lane, [one])
                return
            for one in leased:
                lane.take(one.id, one.severity, self._give_back(lane.gateway, one.id, error, doubt=False))
        else:
            for facts, why in checked:
                lane.take(facts.id, facts.severity, self._deliver(lane.gateway, facts, why))

    async def _deliver(self, gateway: Gateway, facts: Facts, why: str | None) -> None:
        try:
            outcome = Settlement(facts.id, "skipped", why) if why else await self._send(gateway, facts)
            await self._note(gateway, outcome)
        except Exception as error:  # noqa: BLE001 - the outermost loop of one message: the others go on
            await self._give_back(gateway, facts.id, error, doubt=True)

    async def _send(self, gateway: Gateway, facts: Facts) -> Outcome:
        """Hand a message over, and say how that went."""
        text = text_of(facts, self._links.of(facts), self._uow.clock.now())
        message = Outgoing(facts.id, facts.address or "", text, urgent=facts.severity == 0)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await gateway.send(message)
        except GatewayRefusedError as refusal:
            return Settlement(facts.id, "failed", str(refusal))
        except GatewayUnavailableError as trouble:
            return Delay(facts.id, str(trouble), doubt=isinstance(trouble, GatewaySilentError))
        except TimeoutError:
            return Delay(facts.id, "the gateway did not answer in time", doubt=True)
        return Settlement(facts.id, "sent")

    async def _give_back(self, gateway: Gateway, name: UUID, error: Exception, *, doubt: bool) -> None:
        log.error("message could not be sent", message=str(name), error=where(error))
        await self._note(gateway, Delay(name, "an error of ours", doubt))

    async def _note(self, gateway: Gateway, outcome: Outcome) -> None:
        """Note an outcome; from the third try in vain on somebody should know."""
        row = await self._recorder.note(outcome)
        if row is None or not isinstance(outcome, Delay):
            return
        log.warning(
            "gateway does not take a message; trying again",
            gateway=gateway.name,
            message=str(outcome.id),
            attempts=row["attempts"],
            reason=outcome.reason,
        )
        if row["attempts"] == TRIES_BEFORE_TROUBLE and self._on_trouble is not None:
            trouble = Trouble(row["organisation"], gateway.name, outcome.reason)
            async with self._telling:
                await self._uow.transact(partial(_tell, self._on_trouble, trouble))


async def receipt(uow: UnitOfWork, heard: Receipt) -> bool:
    """Note what a provider says became of a message; return False, and log it, where it is none of ours."""
    settlement = Settlement(
        heard.message_id,
        heard.status,
        "not delivered" if heard.status == "failed" else "",
        heard.detail,
    )

    async def inside(connection: asyncpg.Connection, now: datetime) -> bool:
        settled = await settle([settlement], connection, now, before=BEFORE[heard.status])
        return bool(settled) or await connection.fetchval(sql("message_status"), heard.message_id) is not None

    known = await uow.transact(inside)
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
            words = describe(error) if is_transient(error) else where(error)
            log.warning("sending paused; trying again", error=words)
            await asyncio.sleep(PAUSE_AFTER_ERROR_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await stir.wait()
        stir.clear()
