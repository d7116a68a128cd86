"""Submission of reports: once its transaction is committed, a report cannot be lost."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from hashlib import sha256
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from dispatch.domain.scheduling import windows
from dispatch.metrics import REFUSED
from dispatch.services.core.errors import ConflictError, InvalidError, NotFoundError, OverloadedError
from dispatch.services.core.group_commit import GroupCommit
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake.admission import Admission
from dispatch.services.intake.report_keys import Key, by_key
from dispatch.storage import journal, write_generation
from dispatch.storage.journal import Entry
from dispatch.storage.pool import execute_rows
from dispatch.storage.queries import bound, columns, sql
from schemas.base import SEVERITY_RANK, Mode
from schemas.ids import report_id
from schemas.reports import ReportBody, ReportFacts, ReportReceived
from schemas.salvage import Salvaged

Channel = Literal["http", "cli", "cap", "hubsante", "open311"]

WINDOW_S = 0.005
"""How long reports are collected before they are committed together."""
CLOCK_TOLERANCE = timedelta(minutes=5)
"""The time by which a source's clock may be ahead of ours."""
HASHED = (
    "id", "kind", "severity", "position", "occurred_at", "mode", "hazards", "professional", "updates", "description",
)  # fmt: skip
"""The fields that the hash covers, in the order that it has had since release 0.1.0."""
ADVICE = {
    "fr": "Appelez le 15, le 17, le 18 ou le 112 : un signalement ici n'alerte pas les secours.",
    "en": "Call 15, 17, 18 or 112: a report here does not alert the emergency services.",
}
WINDOWS_SINCE = 2
"""The first generation whose reports and incidents have a window."""
FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A report that is stored; `repeated` if it was stored before, `dropped` names what was cut or left out."""

    report_id: UUID
    repeated: bool
    dropped: tuple[str, ...] = ()


def advice_to(body: ReportBody) -> dict[str, str] | None:
    """Return what a reporter is told who has not called the emergency services, in French and English.

    An update that says nothing of them leaves unchanged what the first report said.
    """
    unchanged = body.updates is not None and "professional" not in body.model_fields_set
    return None if unchanged or body.professional.requested else ADVICE


@dataclass(frozen=True)
class Submission:
    """A report with the fields that its sender cannot choose; `salvaged` where it was not valid as it was sent."""

    organisation: UUID
    source: str
    channel: Channel
    body: ReportBody
    salvaged: Salvaged[ReportBody] | None = None

    @property
    def key(self) -> Key:
        """Return the organisation, the source, and the source's own id: a report is stored once under these."""
        return self.organisation, self.source, self.body.id

    @cached_property
    def report_id(self) -> UUID:
        """Return the id of the report, which follows from its key."""
        return report_id(*self.key)

    @cached_property
    def content_hash(self) -> bytes:
        """Return the hash by which a repeated report is recognised; it is the same in all releases."""
        if self.salvaged is not None:
            return self.salvaged.digest
        fields = self.body.model_dump(mode="json")
        named = HASHED if self.body.window is None else (*HASHED, "window")
        return sha256(orjson.dumps({name: fields[name] for name in named})).digest()


class ReportRow(NamedTuple):
    """One row of the query `store_reports`."""

    id: UUID
    organisation: UUID
    mode: Mode
    source: str
    source_id: str
    channel: Channel
    content_hash: bytes


class Stored(NamedTuple):
    """A stored report: its id, which an earlier release may have derived otherwise, and what was sent."""

    id: UUID
    content_hash: bytes
    new: bool = False


Outcome = Stored | InvalidError | ConflictError
"""The report as it is stored, or the error by which it is rejected."""


class ReportWriter(GroupCommit[Submission, Stored]):
    """Stores reports that arrive together in one transaction; each caller learns whether its report was new."""

    def __init__(self, uow: UnitOfWork) -> None:
        super().__init__(partial(_store, uow), window_s=WINDOW_S)


async def accept(
    uow: UnitOfWork,
    *,
    organisation: UUID,
    source: str,
    channel: Channel,
    body: ReportBody,
    admission: Admission | None = None,
    writer: ReportWriter | None = None,
    salvaged: Salvaged[ReportBody] | None = None,
) -> Accepted:
    """Store and publish a report once, however often it is sent; with a writer, together with others.

    Raises InvalidError for an impossible time or window of a report that is not life-threatening, ConflictError for
    other content under the same id, and OverloadedError if a new report is not admitted now.
    """
    submission = Submission(organisation, source, channel, body, salvaged)
    urgent = body.severity == "life_threatening"
    dropped = _dropped(submission, _faults(body, uow.clock.now())) if urgent else ()
    if admission is not None:
        await _admit(uow, admission, submission)
    if writer is not None:
        stored = await writer.submit(submission)
        return Accepted(stored.id, not stored.new, dropped)
    (outcome,) = await _store(uow, [submission])
    if isinstance(outcome, Exception):
        raise outcome
    return Accepted(outcome.id, not outcome.new, dropped)


async def status(uow: UnitOfWork, organisation: UUID, report_id: UUID) -> dict[str, object]:
    """Return the status of a report; its incident is null until it is opened. Raises NotFoundError."""
    row = await uow.pool.fetchrow(sql("read_report"), organisation, report_id)
    if row is None:
        raise NotFoundError("there is no such report")
    return dict(row)


