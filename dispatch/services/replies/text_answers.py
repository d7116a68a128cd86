"""Answers by text: a text is bound to the offer that it is about, or the volunteer is asked again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from dispatch.domain.messaging import grammar
from dispatch.domain.messaging.binding import Candidate, bind
from dispatch.services.messaging import composing
from dispatch.services.messaging.composing import AnswerToText
from dispatch.services.people import opt_out
from dispatch.services.replies import receiving
from dispatch.services.replies.receiving import ReceivedAnswer
from dispatch.storage.queries import sql
from schemas.notifications import Purpose
from schemas.offers import Channel

RECENT = timedelta(minutes=30)
"""How long after an offer's window a text without a code may still be about it."""


@dataclass(frozen=True, slots=True)
class KnownText:
    """A text from a known volunteer, in the transaction that stores it."""

    connection: asyncpg.Connection
    id: UUID
    volunteer_id: UUID
    channel: Channel
    received_at: datetime
    now: datetime

    async def process(self, text: str) -> tuple[str, UUID | None]:
        """Return the outcome, and the id of the reply where the text is one."""
        parsed = grammar.parse(text)
        candidates = await self._candidates()
        if parsed.answer == "stop":
            await opt_out.stop(self.connection, self.volunteer_id, self.now)
            await self._send_back("stopped", candidates)
            return "stop", None
        if parsed.answer == "start":
            await opt_out.restart(self.connection, self.volunteer_id)
            return "start", None
        offer = None if parsed.answer == "unclear" else bind(parsed, candidates)
        if offer is None or parsed.answer == "unclear":
            await self._send_back("ask_back", candidates)
            return "asked back", None
        received = ReceivedAnswer(offer.id, parsed.answer, self.channel, self.received_at)
        row = await receiving.offer_facts(self.connection, offer.id)
        return parsed.answer, await receiving.store(self.connection, received, row, self.now)

    async def _candidates(self) -> list[Candidate]:
        ended_after = self.received_at - RECENT
        rows = await self.connection.fetch(sql("offers_to_answer"), self.volunteer_id, ended_after)
        return [Candidate(**dict(row)) for row in rows]

    async def _send_back(self, purpose: Purpose, candidates: Sequence[Candidate]) -> None:
        """Answer in the name of the organisation that asked last, else of one whose roster has the person."""
        rosters = await opt_out.organisations_of(self.connection, self.volunteer_id)
        organisations = [one.organisation for one in candidates] + rosters
        if organisations:
            answer = AnswerToText(purpose, organisations[0], self.volunteer_id, self.id, self.channel)
            await composing.answer_text(self.connection, answer, self.now)
