"""Who is told what: events become messages to be sent; nothing is sent here."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.messaging.messages import SAFETY
from dispatch.storage.journal import Entry, append
from dispatch.storage.queries import bound, columns, sql
from schemas.base import Mode
from schemas.decoding import Received
from schemas.escalations import EscalationRaised
from schemas.ids import derived
from schemas.incidents import IncidentAborted, IncidentHeld, IncidentResumed
from schemas.notifications import MessageQueued, Purpose
from schemas.offers import (
    Assigned,
    AssignmentEvent,
    OfferAnsweredLate,
    OfferEvent,
    OfferExtended,
    OfferWithdrawn,
    Released,
)

TOLD_WITHDRAWN = {"covered", "taken_over", "closed", "cancelled"}
"""The other reasons are told by a recall, or are the volunteer's own doing."""
TOLD_RELEASED = {"stood_down", "closed", "cancelled"}
ASK_BACKS = 3
ASK_BACKS_WITHIN = timedelta(minutes=10)
"""An answering machine is not asked for ever what it means."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell one person; `about` and `n` make its ids, `channel` is the only one that will do."""

    organisation: UUID
    mode: Mode
    purpose: Purpose
    recipient_id: UUID
    about: UUID
    n: object
    incident_id: UUID | None = None
    offer_id: UUID | None = None
    escalation_id: UUID | None = None
    channel: str | None = None

    @property
    def recall(self) -> bool:
        """Tell whether it waits for no other message."""
        return self.purpose in ("held", "aborted")

    @property
    def recipient_kind(self) -> str:
        """Say who the recipient is to us."""
        return "volunteer" if self.escalation_id is None else "duty"

    def message_id(self, channel: str) -> UUID:
        """Name its message on one channel, the same at every retry."""
        return derived(self.about, self.purpose, self.recipient_id, channel, self.n)


async def offer_messages(connection: asyncpg.Connection, received: Sequence[Received], now: datetime) -> None:
    """Tell who is asked, who was asked and need not come after all, and whose late yes found no seat."""
    withdrawn = [record.data.offer_id for record in received if isinstance(record.data, OfferWithdrawn)]
    rows = await connection.fetch(sql("offers_asked"), withdrawn) if withdrawn else []
    asked = {row["offer_id"] for row in rows}
    await _tell(connection, _about_offers(received, asked), now)


def _about_offers(received: Sequence[Received], asked: set[UUID]) -> Iterator[Notice]:
    for record in received:
        match record.data:
            case OfferExtended() as event:
                yield _notice(record, "offer", event)
            case OfferWithdrawn() as event if event.reason in TOLD_WITHDRAWN and event.offer_id in asked:
                yield _notice(record, "stand_down", event)
            case OfferAnsweredLate(outcome="thanked") as event:
                # Seated or in reserve they are told by the assignment that follows.
                yield _notice(record, "late", event)


async def assignment_messages(
    connection: asyncpg.Connection, received: Sequence[Received], now: datetime
) -> None:
    """Tell who is expected, and who is not any more."""
    await _tell(connection, _about_assignments(received), now)


def _about_assignments(received: Sequence[Received]) -> Iterator[Notice]:
    for record in received:
        match record.data:
            case Assigned() as event:
                yield _notice(record, "assigned", event)
            case Released() as event if event.reason in TOLD_RELEASED:
                yield _notice(record, "stand_down", event)


def _notice(record: Received, purpose: Purpose, event: OfferEvent | AssignmentEvent) -> Notice:
    return Notice(
        record.organisation, record.mode, purpose, event.volunteer_id, event.offer_id, record.sequence,
        event.incident_id, event.offer_id,
    )  # fmt: skip


async def incident_messages(
    connection: asyncpg.Connection, received: Sequence[Received], now: datetime
) -> None:
    """Tell everybody involved at once to wait, to stay away, or to go on."""
    resumed = sorted({r.data.incident_id for r in received if isinstance(r.data, IncidentResumed)})
    waiting: dict[UUID, list[UUID]] = defaultdict(list)
    for row in await connection.fetch(sql("held_volunteers"), resumed) if resumed else []:
        waiting[row["incident_id"]].append(row["volunteer_id"])
    notices = list(_about_incidents(received, waiting))
    await _tell(connection, await _with_offers(connection, notices), now)


def _about_incidents(received: Sequence[Received], waiting: dict[UUID, list[UUID]]) -> Iterator[Notice]:
    for record in received:
        match record.data:
            case IncidentHeld(incident_id=incident, recalled=people):
                yield from _to_all(record, "held", incident, people)
            case IncidentAborted(incident_id=incident, recalled=people):
                yield from _to_all(record, "aborted", incident, people)
            case IncidentResumed(incident_id=incident):
                yield from _to_all(record, "resumed", incident, waiting[incident])


def _to_all(record: Received, purpose: Purpose, incident: UUID, people: Iterable[UUID]) -> Iterator[Notice]:
    for person in people:
        yield Notice(record.organisation, record.mode, purpose, person, incident, record.sequence, incident)


