"""Reports on a real database: stored once, rejected by field."""

import asyncio
from datetime import datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest

from dispatch.clock import MovableClock
from dispatch.services.core.errors import ConflictError, InvalidError, NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake import submitting
from dispatch.services.intake.submitting import Accepted
from dispatch.storage import write_generation
from schemas.decoding import Received, decode
from schemas.envelope import unpack
from schemas.ids import NAMESPACE, derived
from schemas.reports import ReportBody, ReportReceived


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


async def accept(uow: UnitOfWork, organisation: UUID, body: ReportBody, source: str = "codis") -> Accepted:
    return await submitting.accept(uow, organisation=organisation, source=source, channel="http", body=body)


async def test_a_report_goes_out_without_its_words(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    accepted = await accept(uow, organisation, a_report(clock.now()))
    row = await uow.pool.fetchrow("SELECT * FROM journal JOIN outbox ON position = journal.id")
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
    assert await uow.pool.fetchval("SELECT description FROM report_texts") == "third floor, Mrs Martin"


async def test_the_same_report_twice_is_one_report(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    body = a_report(clock.now())
    first = await accept(uow, organisation, body)
    clock.advance(30)
    second = await accept(uow, organisation, body)
    assert (first.repeated, second.repeated) == (False, True)
    assert first.report_id == second.report_id
    assert await uow.pool.fetchval("SELECT count(*) FROM outbox") == 1


async def test_sources_whose_names_contain_the_separator_share_no_report(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    one = await accept(uow, organisation, a_report(clock.now(), id="b:c"), "a")
    other = await accept(uow, organisation, a_report(clock.now(), id="c", kind="fire.alarm"), "a:b")
    assert one.report_id != other.report_id
    assert (one.repeated, other.repeated) == (False, False)


async def test_a_report_of_an_earlier_release_is_recognised_whatever_its_id(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    body = a_report(clock.now())
    await accept(uow, organisation, body, "a:b")
    joined = derived(NAMESPACE, organisation, "a:b", body.id)
    await uow.pool.execute("DELETE FROM report_texts")
    await uow.pool.execute("UPDATE reports SET id = $1", joined)
    again = await accept(uow, organisation, body, "a:b")
    assert (again.repeated, again.report_id) == (True, joined)
    with pytest.raises(ConflictError):
        await accept(uow, organisation, a_report(clock.now(), kind="fire.alarm"), "a:b")


async def test_the_same_report_twice_at_once_is_one_report(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    body = a_report(clock.now())
    results = await asyncio.gather(*(accept(uow, organisation, body) for _ in range(5)))
    assert sorted(result.repeated for result in results) == [False, True, True, True, True]
    assert await uow.pool.fetchval("SELECT count(*) FROM journal") == 1


async def test_another_content_under_the_same_id_is_a_conflict(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    await accept(uow, organisation, a_report(clock.now()))
    with pytest.raises(ConflictError, match="updates"):
        await accept(uow, organisation, a_report(clock.now(), severity="urgent"))
    assert await uow.pool.fetchval("SELECT count(*) FROM outbox") == 1


async def test_two_sources_may_use_the_same_id(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    first = await accept(uow, organisation, a_report(clock.now()))
    second = await accept(uow, organisation, a_report(clock.now()), source="mairie")
    assert first.report_id != second.report_id


async def test_a_time_in_the_future_is_refused(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    await accept(uow, organisation, a_report(clock.now() + timedelta(minutes=4)))
    late = a_report(clock.now() + timedelta(minutes=6), id="call-2", severity="urgent")
    with pytest.raises(InvalidError) as refused:
        await accept(uow, organisation, late)
    assert refused.value.field == "occurred_at"


@pytest.mark.parametrize("year", [1, 1999])
async def test_a_time_long_past_is_refused(uow: UnitOfWork, organisation: UUID, year: int) -> None:
    at = datetime(year, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    with pytest.raises(InvalidError):
        await accept(uow, organisation, a_report(at, severity="urgent"))


async def test_a_report_knows_no_incident_before_it_is_opened(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    accepted = await accept(uow, organisation, a_report(clock.now()))
    found = await submitting.status(uow, organisation, accepted.report_id)
    assert (found["source_id"], found["incident_id"]) == ("call-1", None)


async def test_another_organisation_sees_no_report(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    accepted = await accept(uow, organisation, a_report(clock.now()))
    with pytest.raises(NotFoundError):
        await submitting.status(uow, uuid4(), accepted.report_id)


async def test_a_zero_byte_in_the_words_loses_nothing_else(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    await accept(uow, organisation, a_report(clock.now(), description="third\0 floor"))
    assert await uow.pool.fetchval("SELECT description FROM report_texts") == "third floor"


async def test_a_report_repeated_across_releases_is_recognised(uow: UnitOfWork, organisation: UUID) -> None:
    body = ReportBody.model_validate(
        {
            "id": "A-7", "kind": "medical.fall", "position": {"lat": 48.85, "lon": 1e-7},
            "occurred_at": "2026-11-22T21:00:00.5+01:00", "hazards": ["fire"],
            "professional": {"requested": True, "reference": "SAMU 75-1"}, "description": 'é "x"',
        }
    )  # fmt: skip
    await accept(uow, organisation, body)
    # The hash that release 0.1.0 stored for this report.
    wanted = "082cc17304d60a9d9b992292d9069b4e06a211f90721d7634ff857e926da42f0"
    assert (await uow.pool.fetchval("SELECT content_hash FROM reports")).hex() == wanted


def a_window(start: datetime, hours: float) -> dict[str, datetime]:
    return {"from": start, "to": start + timedelta(hours=hours)}


@pytest.mark.parametrize(("days", "hours"), [(-1, 2), (370, 2)])
async def test_an_impossible_window_is_refused_by_its_field(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock, days: int, hours: float
) -> None:
    window = a_window(clock.now() + timedelta(days=days), hours)
    with pytest.raises(InvalidError) as refused:
        await accept(uow, organisation, a_report(clock.now(), severity="routine", window=window))
    assert refused.value.field == "window"


async def test_a_life_threatening_report_is_accepted_without_an_impossible_window(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    window = a_window(clock.now() - timedelta(days=1), 2)
    accepted = await accept(uow, organisation, a_report(clock.now(), window=window))
    assert accepted.dropped == ("window",)


async def test_a_report_with_another_window_is_another_report(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    first, other = (a_window(clock.now() + timedelta(days=days), 2) for days in (1, 2))
    await accept(uow, organisation, a_report(clock.now(), window=first))
    assert (await accept(uow, organisation, a_report(clock.now(), window=first))).repeated
    with pytest.raises(ConflictError):
        await accept(uow, organisation, a_report(clock.now(), window=other))


async def test_a_window_is_refused_while_an_older_process_runs(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_generation, "current", 1)
    window = a_window(clock.now() + timedelta(days=1), 2)
    with pytest.raises(InvalidError, match=r"release 0\.1\.0"):
        await accept(uow, organisation, a_report(clock.now(), severity="routine", window=window))
