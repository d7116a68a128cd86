"""Reports on a real database: kept once, refused by field."""

import asyncio
from datetime import datetime, timedelta, timezone
from uuid import UUID, uuid4

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services import organisations, reports
from dispatch.services.engine import Engine
from dispatch.services.errors import ConflictError, InvalidError, NotFoundError
from dispatch.services.reports import Accepted
from schemas.envelope import Received, decode, unpack
from schemas.reports import ReportBody, ReportReceived


@pytest.fixture
def engine(pool: asyncpg.Pool, clock: MovableClock) -> Engine:
    return Engine(pool, clock)


@pytest.fixture
async def organisation(engine: Engine) -> UUID:
    return await organisations.create(engine, "SDIS 67")


def a_report(at: datetime, **changes: object) -> ReportBody:
    body: dict[str, object] = {
        "id": "call-1",
        "kind": "medical.cardiac_arrest",
        "severity": "life_threatening",
        "position": {"lat": 48.5846, "lon": 7.7507},
        "occurred_at": at,
        "professional": {"requested": True, "reference": "C-1"},
        "description": "third floor, Mrs Martin",
    }
    return ReportBody.model_validate(body | changes)


async def accept(engine: Engine, organisation: UUID, body: ReportBody, source: str = "codis") -> Accepted:
    return await reports.accept(engine, organisation=organisation, source=source, channel="http", body=body)


async def test_a_report_goes_out_without_its_words(
    engine: Engine, organisation: UUID, clock: MovableClock
) -> None:
    accepted = await accept(engine, organisation, a_report(clock.now()))
    row = await engine.pool.fetchrow("SELECT * FROM journal JOIN outbox ON position = journal.id")
    assert row is not None
    assert b"Martin" not in row["body"] + row["headers"]
    received = decode(row["topic"], row["key"], unpack(row["headers"]), row["body"])
    assert isinstance(received, Received)
    assert isinstance(received.data, ReportReceived)
    assert (received.data.report_id, received.data.source, received.key) == (
        accepted.report_id,
        "codis",
        b"codis/call-1",
    )
    assert await engine.pool.fetchval("SELECT description FROM report_texts") == "third floor, Mrs Martin"


async def test_the_same_report_twice_is_one_report(
    engine: Engine, organisation: UUID, clock: MovableClock
) -> None:
    body = a_report(clock.now())
    first = await accept(engine, organisation, body)
    clock.advance(30)
    second = await accept(engine, organisation, body)
    assert (first.repeated, second.repeated) == (False, True)
    assert first.report_id == second.report_id
    assert await engine.pool.fetchval("SELECT count(*) FROM outbox") == 1


async def test_the_same_report_twice_at_once_is_one_report(
    engine: Engine, organisation: UUID, clock: MovableClock
) -> None:
    body = a_report(clock.now())
    results = await asyncio.gather(*(accept(engine, organisation, body) for _ in range(5)))
    assert sorted(result.repeated for result in results) == [False, True, True, True, True]
    assert await engine.pool.fetchval("SELECT count(*) FROM journal") == 1


async def test_another_content_under_the_same_id_is_a_conflict(
    engine: Engine, organisation: UUID, clock: MovableClock
) -> None:
    await accept(engine, organisation, a_report(clock.now()))
    with pytest.raises(ConflictError, match="updates"):
        await accept(engine, organisation, a_report(clock.now(), severity="urgent"))
    assert await engine.pool.fetchval("SELECT count(*) FROM outbox") == 1


async def test_two_sources_may_use_the_same_id(
    engine: Engine, organisation: UUID, clock: MovableClock
) -> None:
    first = await accept(engine, organisation, a_report(clock.now()))
    second = await accept(engine, organisation, a_report(clock.now()), source="mairie")
    assert first.report_id != second.report_id


async def test_a_time_in_the_future_is_refused(
    engine: Engine, organisation: UUID, clock: MovableClock
) -> None:
    await accept(engine, organisation, a_report(clock.now() + timedelta(minutes=4)))
    with pytest.raises(InvalidError) as refused:
        await accept(engine, organisation, a_report(clock.now() + timedelta(minutes=6), id="call-2"))
    assert refused.value.field == "occurred_at"


@pytest.mark.parametrize("year", [1, 1999])
async def test_a_time_long_past_is_refused(engine: Engine, organisation: UUID, year: int) -> None:
    at = datetime(year, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    with pytest.raises(InvalidError):
        await accept(engine, organisation, a_report(at))


async def test_a_report_knows_no_incident_before_it_is_opened(
    engine: Engine, organisation: UUID, clock: MovableClock
) -> None:
    accepted = await accept(engine, organisation, a_report(clock.now()))
    found = await reports.status(engine, organisation, accepted.report_id)
    assert (found["source_id"], found["incident_id"]) == ("call-1", None)


async def test_another_organisation_sees_no_report(
    engine: Engine, organisation: UUID, clock: MovableClock
) -> None:
    accepted = await accept(engine, organisation, a_report(clock.now()))
    with pytest.raises(NotFoundError):
        await reports.status(engine, uuid4(), accepted.report_id)


async def test_a_zero_byte_in_the_words_loses_nothing_else(
    engine: Engine, organisation: UUID, clock: MovableClock
) -> None:
    await accept(engine, organisation, a_report(clock.now(), description="third\0 floor"))
    assert await engine.pool.fetchval("SELECT description FROM report_texts") == "third floor"