async def _with_offers(connection: asyncpg.Connection, notices: Sequence[Notice]) -> list[Notice]:
    """Add the offer that each recipient answers by."""
    if not notices:
        return []
    rows = await connection.fetch(
        sql("offers_of_recalled"),
        list(range(len(notices))),
        [notice.incident_id for notice in notices],
        [notice.recipient_id for notice in notices],
    )
    offers = {row["n"]: row["id"] for row in rows}
    return [replace(notice, offer_id=offers.get(n)) for n, notice in enumerate(notices)]


async def escalation_messages(
    connection: asyncpg.Connection, received: Sequence[Received], now: datetime
) -> None:
    """Page the duty contact whose turn it is; where there is nobody to page, say so in the log."""
    pages = [(r, r.data) for r in received if isinstance(r.data, EscalationRaised) and r.data.page]
    if not pages:
        return
    duty: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in await connection.fetch(sql("duty_order"), sorted({r.organisation for r, _ in pages})):
        duty[row["organisation"]].append(row)
    found = [_page(record, event, duty[record.organisation]) for record, event in pages]
    await _queue(connection, [page for page in found if page is not None], now)


def _page(
    record: Received, event: EscalationRaised, contacts: Sequence[asyncpg.Record]
) -> tuple[Notice, str] | None:
    """Page whose turn it is; a drill pages only those who opted in."""
    able = [contact for contact in contacts if record.mode == "actual" or contact["drills"]]
    if not able:
        organisation = str(record.organisation)
        log.warning("nobody to page", organisation=organisation, mode=record.mode, reason=event.reason)
        return None
    contact = able[event.turn % len(able)]
    incident = event.subject_id if event.subject_kind == "incident" else None
    notice = Notice(
        record.organisation, record.mode, "escalation", contact["id"], event.escalation_id, record.sequence,
        incident_id=incident, escalation_id=event.escalation_id,
    )  # fmt: skip
    return notice, contact["channel"]


async def ask_back(
    connection: asyncpg.Connection,
    organisation: UUID,
    volunteer_id: UUID,
    inbound_id: UUID,
    now: datetime,
    *,
    channel: str = "sms",
) -> None:
    """Ask a volunteer again what an unclear text meant, a few times at most."""
    asked = await connection.fetchval(sql("count_ask_backs"), volunteer_id, now - ASK_BACKS_WITHIN)
    if asked >= ASK_BACKS:
        log.warning("asked back often enough", volunteer=str(volunteer_id))
        return
    notice = Notice(organisation, "actual", "ask_back", volunteer_id, inbound_id, 0, channel=channel)
    await _tell(connection, [notice], now)


async def stopped(
    connection: asyncpg.Connection,
    organisation: UUID,
    volunteer_id: UUID,
    inbound_id: UUID,
    now: datetime,
    *,
    channel: str = "sms",
) -> None:
    """Confirm a STOP, and say what goes on."""
    notice = Notice(organisation, "actual", "stopped", volunteer_id, inbound_id, 0, channel=channel)
    await _tell(connection, [notice], now)


async def _tell(connection: asyncpg.Connection, notices: Iterable[Notice], now: datetime) -> None:
    """Queue each notice on every channel that its recipient may be told on."""
    found = list(notices)
    if not found:
        return
    rows = await connection.fetch(
        sql("channels_to_tell"),
        list(range(len(found))),
        [notice.organisation for notice in found],
        [notice.recipient_id for notice in found],
        [notice.offer_id for notice in found],
        [notice.channel for notice in found],
        [notice.purpose in SAFETY for notice in found],
    )
    reached = {row["n"] for row in rows}
    for n, notice in enumerate(found):
        if n not in reached:
            log.warning(
                "no channel to tell somebody", purpose=notice.purpose, volunteer=str(notice.recipient_id)
            )
    await _queue(connection, [(found[row["n"]], row["channel"]) for row in rows], now)


class MessageRow(NamedTuple):
    """A message as `queue_messages` takes it."""

    id: UUID
    organisation: UUID
    mode: Mode
    recipient_kind: str
    recipient_id: UUID
    incident_id: UUID | None
    offer_id: UUID | None
    escalation_id: UUID | None
    purpose: Purpose
    channel: str
    recall: bool


async def _queue(
    connection: asyncpg.Connection, messages: Sequence[tuple[Notice, str]], now: datetime
) -> None:
    by_id = {notice.message_id(channel): (notice, channel) for notice, channel in messages}
    if not by_id:
        return
    rows = [_row(name, *by_id[name]) for name in sorted(by_id)]
    new = await connection.fetch(*bound("queue_messages", now=now, **columns(MessageRow, rows)))
    entries = [_queued(row["id"], *by_id[row["id"]], now) for row in new]
    await append(connection, sorted(entries, key=lambda entry: entry.stream), now)


def _row(name: UUID, notice: Notice, channel: str) -> MessageRow:
    return MessageRow(
        name, notice.organisation, notice.mode, notice.recipient_kind, notice.recipient_id,
        notice.incident_id, notice.offer_id, notice.escalation_id, notice.purpose, channel, notice.recall,
    )  # fmt: skip


def _queued(name: UUID, notice: Notice, channel: str, now: datetime) -> Entry:
    event = MessageQueued(
        at=now, message_id=name, recipient_id=notice.recipient_id, incident_id=notice.incident_id,
        purpose=notice.purpose, channel=channel,  # type: ignore[arg-type]
    )  # fmt: skip
    return Entry(name, event, notice.organisation, notice.mode, str(notice.recipient_id), now, now)
