"""The delivery of one leased message: send or skip it, record the outcome, report a gateway that accepts nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import cast
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.messaging.send_decision import Facts, text_of
from dispatch.logs import where
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.gateway import (
    Gateway,
    GatewayRefusedError,
    GatewaySilentError,
    GatewayUnavailableError,
    OutboundText,
)
from dispatch.services.messaging.links import Links
from dispatch.services.messaging.outcome_writer import OutcomeWriter
from dispatch.storage.messages import OUR_ERROR, Completed, Postponed, SendOutcome
from schemas.offers import Channel

PATIENCE_S = 15.0
"""How long, in real time, a gateway may take to accept one message."""
TRIES_BEFORE_TROUBLE = 3

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Trouble:
    """A gateway that has not accepted an organisation's message several times."""

    organisation: UUID
    gateway: str
    reason: str


OnTrouble = Callable[[asyncpg.Connection, Trouble, datetime], Awaitable[None]]


class Delivery:
    """Delivers messages one at a time; `on_trouble` is called when a gateway has not accepted one three times."""

    def __init__(self, uow: UnitOfWork, links: Links, on_trouble: OnTrouble | None) -> None:
        self._uow = uow
        self._links = links
        self._on_trouble = on_trouble
        self._reporting = asyncio.Lock()
        self._outcomes = OutcomeWriter(uow)

    async def deliver(self, gateway: Gateway, facts: Facts, obstacle: str | None) -> None:
        """Send a message, or skip it where there is an obstacle; record the outcome."""
        try:
            skipped = Completed(facts.id, "skipped", obstacle) if obstacle else None
            await self._record(gateway, skipped or await self._send(gateway, facts))
        except Exception as error:  # noqa: BLE001 - the outermost loop of one message: the others go on
            await self.postpone(gateway, facts.id, error, in_doubt=True)

    async def postpone(self, gateway: Gateway, message_id: UUID, error: Exception, *, in_doubt: bool) -> None:
        """Requeue a message that an error of ours kept from being sent."""
        log.error("message could not be sent", message=str(message_id), error=where(error))
        await self._record(gateway, Postponed(message_id, OUR_ERROR, in_doubt))

    async def _send(self, gateway: Gateway, facts: Facts) -> SendOutcome:
        """Pass a message to the gateway and return the outcome."""
        text = text_of(facts, self._links.of(facts), self._uow.clock.now())
        message = OutboundText(
            facts.id, cast("Channel", facts.channel), facts.address or "", text, urgent=facts.severity == 0
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                await gateway.send(message)
        except GatewayRefusedError as refusal:
            return Completed(facts.id, "failed", str(refusal))
        except GatewayUnavailableError as trouble:
            return Postponed(facts.id, str(trouble), in_doubt=isinstance(trouble, GatewaySilentError))
        except TimeoutError:
            return Postponed(facts.id, "the gateway did not answer in time", in_doubt=True)
        return Completed(facts.id, "sent")

    async def _record(self, gateway: Gateway, outcome: SendOutcome) -> None:
        """Record an outcome; report the gateway at the third failed attempt."""
        row = await self._outcomes.write(outcome)
        if row is None or not isinstance(outcome, Postponed):
            return
        log.warning(
            "gateway did not accept a message; trying again",
            gateway=gateway.name,
            message=str(outcome.id),
            attempts=row["attempts"],
            reason=outcome.reason,
        )
        if row["attempts"] == TRIES_BEFORE_TROUBLE and self._on_trouble is not None:
            trouble = Trouble(row["organisation"], gateway.name, outcome.reason)
            async with self._reporting:
                await self._uow.transact(partial(_report, self._on_trouble, trouble))


async def _report(
    on_trouble: OnTrouble, trouble: Trouble, connection: asyncpg.Connection, now: datetime
) -> None:
    await on_trouble(connection, trouble, now)
