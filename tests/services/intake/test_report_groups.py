"""Reports that arrive together, on a real database: one transaction, and a result for each."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.core import group_commit
from dispatch.services.core.errors import ConflictError, InvalidError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake import submitting
from dispatch.services.intake.submitting import Accepted, ReportWriter
from dispatch.storage import journal
from schemas.reports import ReportBody
from tests.conftest import START
from tests.domain.builders import PLACE

Accept = Callable[..., Coroutine[Any, Any, Accepted]]

FAULT = """
CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN {statement}; RETURN NEW; END $$;
CREATE TRIGGER fault BEFORE INSERT ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION fault();
"""


@pytest.fixture
def accept(uow: UnitOfWork, organisation: UUID) -> Accept:
    return accept_with(uow, organisation, ReportWriter(uow))


def accept_with(uow: UnitOfWork, organisation: UUID, writer: ReportWriter) -> Accept:
    """Return a function that sends one report as the HTTP route does."""

    async def accept(id_: str, **changes: object) -> Accepted:
        fields: dict[str, object] = {
            "id": id_, "kind": "medical.fall", "position": PLACE, "occurred_at": START, "description": f"text of {id_}",
        }  # fmt: skip
        body = ReportBody.model_validate(fields | changes)
        return await submitting.accept(
            uow, organisation=organisation, source="codis", channel="http", body=body, writer=writer
        )

    return accept


async def fail_where(pool: asyncpg.Pool, condition: str, statement: str, table: str = "journal") -> None:
    """Let the database run a statement before each row of a table that meets a condition."""
    await pool.execute(FAULT.format(condition=condition, statement=statement, table=table))


async def count(pool: asyncpg.Pool, what: str) -> int:
    return int(await pool.fetchval(f"SELECT count(*) FROM {what}"))


async def stored(pool: asyncpg.Pool) -> list[list[str]]:
    """Return the ids of the reports, of those with a text, of those in the journal, and of those in the outbox."""
    queries = (
        "SELECT source_id FROM reports",
        "SELECT source_id FROM reports JOIN report_texts ON report_id = id",
        "SELECT source_id FROM reports JOIN journal ON stream = reports.id",
        "SELECT source_id FROM reports JOIN journal ON stream = reports.id JOIN outbox ON position = journal.id",
    )
    return [[row["source_id"] for row in await pool.fetch(f"{query} ORDER BY 1")] for query in queries]


async def test_concurrent_reports_are_committed_in_one_transaction_in_the_order_of_arrival(
    pool: asyncpg.Pool, connection: asyncpg.Connection, accept: Accept
) -> None:
    names = [f"call {n}" for n in range(20)]
    accepted = await asyncio.gather(*map(accept, names))
    assert not any(one.repeated for one in accepted)
    assert await stored(pool) == [sorted(names)] * 4
    assert await count(pool, "(SELECT DISTINCT xmin::text FROM reports)") == 1
    published = await pool.fetch(
        "SELECT journal.stream FROM outbox JOIN journal ON journal.id = position ORDER BY outbox.id"
    )
    assert [row["stream"] for row in published] == [one.report_id for one in accepted]
    assert await journal.verify(connection) == []


async def test_a_report_that_is_twice_in_a_group_is_one_report(pool: asyncpg.Pool, accept: Accept) -> None:
    same = await asyncio.gather(accept("1"), accept("2"), accept("1"), accept("1"))
    assert [one.repeated for one in same] == [False, False, True, True]
    assert await stored(pool) == [["1", "2"]] * 4


async def test_other_content_under_the_same_id_in_one_group_is_a_conflict_for_the_later(
    pool: asyncpg.Pool, accept: Accept
) -> None:
    first, later, other = await asyncio.gather(
        accept("1"), accept("1", severity="routine"), accept("2"), return_exceptions=True
    )
    assert isinstance(later, ConflictError)
    assert [one.repeated for one in (first, other) if isinstance(one, Accepted)] == [False, False]
    assert await pool.fetchval("SELECT count(*) FROM journal WHERE body LIKE '%routine%'::bytea") == 0
    assert await stored(pool) == [["1", "2"]] * 4


async def test_each_report_of_a_group_is_compared_with_what_was_stored_before(
    pool: asyncpg.Pool, accept: Accept
) -> None:
    await accept("1")
    outcomes = await asyncio.gather(
        accept("1", severity="routine"), accept("1"), accept("2"), return_exceptions=True
    )
    assert isinstance(outcomes[0], ConflictError)
    assert [one.repeated for one in outcomes[1:] if isinstance(one, Accepted)] == [True, False]
    assert await stored(pool) == [["1", "2"]] * 4


async def test_a_report_with_an_impossible_time_is_rejected_alone(pool: asyncpg.Pool, accept: Accept) -> None:
    late = START + timedelta(hours=1)
    outcomes = await asyncio.gather(
        accept("1"), accept("2", occurred_at=late), accept("3"), accept("2"), return_exceptions=True
    )
    assert [type(one) for one in outcomes] == [Accepted, InvalidError, Accepted, Accepted]
    assert await stored(pool) == [["1", "2", "3"]] * 4
    assert await count(pool, "(SELECT DISTINCT xmin::text FROM reports)") == 1


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("RAISE EXCEPTION 'a defect'", asyncpg.RaiseError),
        ("RAISE EXCEPTION USING ERRCODE = 'disk_full'", asyncpg.DiskFullError),
        ("PERFORM pg_terminate_backend(pg_backend_pid())", Exception),
    ],
    ids=["defect", "disk full", "lost connection"],
)
async def test_a_group_that_fails_half_way_stores_nothing_and_its_reports_are_stored_alone(
    pool: asyncpg.Pool, accept: Accept, statement: str, error: type[Exception]
) -> None:
    await fail_where(pool, "NEW.key = 'codis/3'::bytea", statement)
    outcomes = await asyncio.gather(*(accept(str(n)) for n in range(6)), return_exceptions=True)
    assert isinstance(outcomes[3], error)
    assert [one.repeated for one in outcomes if isinstance(one, Accepted)] == [False] * 5
    assert await stored(pool) == [["0", "1", "2", "4", "5"]] * 4
    assert await count(pool, "(SELECT DISTINCT xmin::text FROM reports)") == 5


async def test_a_group_that_loses_a_race_is_committed_again(pool: asyncpg.Pool, accept: Accept) -> None:
    await pool.execute("CREATE SEQUENCE races")
    race = "IF nextval('races') = 1 THEN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END IF"
    await fail_where(pool, "NEW.key = 'codis/3'::bytea", race)
    accepted = await asyncio.gather(*(accept(str(n)) for n in range(6)))
    assert not any(one.repeated for one in accepted)
    assert await stored(pool) == [[str(n) for n in range(6)]] * 4
    assert await count(pool, "(SELECT DISTINCT xmin::text FROM reports)") == 1


async def test_a_request_that_is_cancelled_cancels_no_other_report(
    pool: asyncpg.Pool, accept: Accept
) -> None:
    await fail_where(pool, "true", "PERFORM pg_sleep(0.05)")
    tasks = [asyncio.create_task(accept(str(n))) for n in range(3)]
    await asyncio.sleep(submitting.WINDOW_S + 0.03)
    tasks[1].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in outcomes] == [Accepted, asyncio.CancelledError, Accepted]
    assert await stored(pool) == [["0", "1", "2"]] * 4


async def test_a_report_that_waits_for_a_lock_delays_its_group_only_until_it_counts_as_stalled(
    pool: asyncpg.Pool, accept: Accept, uow: UnitOfWork, organisation: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "STALLED_S", 0.2)
    async with pool.acquire() as connection, connection.transaction():
        # Another process stores the same report and does not commit.
        other = UnitOfWork(_OneConnection(connection), uow.clock)  # type: ignore[arg-type]
        await accept_with(other, organisation, ReportWriter(other))("1")
        async with asyncio.timeout(4):
            locked = asyncio.create_task(accept("1"))
            assert [one.repeated for one in await asyncio.gather(accept("0"), accept("2"))] == [False, False]
        assert not locked.done()
    assert (await locked).repeated


async def test_groups_of_two_processes_with_the_same_reports_do_not_deadlock(
    pool: asyncpg.Pool, uow: UnitOfWork, organisation: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "STALLED_S", 60)
    await fail_where(pool, "true", "PERFORM pg_sleep(0.02)", "reports")
    transactions = count_transactions(monkeypatch)
    one, other = (accept_with(uow, organisation, ReportWriter(uow)) for _ in range(2))
    names = [str(n) for n in range(8)]
    accepted = await asyncio.gather(*map(one, names), *map(other, reversed(names)))
    assert sorted(result.repeated for result in accepted) == [False] * 8 + [True] * 8
    assert len(transactions) == 2, "a transaction that ends in a deadlock is repeated"


def count_transactions(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Return a list that grows by the time of each transaction."""
    times: list[datetime] = []

    def now(_clock: MovableClock) -> datetime:
        times.append(START)
        return START

    monkeypatch.setattr(MovableClock, "now", now)
    return times


class _OneConnection:
    """A pool of one connection, whose transactions are parts of an open one."""

    def __init__(self, connection: object) -> None:
        self._connection = connection

    def acquire(self) -> "_OneConnection":
        return self

    async def __aenter__(self) -> object:
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        pass
