"""Taking reports in: once committed, a report cannot be lost."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID

import asyncpg

from dispatch.metrics import REFUSED
from dispatch.services.core.errors import ConflictError, InvalidError, NotFoundError, OverloadedError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake.admission import Admission
from dispatch.storage import journal
from dispatch.storage.journal import Entry
from dispatch.storage.queries import bound, sql
from schemas.base import SEVERITY_RANK
from schemas.ids import named
from schemas.reports import ReportBody, ReportReceived

Channel = Literal["http", "cli", "cap", "hubsante", "open311"]

FUTURE = timedelta(minutes=5)
"""How far ahead of ours a source's clock may be."""
FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A report that is kept; `repeated` when it was kept before."""

    report_id: UUID
    repeated: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """A report with what its sender cannot choose."""

    organisation: UUID
    source: str
    channel: Channel
    body: ReportBody

    @property
    def report_id(self) -> UUID:
        """Give the same id to what the same source sends under the same id."""
        return named(self.organisation, self.source, self.body.id)


async def accept(
    uow: UnitOfWork,
    *,
    organisation: UUID,
    source: str,
    channel: Channel,
    body: ReportBody,
    admission: Admission | None = None,
) -> Accepted:
    """Keep a report and pass it on, once however often it is sent.

    Raises InvalidError for an impossible time, ConflictError for another content under the same id, and
    OverloadedError where a new one is not admitted now.
    """
    submission = Submission(organisation, source, channel, body)
    if admission is not None:
        await _admit(uow, admission, submission)

    async def work(connection: asyncpg.Connection, now: datetime) -> bool:
        _check_time(body.occurred_at, now)
        return await _keep(connection, submission, now)

    return Accepted(submission.report_id, repeated=not await uow.transact(work))


async def status(uow: UnitOfWork, organisation: UUID, report_id: UUID) -> dict[str, object]:
    """Tell what became of a report; its incident is null until it is opened."""
    row = await uow.pool.fetchrow(sql("read_report"), organisation, report_id)
    if row is None:
        raise NotFoundError("there is no such report")
    return dict(row)


async def _admit(uow: UnitOfWork, admission: Admission, submission: Submission) -> None:
    """Let in what is admitted, and whatever was accepted before."""
    try:
        await admission.admit(submission.body.severity)
    except OverloadedError:
        if await uow.pool.fetchval(sql("report_hash"), submission.report_id) is None:
            REFUSED.inc()
            raise


async def _keep(connection: asyncpg.Connection, submission: Submission, now: datetime) -> bool:
    """Write report, words and event; return whether it was new."""
    body, id_ = submission.body, submission.report_id
    digest = sha256(body.model_dump_json().encode()).digest()
    report = bound(
        "keep_report", id=id_, organisation=submission.organisation, mode=body.mode, source=submission.source,
        source_id=body.id, channel=submission.channel, content_hash=digest, received_at=now,
    )  # fmt: skip
    if await connection.fetchval(*report) is None:
        if await connection.fetchval(sql("report_hash"), id_) != digest:
            raise ConflictError(
                f"another report was sent under this id: send it under a new id, with `updates`: {body.id!r}"
            )
        return False
    if body.description:
        await connection.execute(sql("keep_report_text"), id_, body.description.replace("\0", ""))
    await journal.append(connection, [_entry(submission, now)], now)
    return True


def _entry(submission: Submission, now: datetime) -> Entry:
    body, at = submission.body, submission.body.occurred_at.astimezone(UTC)
    shared = body.model_dump(exclude={"id", "occurred_at", "description"})
    event = ReportReceived(
        at=at,
        report_id=submission.report_id,
        source=submission.source,
        source_id=body.id,
        channel=submission.channel,
        **shared,
    )
    key = f"{submission.source}/{body.id}"
    rank = SEVERITY_RANK[body.severity]
    return Entry(submission.report_id, event, submission.organisation, body.mode, key, at, now, rank)


def _check_time(occurred_at: datetime, now: datetime) -> None:
    if occurred_at > now + FUTURE:
        raise InvalidError("occurred_at", "in the future: check the clock and the zone of the source")
    if occurred_at < FIRST_MOMENT:
        raise InvalidError("occurred_at", "before the year 2000: check the clock of the source")
