"""Submission of reports: once its transaction is committed, a report cannot be lost."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID

import asyncpg
import orjson

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

CLOCK_TOLERANCE = timedelta(minutes=5)
"""The time by which a source's clock may be ahead of ours."""
HASHED = (
    "id", "kind", "severity", "position", "occurred_at", "mode", "hazards", "professional", "updates", "description",
)  # fmt: skip
"""The fields that the hash covers, in the order that it has had since release 0.1.0."""
FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A report that is stored; `repeated` if the same one was stored before."""

    report_id: UUID
    repeated: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """A report with the fields that its sender cannot choose."""

    organisation: UUID
    source: str
    channel: Channel
    body: ReportBody

    @property
    def report_id(self) -> UUID:
        """Return the id of the report, which follows from the source and the source's own id."""
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
    """Store and publish a report once, however often it is sent.

    Raises InvalidError for an impossible time, ConflictError for other content under the same id, and
    OverloadedError if a new report is not admitted now.
    """
    submission = Submission(organisation, source, channel, body)
    if admission is not None:
        await _admit(uow, admission, submission)

    async def work(connection: asyncpg.Connection, now: datetime) -> bool:
        _check_time(body.occurred_at, now)
        return await _store(connection, submission, now)

    return Accepted(submission.report_id, repeated=not await uow.transact(work))


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
        if await uow.pool.fetchval(sql("report_hash"), submission.report_id) is None:
            REFUSED.inc()
            raise


async def _store(connection: asyncpg.Connection, submission: Submission, now: datetime) -> bool:
    """Store the report, its text and its event; return whether it was new. Raises ConflictError."""
    body, id_ = submission.body, submission.report_id
    digest = _content_hash(body)
    report = bound(
        "store_report", id=id_, organisation=submission.organisation, mode=body.mode, source=submission.source,
        source_id=body.id, channel=submission.channel, content_hash=digest, received_at=now,
    )  # fmt: skip
    if await connection.fetchval(*report) is None:
        if await connection.fetchval(sql("report_hash"), id_) != digest:
            raise ConflictError(
                f"another report was sent under this id: send it under a new id, with `updates`: {body.id!r}"
            )
        return False
    if body.description:
        await connection.execute(sql("store_report_text"), id_, body.description.replace("\0", ""))
    await journal.append(connection, [_entry(submission, now)], now, new=[id_])
    return True


def _content_hash(body: ReportBody) -> bytes:
    """Return the hash by which a repeated report is recognised; it is the same in all releases."""
    fields = body.model_dump(mode="json")
    return sha256(orjson.dumps({name: fields[name] for name in HASHED})).digest()


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
    if occurred_at > now + CLOCK_TOLERANCE:
        raise InvalidError("occurred_at", "in the future: check the clock and the zone of the source")
    if occurred_at < FIRST_MOMENT:
        raise InvalidError("occurred_at", "before the year 2000: check the clock of the source")
