"""The stream on a real database: commit order, resuming, restores."""

from uuid import UUID

import asyncpg
import pytest

from dispatch.services.console import stream
from dispatch.services.console.stream import Cursor, StreamItem, read_page
from dispatch.services.core.errors import InvalidError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.journal import Entry, append
from dispatch.storage.queries import sql
from schemas.base import Event, Mode
from schemas.ids import named
from schemas.incidents import IncidentCovered
from schemas.notifications import Parked
from tests.conftest import START

OURS, THEIRS = named("organisation", "SDIS 67"), named("organisation", "SDIS 68")


def covered(number: int, organisation: UUID = OURS, mode: Mode = "actual") -> Entry:
    id_ = named("incident", number)
    return Entry(id_, IncidentCovered(at=START, incident_id=id_), organisation, mode, str(id_), START, START)


async def say(pool: asyncpg.Pool, *entries: Entry) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await append(connection, entries, START)  # type: ignore[arg-type]


def subjects(items: list[stream.StreamItem]) -> list[str]:
    return [item.subject for item in items]


def names(*numbers: int) -> list[str]:
    return [str(named("incident", number)) for number in numbers]


async def read(pool: asyncpg.Pool, organisation: UUID, after: Cursor) -> list[StreamItem]:
    return (await read_page(pool, organisation, after)).items


async def test_a_late_commit_is_not_skipped(uow: UnitOfWork) -> None:
    begin = await stream.beginning(uow)
    async with uow.pool.acquire() as slow:
        begun = slow.transaction()
        await begun.start()
        await append(slow, [covered(1)], START)  # type: ignore[arg-type]
        await say(uow.pool, covered(2))
        before = await read_page(uow.pool, OURS, begin)
        assert before.items == []
        await begun.commit()
    after = await read(uow.pool, OURS, before.position)
    assert subjects(after) == names(1, 2)


async def test_events_come_in_commit_order_a_page_at_a_time(uow: UnitOfWork) -> None:
    for number in range(5):
        await say(uow.pool, covered(number))
    place, seen, full = await stream.beginning(uow), [], True
    while full:
        page = await read_page(uow.pool, OURS, place, limit=2)
        assert all(item.position > place for item in page.items)
        place, full = page.position, page.full
        seen += subjects(page.items)
    assert seen == names(0, 1, 2, 3, 4)
    assert await read(uow.pool, OURS, place) == []


async def test_no_organisation_sees_the_events_of_another(uow: UnitOfWork) -> None:
    await say(uow.pool, covered(1, THEIRS), covered(2))
    assert subjects(await read(uow.pool, OURS, await stream.beginning(uow))) == names(2)


async def test_topics_that_are_not_for_supervisors_are_not_shown(uow: UnitOfWork) -> None:
    event: Event = Parked(at=START, parking_id=OURS, source_topic="x", reason="y", size=1)
    await say(uow.pool, Entry(OURS, event, OURS, "actual", "x", START, START))
    begin = await stream.beginning(uow)
    assert (await read_page(uow.pool, OURS, begin, topics=["parking"])).items == []


async def test_modes_can_be_chosen(uow: UnitOfWork) -> None:
    await say(uow.pool, covered(1), covered(2, mode="exercise"))
    begin = await stream.beginning(uow)
    page = await read_page(uow.pool, OURS, begin, modes=["exercise"])
    assert subjects(page.items) == names(2)


async def test_an_event_reads_as_it_was_published(uow: UnitOfWork) -> None:
    await say(uow.pool, covered(1), covered(1))
    (_, item) = await read(uow.pool, OURS, await stream.beginning(uow))
    assert (item.type, item.topic, item.mode, item.sequence, item.at) == (
        "incident.covered.v1", "incident.events", "actual", 2, START,
    )  # fmt: skip
    assert item.data["incident_id"] == str(named("incident", 1))


async def test_the_latest_place_has_nothing_after_it(uow: UnitOfWork) -> None:
    await say(uow.pool, covered(1))
    latest = await stream.latest(uow)
    assert await read(uow.pool, OURS, latest) == []
    await say(uow.pool, covered(2))
    assert subjects(await read(uow.pool, OURS, latest)) == names(2)


async def test_a_place_reads_back_as_written() -> None:
    assert Cursor.parse(str(Cursor(1, 7001, 42))) == Cursor(1, 7001, 42)


@pytest.mark.parametrize("text", ["", "1", "1.2", "1.2.3.4", "a.b.c", "-1.2.3", "1.2." + "9" * 19, "١.٢.٣"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        Cursor.parse(text)


async def test_a_known_place_goes_on_from_there(uow: UnitOfWork) -> None:
    await say(uow.pool, covered(1), covered(2))
    first, second = await read(uow.pool, OURS, await stream.beginning(uow))
    place, restarted = await stream.resume(uow, str(first.position))
    assert not restarted
    assert await read(uow.pool, OURS, place) == [second]


@pytest.mark.parametrize("stale", ["9.0.0", "0.0.0", f"1.{10**17}.1"])
async def test_a_place_of_another_life_of_the_database_starts_over(uow: UnitOfWork, stale: str) -> None:
    await say(uow.pool, covered(1))
    place, restarted = await stream.resume(uow, stale)
    assert restarted
    assert subjects(await read(uow.pool, OURS, place)) == names(1)


async def test_a_restored_journal_is_streamed_whole_and_in_order(uow: UnitOfWork) -> None:
    await say(uow.pool, covered(1), covered(2))
    await say(uow.pool, covered(3))
    first = (await read(uow.pool, OURS, await stream.beginning(uow)))[0].position
    # As in a dump of a server with higher transaction ids.
    await uow.pool.execute("UPDATE epochs SET home = 'elsewhere'")
    await uow.pool.execute("UPDATE journal SET xid = (xid::text::bigint + 1000000)::text::xid8")
    place, restarted = await stream.resume(uow, str(first))
    assert restarted
    assert place.epoch == first.epoch + 1
    assert subjects(await read(uow.pool, OURS, place)) == names(1, 2, 3)
    await say(uow.pool, covered(4))
    assert subjects(await read(uow.pool, OURS, place)) == names(1, 2, 3, 4)


async def test_reading_the_next_page_reads_only_new_events(uow: UnitOfWork) -> None:
    values = {"$1": f"'{OURS}'", "$2": "'5'", "$3": "1", "$4": "'{x}'", "$5": "'{x}'", "$6": "10"}
    statement = sql("read_stream")
    for name, value in values.items():
        statement = statement.replace(name, value)
    async with uow.pool.acquire() as connection:
        # The table of a test is so small that reading all of it would be cheaper.
        await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        plan = "\n".join(row[0] for row in await connection.fetch("EXPLAIN " + statement))
    assert "Index Scan using journal_commit_order" in plan
    assert "Index Cond: ((ROW(xid, id) > ROW('5'::xid8, '1'::bigint)) AND (xid < " in plan
