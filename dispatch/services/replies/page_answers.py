"""Answers to pages by text: a duty contact acknowledges an escalation or takes its incident over, and nothing else.

A text proves only the phone: what else a supervisor may order needs a key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg

from dispatch.domain.actors import duty_actor, duty_contact
from dispatch.domain.commands import Acknowledge, Act, Command
from dispatch.domain.messaging import grammar, page_reading
from dispatch.domain.messaging.binding import RECENT
from dispatch.domain.messaging.grammar import ParsedText
from dispatch.domain.messaging.page_reading import Addressee, Page, PageAct, PageText
from dispatch.domain.supervising.escalation import Cause
from dispatch.services.access import duty_contacts
from dispatch.services.access.duty_contacts import Contact
from dispatch.services.incidents import escalations, execution
from dispatch.services.messaging import answers_to_texts, pages
from dispatch.services.messaging.answers_to_texts import AnswerToContact
from dispatch.services.messaging.pages import KnownPage
from dispatch.services.replies.text_answers import KnownText
from dispatch.storage import incidents as store
from schemas.notifications import Purpose
from schemas.offers import Channel

STOP_LEVEL = 2

PageOutcome = Literal["page acknowledged", "page taken over", "page answered", "page asked back"]
OUTCOMES: dict[PageAct, PageOutcome] = {"acknowledge": "page acknowledged", "take_over": "page taken over"}


@dataclass(frozen=True, slots=True)
class Done:
    """What a text has done; `superseded` are the contacts who had acknowledged the escalation before."""

    outcome: PageOutcome
    superseded: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class ContactText:
    """A text from the phone of duty contacts, one in each organisation, in the transaction that stores it.

    `volunteer` is the same text from the volunteer who has that phone too; `said_at` is when it was sent, on our clock.
    """

    connection: asyncpg.Connection
    id: UUID
    contacts: Sequence[Contact]
    volunteer: KnownText | None
    channel: Channel
    said_at: datetime
    now: datetime

    async def process(self, text: str) -> tuple[str, UUID | None]:
        """Return the outcome, and the id of the reply where the text answers an offer."""
        parsed = grammar.parse(text)
        if parsed.answer in ("stop", "start"):
            return await self._opt(text, stops=parsed.answer == "stop")
        read = page_reading.read(text)
        known = await self._known(read)
        if self.volunteer is not None:
            addressee = await self._addressee(self.volunteer, parsed, read, known)
            if addressee == "volunteer":
                return await self.volunteer.process(text)
            if addressee == "either":
                return await self._ask_back(known), None
        page = page_reading.bind(read, [one.page for one in known])
        if page is None or read.act is None:
            return await self._ask_back(known), None
        meant = next(one for one in known if one.page == page)
        return await self._answer(meant, _together(page, known), read.act), None

    async def _known(self, read: PageText) -> list[KnownPage]:
        sent = await pages.pages_to(self.connection, [contact.id for contact in self.contacts], self.now)
        meant = page_reading.sent_before(read, [one.page for one in sent], self.said_at)
        return [one for one in sent if one.page in meant]

    async def _addressee(
        self, volunteer: KnownText, parsed: ParsedText, read: PageText, known: Sequence[KnownPage]
    ) -> Addressee:
        concerns = await pages.concerns_of(
            self.connection, volunteer.volunteer_id, "fr", self.now, volunteer.sender.organisation
        )
        sent = [one.page for one in known]
        return page_reading.addressee(read, parsed, sent, concerns, self.now - RECENT)

    async def _ask_back(self, known: Sequence[KnownPage]) -> PageOutcome:
        """Ask in the name of the organisation that paged last, else of one that has the phone on duty."""
        paged = [contact for one in known for contact in self.contacts if contact.id == one.page.contact_id]
        contact = next(iter(paged), self.contacts[0])
        await self._send(AnswerToContact("ask_back", contact.organisation, contact.id, self.id, self.channel))
        return "page asked back"

    async def _answer(self, known: KnownPage, together: Sequence[UUID], act: PageAct) -> PageOutcome:
        """Do what the contact says if it can still be done, and answer with what stands then.

        `together` are the other escalations of the subject that the text named with this one.
        """
        done = await self._do(known, together, act)
        if done is not None:
            await duty_contacts.record_act(self.connection, known.page.contact_id, self.now)
        # The contact who acknowledged it by text is told that another one has taken over.
        readers = dict.fromkeys([known.page.contact_id, *(done.superseded if done else ())])
        for reader in readers:
            await self._send(
                AnswerToContact(
                    "escalation_status", known.organisation, reader, self.id, self.channel,
                    known.mode, known.page.escalation_id, known.incident_id,
                )
            )  # fmt: skip
        return done.outcome if done else "page answered"

    async def _do(self, known: KnownPage, together: Sequence[UUID], act: PageAct) -> Done | None:
        """Acknowledge or take over; return None where that is too late, or the incident's status forbids it."""
        page, by = known.page, duty_actor(known.page.contact_id)
        about = [page.escalation_id, *together]
        if known.incident_id is None:
            # A report or the system has nothing to take over: "je prends" acknowledges its escalation.
            seen = [
                await escalations.acknowledge_raised(
                    self.connection, page.subject_id, Acknowledge(one, by, self.channel), self.now
                )
                for one in about
            ]
            return Done("page acknowledged") if any(seen) else None
        locked = await store.lock(self.connection, [known.incident_id])
        of_incident = locked[known.incident_id].escalations
        current = of_incident.get(page.escalation_id)
        if current is None or not current.open or (act == "acknowledge" and current.status != "raised"):
            return None
        raised = [one for one in about if one in of_incident and of_incident[one].status == "raised"]
        orders: list[Command] = [Acknowledge(one, by, self.channel) for one in raised]
        if act == "take_over":
            orders = [Act("takeover", by, channel=self.channel)]
        work = [(known.incident_id, order) for order in orders]
        results = await execution.execute(self.connection, work, locked, self.now)
        if results[0].refused is not None:
            return None
        before = duty_contact(current.acknowledged_by)
        return Done(OUTCOMES[act], (before,) if before else ())

    async def _opt(self, text: str, *, stops: bool) -> tuple[str, UUID | None]:
        """Stop or restart the volunteer's offers; pages go on, whoever asks for their end."""
        # The volunteer first: that locks incidents and people.
        outcome = await self.volunteer.process(text) if self.volunteer else None
        for contact in self.contacts:
            await (self._report_stop(contact) if stops else self._resolve_stop(contact))
            if stops or self.volunteer is None:
                purpose: Purpose = "stopped" if stops else "started"
                await self._send(
                    AnswerToContact(purpose, contact.organisation, contact.id, self.id, self.channel)
                )
        return outcome or ("duty stop" if stops else "duty start", None)

    async def _report_stop(self, contact: Contact) -> None:
        """Page another supervisor: a page is no advertisement, and goes on until the duty order is changed."""
        cause = Cause(
            f"duty_stop:{contact.id}", STOP_LEVEL, page=contact.others > 0, turn=contact.place + 1,
            detail=f"number {contact.place + 1} in the duty order; change it with: dispatch duty set",
        )  # fmt: skip
        subject = escalations.system_subject(contact.organisation)
        await escalations.escalate(self.connection, contact.organisation, "system", subject, cause, self.now)

    async def _resolve_stop(self, contact: Contact) -> None:
        reason, why = f"duty_stop:{contact.id}", "the contact sent START"
        await escalations.resolve_system(self.connection, contact.organisation, reason, why, self.now)

    async def _send(self, answer: AnswerToContact) -> None:
        await answers_to_texts.answer_contact(self.connection, answer, self.now)


def _together(page: Page, known: Sequence[KnownPage]) -> list[UUID]:
    """Return the other escalations of the subject of a page that the same text named."""
    others = [one.page for one in known if one.page != page and one.page.named]
    return [one.escalation_id for one in others if one.answered_with == page.answered_with]
