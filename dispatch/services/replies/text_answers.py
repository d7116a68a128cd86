"""Answers by text: a text is bound to what it is about, reaches a supervisor, or is asked back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg

from dispatch.domain.answering.answers import COMES
from dispatch.domain.commands import Command, ForwardText
from dispatch.domain.messaging import grammar, split_texts
from dispatch.domain.messaging.binding import RECALL_LASTS, RECENT, Candidate
from dispatch.domain.messaging.grammar import ParsedText
from dispatch.domain.messaging.meaning import Heard, Meaning, understand
from dispatch.domain.messaging.sending_time import said_at
from dispatch.domain.messaging.split_texts import Half, Reading
from dispatch.services.incidents import execution
from dispatch.services.messaging import answers_to_texts
from dispatch.services.messaging.answers_to_texts import AnswerToText
from dispatch.services.people import opt_out
from dispatch.services.replies import halves, receiving
from dispatch.services.replies.receiving import ReceivedAnswer
from dispatch.services.replies.senders import Sender
from dispatch.storage.queries import sql
from schemas.notifications import Purpose
from schemas.offers import Channel
from schemas.replies import DOUBTFUL, Answer


@dataclass(frozen=True, slots=True)
class KnownText:
    """A text from a known volunteer, in the transaction that stores it.

    It is about the offers of the sender's organisation alone where it came through that organisation's gateway.
    """

    connection: asyncpg.Connection
    id: UUID
    volunteer_id: UUID
    channel: Channel
    received_at: datetime
    now: datetime
    sender: Sender
    sent_at: datetime | None = None

    async def process(self, text: str) -> tuple[str, UUID | None]:
        """Return the outcome, and the id of the reply where the text is one."""
        alone = grammar.parse(text)
        reading = await self._read(text, alone)
        candidates = await self._candidates()
        danger = alone.status == "danger"
        if reading.doubted is not None and not danger:
            return DOUBTFUL, await self._store(reading.doubted, "declined", DOUBTFUL)
        parsed = reading.parsed
        if parsed.answer == "stop":
            return await self._opt("stop", candidates), None
        if parsed.answer == "start":
            return await self._opt("start", candidates), None
        heard = Heard(text, parsed, candidates, said_at(self.sent_at, self.received_at))
        return await self._apply(understand(heard), candidates, danger=danger)

    async def _read(self, text: str, alone: ParsedText) -> Reading:
        """Read a text together with those just before it, of which it may be the other half."""
        before = await halves.before(self.connection, self.sender, self.id, self.received_at)
        this = Half(text, self.received_at, self.sent_at, None, None, None)
        return split_texts.read(this, alone, before)

    async def _apply(
        self, meaning: Meaning, candidates: Sequence[Candidate], *, danger: bool
    ) -> tuple[str, UUID | None]:
        await self._link(meaning)
        # Incidents are locked before answers, as everywhere.
        await self._forward(meaning.forwards, danger=danger)
        replies = [
            await self._store(offer.id, answer, minutes=meaning.minutes if answer in COMES else None)
            for offer, answer in meaning.answers
        ]
        about = (*meaning.forwards, *(offer for offer, answer in meaning.answers if answer == "danger"))
        if about or meaning.asks:
            await self._send_back("ask_back", candidates, about[0] if about else None)
        if meaning.answers:
            return meaning.answers[0][1], replies[0]
        return "forwarded" if about else "asked back" if meaning.asks else "noted", None

    async def _link(self, meaning: Meaning) -> None:
        """Show the words to the supervisors of the incidents that they are about."""
        about = [*meaning.forwards, *(offer for offer, _ in meaning.answers)]
        names = list(dict.fromkeys(one.incident_id for one in about))
        await self.connection.execute(sql("link_text"), self.id, self.volunteer_id, names or None)

    async def _forward(self, to: Sequence[Candidate], *, danger: bool) -> None:
        commands: list[tuple[UUID, Command]] = [
            (one.incident_id, ForwardText(self.id, page=danger or (one.out and not one.informs)))
            for one in to
            if one.incident_id is not None
        ]
        if commands:
            await execution.lock_and_execute(self.connection, commands, self.now)

    async def _store(
        self, offer_id: UUID, answer: Answer, reason: str | None = None, minutes: int | None = None
    ) -> UUID:
        received = ReceivedAnswer(
            offer_id, answer, self.channel, self.received_at, self.sent_at, reason, minutes
        )
        row = await receiving.offer_facts(self.connection, offer_id)
        return await receiving.store(self.connection, received, row, self.now)

    async def _opt(self, wish: Literal["stop", "start"], candidates: Sequence[Candidate]) -> str:
        """Opt out or in again, and confirm it; a delayed text changes nothing where the opposite was sent later."""
        opposite = "start" if wish == "stop" else "stop"
        sender = self.sender
        overtaken = sql("has_sent_later"), sender.address, opposite, self.sent_at, sender.organisation
        if await self.connection.fetchval(*overtaken):
            return "overtaken"
        if wish == "stop":
            await opt_out.stop(self.connection, self.volunteer_id, self.now, sender.organisation)
            await self._send_back("stopped", candidates)
        else:
            await opt_out.restart(self.connection, self.volunteer_id, sender.organisation)
            await self._send_back("started", candidates)
        return wish

    async def _candidates(self) -> list[Candidate]:
        recent, recalled = self.received_at - RECENT, self.received_at - RECALL_LASTS
        whose = self.sender.organisation
        rows = await self.connection.fetch(
            sql("offers_to_answer"), self.volunteer_id, recent, recalled, whose
        )
        return [Candidate(**dict(row)) for row in rows]

    async def _send_back(
        self, purpose: Purpose, candidates: Sequence[Candidate], about: Candidate | None = None
    ) -> None:
        """Answer in the name of the organisation that the text is about, that asked last, or that has the person."""
        whose = self.sender.organisation
        rosters = [whose] if whose else await opt_out.organisations_of(self.connection, self.volunteer_id)
        organisations = [one.organisation for one in (*([about] if about else []), *candidates)] + rosters
        if organisations:
            answer = AnswerToText(purpose, organisations[0], self.volunteer_id, self.id, self.channel, about)
            await answers_to_texts.answer_text(self.connection, answer, self.now)
