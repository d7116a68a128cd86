"""Composing: events become queued messages, each to one person on one channel; nothing is sent here."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.commands import Command, Unreached
from dispatch.domain.messaging.send_decision import SAFETY
from dispatch.services.incidents import execution, live_offers
from dispatch.storage import write_generation
from dispatch.storage.journal import Entry, append
from dispatch.storage.queries import bound, columns, sql
from schemas.base import Mode
from schemas.decoding import Received
from schemas.ids import derived
from schemas.incidents import IncidentAborted, IncidentHeld, IncidentOverdue, IncidentResumed
from schemas.notifications import MessageQueued, Purpose
from schemas.offers import (
    Assigned,
    AssignmentEvent,
    Channel,
    Doubted,
    OfferAnsweredLate,
    OfferEvent,
    OfferExtended,
    OfferWaitlisted,
    OfferWithdrawn,
    Released,
    Reminded,
    Reseated,
)

NOTIFIED_WITHDRAWALS = {"covered", "taken_over", "closed", "cancelled"}
"""For the other reasons a recall is sent, or the volunteer caused the withdrawal."""
NOTIFIED_RELEASES = {"stood_down", "closed", "cancelled"}
NEWER: frozenset[Purpose] = frozenset({"started", "escalation_status", "overdue", "reseated"})
NEWER_SINCE = 2
"""The first generation that has words for these answers; they are not given while an older process may send them."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification for one person; `about` and `n` make its ids, `channel`, where given, is the only one to use."""

    organisation: UUID
    mode: Mode
    purpose: Purpose
    recipient_id: UUID
    about: UUID
    n: object
    incident_id: UUID | None = None
    offer_id: UUID | None = None
    escalation_id: UUID | None = None
    channel: Channel | None = None
    recipient_kind: Literal["volunteer", "duty"] = "volunteer"

    @property
    def recall(self) -> bool:
        """Return whether it is sent without waiting for any other message."""
        return self.purpose in ("held", "aborted")

    def message_id(self, channel: Channel) -> UUID:
        """Return the id of its message on one channel, the same at every retry."""
        return derived(self.about, self.purpose, self.recipient_id, channel, self.n)


async def offer_messages(connection: asyncpg.Connection, received: Sequence[Received], now: datetime) -> None:
    """Notify those who are asked, those who were asked and are not needed, and those whose yes found no seat."""
    withdrawn = [record.data.offer_id for record in received if isinstance(record.data, OfferWithdrawn)]
    rows = await connection.fetch(sql("offers_asked"), withdrawn) if withdrawn else []
    asked = {row["offer_id"] for row in rows}
    notices = list(_about_offers(received, asked))
    reached = await _channels_of(connection, notices)
    await _replace_unreachable(connection, notices, reached, now)
    await queue(connection, reached, now)


async def _replace_unreachable(
    connection: asyncpg.Connection,
    notices: Sequence[Notice],
    reached: Sequence[tuple[Notice, Channel]],
    now: datetime,
) -> None:
    """Withdraw the offers to those who have no channel at all, so that the next volunteers are asked at once.

    Incidents are locked before anything is queued, here as everywhere.
    """
    if write_generation.current < live_offers.MISSED_SINCE:
        return
    able = {notice for notice, _ in reached}
    commands: list[tuple[UUID, Command]] = [
        (notice.incident_id, Unreached(notice.offer_id))
        for notice in notices
        if notice.purpose == "offer" and notice not in able and notice.incident_id and notice.offer_id
    ]
    if commands:
        await execution.lock_and_execute(connection, commands, now)


def _about_offers(received: Sequence[Received], asked: set[UUID]) -> Iterator[Notice]:
    for record in received:
        match record.data:
            case OfferExtended() as event:
                yield _notice(record, "offer", event)
            case OfferWithdrawn() as event if (
                event.reason in NOTIFIED_WITHDRAWALS and event.offer_id in asked
            ):
                yield _notice(record, "stand_down", event)
            case OfferAnsweredLate(outcome="thanked") as event:
                # Seated or in reserve, the assignment that follows notifies them.
                yield _notice(record, "late", event)
            case OfferWaitlisted() as event:
                yield _notice(record, "waitlisted", event)


async def assignment_messages(
    connection: asyncpg.Connection, received: Sequence[Received], now: datetime
) -> None:
    """Notify those who are expected, those who must confirm it, and those who are not expected any more."""
    await notify(connection, _about_assignments(received), now)


def _about_assignments(received: Sequence[Received]) -> Iterator[Notice]:
    for record in received:
        match record.data:
            case Assigned() as event:
                yield _notice(record, "assigned", event)
            case Doubted() as event:
                yield _notice(record, "moved" if event.moved else "doubted", event)
            case Reminded() as event:
                yield _notice(record, "reminder", event)
            case Reseated(reserve=True) as event:
                yield _notice(record, "reseated", event)
            case Released() as event if event.reason in NOTIFIED_RELEASES:
                yield _notice(record, "stand_down", event)


