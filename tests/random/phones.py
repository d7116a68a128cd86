"""The gateway of a run: in every mood that gateways have, and strict about what it is given."""

from typing import Literal

import asyncpg

from dispatch.clock import MovableClock
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.services.messaging.gateway import GatewayUnavailableError, OutboundText
from tests.random.model import Model

Mood = Literal["well", "flaky", "away", "mute"]

MESSAGE = (
    "SELECT purpose, mode, recipient_id, incident_id, offer_id, escalation_id FROM messages WHERE id = $1"
)
SAFETY = ("held", "aborted", "resumed")


class Phones(SimulatedGateway):
    """Phones that check, at the moment of sending, that each text is still right."""

    def __init__(self, pool: asyncpg.Pool, clock: MovableClock, model: Model) -> None:
        super().__init__()
        self.mood: Mood = "well"
        self.doubts = 0
        self.wrong: list[AssertionError] = []
        self._pool = pool
        self._clock = clock
        self._model = model

    async def send(self, message: OutboundText) -> None:
        """Put the text on its phone, unless the mood is against it."""
        self.flaky = self.mood == "flaky"
        if self.mood == "away":
            raise GatewayUnavailableError("away on purpose")
        try:
            await self._check(message)
        except AssertionError as wrong:
            # The sender outlives whatever a gateway raises.
            self.wrong.append(wrong)
            raise
        await super().send(message)
        if self.mood == "mute":
            self.doubts += 1
            raise OSError("the line was cut on purpose, after the text was taken")

    async def _check(self, message: OutboundText) -> None:
        row = await self._pool.fetchrow(MESSAGE, message.message_id)
        assert row is not None
        person = self._model.people.get(row["recipient_id"])
        if person is None:
            self._check_page(row)
            return
        assert message.to == person.phone
        if row["mode"] != "actual" and row["purpose"] not in SAFETY:
            assert person.drills, "a drill reaches only who opted in"
        incident = self._model.incidents.get(row["incident_id"])
        if incident is None:
            return
        offer = incident.offers[row["offer_id"]]
        match row["purpose"]:
            case "offer":
                assert offer.status == "extended"
                assert offer.expires_at > self._clock.now()
                assert incident.status == "open"
                assert not self._model.paused
                assert not person.stopped
            case "assigned":
                assert incident.holds(person.id) or incident.plan.engagement == "notice", (
                    "who was released is not expected"
                )
            case "held":
                assert incident.status in ("held", "taken_over"), "nobody waits for what goes on"
            case "aborted":
                assert incident.ended
            case "waitlisted":
                assert offer.status == "waitlisted"
            case "stand_down" | "late":
                assert not any(a.offer == offer.id for a in incident.active()), "who is expected may come"

    def _check_page(self, row: asyncpg.Record) -> None:
        known = dict(self._model.system)
        for incident in self._model.incidents.values():
            known |= incident.escalations
        assert row["purpose"] == "escalation"
        assert known[row["escalation_id"]].status == "raised", "what is settled pages nobody"
