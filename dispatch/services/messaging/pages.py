"""Pages as they stand: those to one contact, and what a text to a duty contact may mention at the moment of sending."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from dispatch.domain.actors import duty_actor
from dispatch.domain.messaging.binding import RECENT
from dispatch.domain.messaging.codes import code, page_code
from dispatch.domain.messaging.page_reading import Concern, Page
from dispatch.domain.messaging.page_texts import EscalationState, PageFacts, standing
from dispatch.domain.messaging.send_decision import Facts
from dispatch.domain.messaging.texts import about, reason_in_words, until
from dispatch.domain.places.whereabouts import rough_place
from dispatch.services.access import duty_contacts
from dispatch.services.access.organisations import area_of
from dispatch.storage.queries import sql
from schemas.base import Mode, Position
from schemas.escalations import SubjectKind
from schemas.ids import short
from schemas.volunteers import Language

ANSWERABLE_FOR = timedelta(days=1)
"""How long after a page its contact is told what stands; whatever is open is paged again much sooner."""

MOST_CHOICES = 5
"""A question back that names more codes than a few is not read."""


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A page to one contact, and what it is about; `what` is that in the contact's language."""

    page: Page
    organisation: UUID
    mode: Mode
    subject_kind: SubjectKind
    what: str

    @property
    def incident_id(self) -> UUID | None:
        """Return the incident that it is about."""
        return self.page.subject_id if self.subject_kind == "incident" else None


async def pages_to(
    connection: asyncpg.Connection, contacts: Sequence[UUID], now: datetime
) -> list[KnownPage]:
    """Return the pages that some contacts may answer, those sent last first."""
    rows = await connection.fetch(sql("pages_to"), contacts, now - ANSWERABLE_FOR)
    return [_known(row) for row in rows]


def _known(row: asyncpg.Record) -> KnownPage:
    page = Page(
        row["contact_id"], row["escalation_id"], row["subject_id"], row["status"], row["first_at"], row["paged_at"],
        row["text_id"], row["named"],
    )  # fmt: skip
    what = reason_in_words(row["reason"], row["detail"], row["language"]) + about(row["title"] or "")
    return KnownPage(page, row["organisation"], row["mode"], row["subject_kind"], what)


async def concerns_of(
    connection: asyncpg.Connection, volunteer_id: UUID, language: Language, now: datetime,
    organisation: UUID | None = None,
) -> list[Concern]:  # fmt: skip
    """Return what a text of a volunteer may be about, of one organisation or of all, the latest first."""
    rows = await connection.fetch(sql("concerns_of"), volunteer_id, now - RECENT, language, organisation)
    return [Concern(row["offer_id"], row["title"] or "", row["recalled"], row["seated"]) for row in rows]


async def with_pages(connection: asyncpg.Connection, messages: Sequence[Facts], now: datetime) -> list[Facts]:
    """Add to messages for duty contacts what their texts mention."""
    by_id = {message.id: message for message in messages if message.recipient_kind == "duty"}
    if not by_id:
        return list(messages)
    rows = {row["message_id"]: row for row in await connection.fetch(sql("page_facts"), list(by_id))}
    actors = [row[name] for row in rows.values() for name in ("acknowledged_by", "taken_by")]
    names = await duty_contacts.names_of_actors(connection, actors)
    found = {id_: _facts(by_id[id_], row, names, now) for id_, row in rows.items()}
    for id_ in [id_ for id_ in rows if by_id[id_].purpose == "ask_back"]:
        found[id_] = await _with_choices(connection, rows[id_], found[id_], now)
    return [replace(message, page=found.get(message.id)) for message in messages]


def _facts(message: Facts, row: asyncpg.Record, names: dict[str, str], now: datetime) -> PageFacts:
    if row["escalation_id"] is None:
        return PageFacts(organisation=row["organisation_name"], alone=row["contacts"] <= 1)
    state = EscalationState(row["status"], row["acknowledged_by"], row["incident_status"], row["taken_by"])
    stands, actor = standing(state, duty_actor(row["contact_id"]))
    return PageFacts(
        organisation=row["organisation_name"],
        number=short(row["subject_id"]),
        place=_place(row, message.language),
        lacks=tuple(zip(row["roles"], row["counts"], strict=True)),
        also=tuple(zip(row["reasons"], row["details"], strict=True)),
        others=row["others"],
        only_incidents=row["incidents"] and row["subject_kind"] == "incident",
        code=page_code(row["escalation_id"], row["contact_id"]),
        takes=row["subject_kind"] == "incident" and row["status"] in ("raised", "acknowledged"),
        standing=stands,
        who=names.get(actor, actor),
        until=until(row["lapses_at"], message.zone, now) if row["lapses_at"] else "",
    )


def _place(row: asyncpg.Record, language: Language) -> str:
    """Return roughly where the incident is: the exact place is never in a text to a duty contact."""
    position = None if row["lat"] is None else Position(lat=row["lat"], lon=row["lon"])
    return rough_place(position, area_of(row), language)


def _choices(known: Sequence[KnownPage], since: datetime) -> tuple[tuple[str, str], ...]:
    """Return the codes of the latest pages that a text may have been about, those that only counted apart."""
    current = [one for one in known if one.page.named and (one.page.open or one.page.paged_at > since)]
    return tuple((one.page.code, one.what) for one in current[:MOST_CHOICES])


async def _with_choices(
    connection: asyncpg.Connection, row: asyncpg.Record, page: PageFacts, now: datetime
) -> PageFacts:
    """Add, to a question back, what the text of the contact's phone may have been about."""
    if row["address"] is None:
        return page
    contacts = await duty_contacts.at_addresses(connection, row["channel"], [row["address"]], None)
    known = await pages_to(connection, [contact.id for contact in contacts], now)
    concerns: list[Concern] = []
    if row["volunteer_id"] is not None:
        concerns = await concerns_of(connection, row["volunteer_id"], row["language"], now)
    since = now - RECENT if concerns else now
    return replace(
        page,
        pages=_choices(known, since),
        recalls=tuple((code(one.offer_id), one.title) for one in concerns if one.recalled),
        offers=tuple((code(one.offer_id), one.title) for one in concerns if not one.recalled),
    )
