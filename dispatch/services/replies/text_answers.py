"""Answers by text: a text is bound to the offer that it is about, or the volunteer is asked again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg

from dispatch.domain.messaging import grammar, split_texts
from dispatch.domain.messaging.binding import Candidate, bind
from dispatch.domain.messaging.sending_time import said_at
from dispatch.domain.messaging.split_texts import Half, Reading
from dispatch.services.messaging import composing
from dispatch.services.messaging.composing import AnswerToText
from dispatch.services.people import opt_out
from dispatch.services.replies import halves, receiving
from dispatch.services.replies.receiving import ReceivedAnswer
from dispatch.storage import write_generation
from dispatch.storage.queries import sql
from schemas.notifications import Purpose
from schemas.offers import Channel
from schemas.replies import DOUBTFUL, Answer

STARTED_SINCE = 2
"""The first generation whose processes can send the confirmation of START."""
RECENT = timedelta(minutes=30)
"""How long after an offer's window a text without a code may still be about it."""


@dataclass(frozen=True, slots=True)
class KnownText:
    """A text from a known volunteer, in the transaction that stores it; `sender` is the address stored with it."""

    connection: asyncpg.Connection
    id: UUID
    volunteer_id: UUID
    channel: Channel
    received_at: datetime
    now: datetime
    sender: str
    sent_at: datetime | None = None

    async def process(self, text: str) -> tuple[str, UUID | None]:
        """Return the outcome, and the id of the reply where the text is one."""
        reading = await self._read(text)
        if reading.doubted is not None:
            return DOUBTFUL, await self._store(reading.doubted, "declined", DOUBTFUL)
        parsed = reading.parsed
        candidates = await self._candidates()
        if parsed.answer == "stop":
            return await self._opt("stop", candidates), None
        if parsed.answer == "start":
            return await self._opt("start", candidates), None
        given_at = said_at(self.sent_at, self.received_at)
        offer = None if parsed.answer == "unclear" else bind(parsed, candidates, given_at)
        if offer is None or parsed.answer == "unclear":
            await self._send_back("ask_back", candidates)
            return "asked back", None
        return parsed.answer, await self._store(offer.id, parsed.answer)

    async def _read(self, text: str) -> Reading:
        """Read a text together with those just before it, of which it may be the other half."""
        before = await halves.before(self.connection, self.sender, self.id, self.received_at)
        this = Half(text, self.received_at, self.sent_at, None, None, None)
        return split_texts.read(this, grammar.parse(text), before)

    async def _store(self, offer_id: UUID, answer: Answer, reason: str | None = None) -> UUID:
        received = ReceivedAnswer(offer_id, answer, self.channel, self.received_at, self.sent_at, reason)
        row = await receiving.offer_facts(self.connection, offer_id)
        return await receiving.store(self.connection, received, row, self.now)

    async def _opt(self, wish: Literal["stop", "start"], candidates: Sequence[Candidate]) -> str:
        """Opt out or in again, and confirm it; a delayed text changes nothing where the opposite was sent later."""
        opposite = "start" if wish == "stop" else "stop"
        overtaken = sql("has_sent_later"), self.sender, opposite, self.sent_at
        if await self.connection.fetchval(*overtaken):
            return "overtaken"
        if wish == "stop":
            await opt_out.stop(self.connection, self.volunteer_id, self.now)
            await self._send_back("stopped", candidates)
        else:
            await opt_out.restart(self.connection, self.volunteer_id)
            if write_generation.current >= STARTED_SINCE:
                await self._send_back("started", candidates)
        return wish

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
