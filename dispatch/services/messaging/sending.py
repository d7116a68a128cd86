"""The loop that sends messages: lease, commit, check again, send, record."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

import structlog

from dispatch.domain.messaging.binding import RECALL_LASTS, RECENT
from dispatch.domain.messaging.send_decision import Facts, held_until, why_not
from dispatch.services.core.error_classification import is_transient, log_fields
from dispatch.services.core.event_loop import seconds, wait_for
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging import late_pages, page_groups
from dispatch.services.messaging.delivery import Delivery, OnTrouble
from dispatch.services.messaging.gateway import Gateway
from dispatch.services.messaging.links import Links
from dispatch.services.messaging.pages import with_pages
from dispatch.services.messaging.send_slots import SendSlots
from dispatch.storage.messages import LeasedMessage, LeaseRequest, lease, skip_unserved
from dispatch.storage.pool import retrying, statement, transaction
from dispatch.storage.queries import sql
from schemas.offers import Channel

LEASE = timedelta(seconds=30)
"""How long a dead process keeps a message from another one; offers are open for a minute. A living one renews it."""
POLL_S = 0.05
GAP_S = 0.01
"""How long a sender that found nothing does not poll again, though every commit of the process wakes it."""
SWEEP_S = 1.0
RETRIES_S = 60.0
"""How long after a send its retries may fall due: until then a pause is short."""
PAUSE_AFTER_ERROR_S = 1.0
GRACE_S = 5.0

Checked = tuple[Facts, str | None]
"""A message as it stands now, and what forbids sending it."""

log = structlog.get_logger()


class Sender:
    """Sends what is queued, through one gateway per channel; several processes may run one each.

    However much there is to send, it acquires few connections: one to find recalls, one to find the rest, one to
    record outcomes. `on_trouble` is called when a gateway has not accepted a message three times. `idle_s` is the
    longest pause while this process commits nothing.
    """

    def __init__(
        self,
        uow: UnitOfWork,
        gateways: Mapping[Channel, Gateway],
        *,
        secret: bytes,
        public_url: str,
        on_trouble: OnTrouble | None = None,
        idle_s: Callable[[], float] = lambda: POLL_S,
    ) -> None:
        self._uow = uow
        self._idle_s = idle_s
        self._links = Links(secret, public_url.rstrip("/"))
        self._delivery = Delivery(uow, self._links, on_trouble)
        self._channels = sorted(gateways)
        self._wanted = {recall: asyncio.Event() for recall in (True, False)}
        self._slots = [
            SendSlots(gateways[channel], channel, recall, wanted)
            for recall, wanted in self._wanted.items()
            for channel in self._channels
        ]
        self._filling: set[asyncio.Task[int]] = set()
        self._leased_at: float | None = None

    async def run(self) -> None:
        """Send for ever; when cancelled, let the sends in flight end."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_forever(self._sweep, asyncio.Event(), self._sweep_s))
                for recall, wanted in self._wanted.items():
                    group.create_task(_forever(partial(self._poll, recall=recall), wanted, self._poll_s))
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    while unfinished := {*self._filling, *self._in_flight()}:
                        await asyncio.wait(unfinished)

    def _sweep_s(self) -> float:
        return max(SWEEP_S, self._poll_s())

    def _poll_s(self) -> float:
        recent = self._leased_at is not None and seconds() - self._leased_at < RETRIES_S
        return POLL_S if recent else self._idle_s()

    def wake(self) -> None:
        """Poll soon: something was queued."""
        for wanted in self._wanted.values():
            wanted.set()

    async def round(self) -> int:
        """Send what is due now, wait for it, and return how many messages were leased."""
        await self._sweep()
        leased = sum([await self._fill(slots) for slots in self._slots])
        await asyncio.gather(*self._in_flight())
        return leased

    def _in_flight(self) -> list[asyncio.Task[None]]:
        return [send.task for slots in self._slots for send in slots.in_flight.values()]

    async def _sweep(self) -> None:
        await self._renew()
        skipped = await self._skip_unserved()
        for channel, count in skipped.items():
            log.warning("messages skipped: no gateway serves their channel", channel=channel, skipped=count)
        if skipped or await self._compose_late_pages():
            self._uow.wake()

    async def _renew(self) -> None:
        """Renew the leases of slow sends: another process must not send them too."""
        if held := [message_id for slots in self._slots for message_id in slots.in_flight]:
            now = self._uow.clock.now()
            await self._uow.pool.execute(sql("renew_leases"), held, now, now + LEASE / 2, now + LEASE)

    async def _poll(self, *, recall: bool) -> None:
        """Fill the free slots; having found nothing, rest for a moment, however often woken."""
        free = [slots for slots in self._slots if slots.recall is recall and any(slots.free)]
        leased = sum([await self._fill_whole(slots) for slots in free])
        if free and not leased:
            await asyncio.sleep(GAP_S)

    async def _fill_whole(self, slots: SendSlots) -> int:
        """Fill slots even if cancelled meanwhile: what was leased is sent."""
        filling = asyncio.create_task(self._fill(slots))
        self._filling.add(filling)
        filling.add_done_callback(self._filling.discard)
        return await asyncio.shield(filling)

    async def _fill(self, slots: SendSlots) -> int:
        """Start as many sends as there are free slots; return how many."""
        leased = await self._lease(slots)
        if leased:
            self._leased_at = seconds()
            await self._start(slots, leased)
        return len(leased)

    # The next four publish nothing, as a rule, and so wake nothing: the sender, woken by every commit, would never
    # rest.

    @retrying
    async def _skip_unserved(self) -> Mapping[str, int]:
        async with transaction(self._uow.pool) as connection:
            return await skip_unserved(self._channels, connection, self._uow.clock.now())

    @retrying
    async def _compose_late_pages(self) -> int:
        async with transaction(self._uow.pool) as connection:
            return await late_pages.compose(connection, self._uow.clock.now())

    @retrying
    async def _lease(self, slots: SendSlots) -> list[LeasedMessage]:
        async with statement(self._uow.pool) as connection:
            # What this process sends is never leased again, however fast the clock and however slow the gateway.
            held = list(slots.in_flight)
            request = LeaseRequest(slots.channel, slots.recall, slots.free, LEASE, held)
            return await lease(request, connection, self._uow.clock.now())

    @retrying
    async def _check(self, leased: Sequence[LeasedMessage]) -> list[Checked]:
        """Read the messages that are still ours as they stand now, and store the links of those to be sent."""
        async with transaction(self._uow.pool) as connection:
            now = self._uow.clock.now()
            gathered = await page_groups.gather(connection, leased, now + LEASE, now)
            attempts = {one.id: one.attempts for one in gathered}
            rows = await connection.fetch(
                sql("message_facts"), list(attempts), now - RECENT, now - RECALL_LASTS
            )
            known = await with_pages(connection, [Facts(**dict(row)) for row in rows], now)
            ours = [one for one in known if one.status == "leased" and one.attempts == attempts[one.id]]
            held = {facts.id: until for facts in ours if (until := held_until(facts, now))}
            if held:
                await connection.execute(sql("hold_messages"), list(held), list(held.values()))
            checked = [(facts, why_not(facts, now)) for facts in ours if facts.id not in held]
            await self._links.store(connection, [facts for facts, why in checked if why is None], now)
        return checked

    async def _start(self, slots: SendSlots, leased: Sequence[LeasedMessage]) -> None:
        """Check again and start the sends; a message that breaks the check does not hold up the others."""
        delivery, gateway = self._delivery, slots.gateway
        try:
            checked = await self._check(leased)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a batch
            if len(leased) > 1 and not is_transient(error):
                for one in leased:
                    await self._start(slots, [one])
                return
            for one in leased:
                slots.start(one.id, one.severity, delivery.postpone(gateway, one.id, error, in_doubt=False))
        else:
            for facts, obstacle in checked:
                slots.start(facts.id, facts.severity, delivery.deliver(gateway, facts, obstacle))


async def _forever(
    work: Callable[[], Awaitable[None]], wanted: asyncio.Event, pause_s: Callable[[], float]
) -> None:
    """Work, pause until wanted or for so many seconds, work again."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the outermost loop: sending goes on after the error
            log.warning("sending paused; trying again", **log_fields(error))
            await asyncio.sleep(PAUSE_AFTER_ERROR_S)
        await wait_for(wanted, pause_s())
        wanted.clear()