def _notice(record: Received, purpose: Purpose, event: OfferEvent | AssignmentEvent) -> Notice:
    return Notice(
        record.organisation, record.mode, purpose, event.volunteer_id, event.offer_id, record.sequence,
        event.incident_id, event.offer_id,
    )  # fmt: skip


async def incident_messages(
    connection: asyncpg.Connection, received: Sequence[Received], now: datetime
) -> None:
    """Notify everybody involved at once that they must wait, stay away, or go on, and ask them whether it is over."""
    resumed = sorted({r.data.incident_id for r in received if isinstance(r.data, IncidentResumed)})
    waiting: dict[UUID, list[UUID]] = defaultdict(list)
    for row in await connection.fetch(sql("held_volunteers"), resumed) if resumed else []:
        waiting[row["incident_id"]].append(row["volunteer_id"])
    notices = list(_about_incidents(received, waiting))
    await notify(connection, await _with_offer_ids(connection, notices), now)


def _about_incidents(received: Sequence[Received], waiting: dict[UUID, list[UUID]]) -> Iterator[Notice]:
    for record in received:
        match record.data:
            case IncidentHeld(incident_id=incident, recalled=people):
                yield from _to_all(record, "held", incident, people)
            case IncidentAborted(incident_id=incident, recalled=people):
                yield from _to_all(record, "aborted", incident, people)
            case IncidentOverdue(incident_id=incident, asked=people):
                yield from _to_all(record, "overdue", incident, people)
            case IncidentResumed(incident_id=incident):
                yield from _to_all(record, "resumed", incident, waiting[incident])


def _to_all(record: Received, purpose: Purpose, incident: UUID, people: Iterable[UUID]) -> Iterator[Notice]:
    for person in people:
        yield Notice(record.organisation, record.mode, purpose, person, incident, record.sequence, incident)


async def _with_offer_ids(connection: asyncpg.Connection, notices: Sequence[Notice]) -> list[Notice]:
    """Add the offer by which each recipient answers."""
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


async def notify(connection: asyncpg.Connection, notices: Iterable[Notice], now: datetime) -> None:
    """Queue each notice on every channel on which its recipient may be notified."""
    await queue(connection, await _channels_of(connection, list(notices)), now)


async def _channels_of(
    connection: asyncpg.Connection, found: Sequence[Notice]
) -> list[tuple[Notice, Channel]]:
    """Return each notice with each channel on which its recipient may be notified; log those without any."""
    if not found:
        return []
    rows = await connection.fetch(
        sql("channels_to_notify"),
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
                "no channel to notify a person", purpose=notice.purpose, volunteer=str(notice.recipient_id)
            )
    return [(found[row["n"]], row["channel"]) for row in rows]


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
    channel: Channel
    recall: bool


async def queue(
    connection: asyncpg.Connection, messages: Sequence[tuple[Notice, Channel]], now: datetime
) -> None:
    """Queue messages, each on one channel; one that is queued already is not queued again."""
    sayable = [(notice, channel) for notice, channel in messages if _is_sayable(notice)]
    by_id = {notice.message_id(channel): (notice, channel) for notice, channel in sayable}
    if not by_id:
        return
    rows = [_row(name, *by_id[name]) for name in sorted(by_id)]
    new = await connection.fetch(*bound("queue_messages", now=now, **columns(MessageRow, rows)))
    entries = [_queued(row["id"], *by_id[row["id"]], now) for row in new]
    await append(connection, sorted(entries, key=lambda entry: entry.stream), now, new=by_id)


def _is_sayable(notice: Notice) -> bool:
    sayable = notice.purpose not in NEWER or write_generation.current >= NEWER_SINCE
    if not sayable:
        log.warning("a text is not answered during the upgrade", purpose=notice.purpose)
    return sayable


def _row(name: UUID, notice: Notice, channel: Channel) -> MessageRow:
    return MessageRow(
        name, notice.organisation, notice.mode, notice.recipient_kind, notice.recipient_id,
        notice.incident_id, notice.offer_id, notice.escalation_id, notice.purpose, channel, notice.recall,
    )  # fmt: skip


def _queued(name: UUID, notice: Notice, channel: Channel, now: datetime) -> Entry:
    event = MessageQueued(
        at=now, message_id=name, recipient_id=notice.recipient_id, incident_id=notice.incident_id,
        purpose=notice.purpose, channel=channel,
    )  # fmt: skip
    return Entry(name, event, notice.organisation, notice.mode, str(notice.recipient_id), now, now)