async def _admit(uow: UnitOfWork, admission: Admission, submission: Submission) -> None:
    """Raise OverloadedError for a new report that is not admitted; one that was accepted before is accepted again."""
    try:
        await admission.admit(submission.body.severity)
    except OverloadedError:
        if not await by_key(uow.pool, "known_reports", [submission.key]):
            REFUSED.inc()
            raise


async def _store(uow: UnitOfWork, group: Sequence[Submission]) -> list[Outcome]:
    """Store reports in one transaction; return the outcome of each. Of several with one id, the first is stored."""

    async def work(connection: asyncpg.Connection, now: datetime) -> list[Outcome]:
        first: dict[Key, Submission] = {}
        for one in group:
            if _time_error(one, now) is None:
                first.setdefault(one.key, one)
        new = await _insert(connection, first, now)
        stored = await _known(connection, first.keys() - new.keys())
        stored |= {key: Stored(one.report_id, one.content_hash) for key, one in new.items()}
        return [
            _time_error(one, now) or _outcome(one, stored.get(one.key), new=one is new.get(one.key))
            for one in group
        ]

    return await uow.transact(work)


async def _insert(
    connection: asyncpg.Connection, reports: Mapping[Key, Submission], now: datetime
) -> dict[Key, Submission]:
    """Store those reports that are new, their texts and their events; return them."""
    rows = [_row(one) for one in reports.values()]
    stored = await connection.fetch(*bound("store_reports", received_at=now, **columns(ReportRow, rows)))
    ids = {row["id"] for row in stored}
    new = {key: one for key, one in reports.items() if one.report_id in ids}
    texts = [
        (one.report_id, one.body.description.replace("\0", ""))
        for one in new.values()
        if one.body.description
    ]
    await execute_rows(connection, "store_report_texts", texts)
    await journal.append(connection, [_entry(one, now) for one in new.values()], now, new=ids)
    return new


async def _known(connection: asyncpg.Connection, keys: Collection[Key]) -> dict[Key, Stored]:
    """Return the reports that were stored before."""
    rows = await by_key(connection, "known_reports", keys)
    return {key: Stored(row["id"], row["content_hash"]) for key, row in rows.items()}


def _outcome(one: Submission, stored: Stored | None, *, new: bool) -> Stored | ConflictError:
    """Compare a report with the one that was stored from its group, or before."""
    if stored is not None and one.content_hash == stored.content_hash:
        return stored._replace(new=new)
    return ConflictError(
        f"another report was sent under this id: send it under a new id, with `updates`: {one.body.id!r}"
    )


def _row(submission: Submission) -> ReportRow:
    body = submission.body
    return ReportRow(
        submission.report_id, submission.organisation, body.mode, submission.source, body.id, submission.channel,
        submission.content_hash,
    )  # fmt: skip


def _entry(submission: Submission, now: datetime) -> Entry:
    body = submission.body
    faults = _faults(body, now)
    at = now if "occurred_at" in faults else body.occurred_at.astimezone(UTC)
    window = body.window.in_utc if body.window and "window" not in faults else None
    event = ReportReceived(
        at=at,
        report_id=submission.report_id,
        source=submission.source,
        source_id=body.id,
        channel=submission.channel,
        window=window,
        dropped=_dropped(submission, faults),
        **{name: getattr(body, name) for name in ReportFacts.model_fields},
    )
    key = f"{submission.source}/{body.id}"
    rank = SEVERITY_RANK[body.severity]
    return Entry(submission.report_id, event, submission.organisation, body.mode, key, at, now, rank)


def _time_error(submission: Submission, now: datetime) -> InvalidError | None:
    """Return the error by which a report is rejected; a life-threatening one occurs when it is accepted instead."""
    faults = _faults(submission.body, now)
    if not faults or submission.body.severity == "life_threatening":
        return None
    return InvalidError(*next(iter(faults.items())))


def _faults(body: ReportBody, now: datetime) -> dict[str, str]:
    """Return why the time and the window of a report are impossible, by field; nothing of what is possible."""
    faults = {"occurred_at": time_fault(body.occurred_at, now), "window": _window_fault(body, now)}
    return {field: fault for field, fault in faults.items() if fault}


def time_fault(occurred_at: datetime, now: datetime) -> str | None:
    """Return why a time is impossible, and the remedy; None where it is possible."""
    if occurred_at > now + CLOCK_TOLERANCE:
        return "in the future: check the clock and the zone of the source"
    if occurred_at < FIRST_MOMENT:
        return "before the year 2000: check the clock of the source"
    return None


def _window_fault(body: ReportBody, now: datetime) -> str | None:
    """Return why the window of a report is not accepted, and the remedy; None where it is, or where there is none."""
    if body.window is None:
        return None
    if write_generation.current < WINDOWS_SINCE:
        return "not accepted before the last process of release 0.1.0 has stopped: send the report again then"
    return windows.fault(body.window.in_utc, now)


def _dropped(submission: Submission, faults: Iterable[str]) -> tuple[str, ...]:
    """Return the names of what was cut or left out, what is impossible among them."""
    dropped = submission.salvaged.dropped if submission.salvaged else ()
    return (*dropped, *(name for name in faults if name not in dropped))
