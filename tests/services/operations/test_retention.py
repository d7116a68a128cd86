"""The retention job erases expired rows and nothing that is still needed, a batch at a time."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.commands import Act
from dispatch.domain.retention import EXPIRING, RULES, periods
from dispatch.services.access import keys
from dispatch.services.core.errors import ConflictError
from dispatch.services.incidents import execution
from dispatch.services.messaging import tokens
from dispatch.services.operations import retention
from dispatch.services.operations.heartbeats import Heartbeat
from dispatch.services.operations.rebuilding import compare
from dispatch.services.operations.retention import START, RetentionJob, erase, last_runs
from dispatch.storage import parking
from dispatch.storage.journal import verify
from dispatch.storage.pool import transaction
from dispatch.storage.queries import sql
from schemas.base import Position
from schemas.decoding import Unreadable
from tests.domain.builders import PLACE
from tests.support.world import World

DAY_S = 86_400.0
WORDS, TEXT, BYTES = "Vlimbrock au 3e", "zibbeldorf", b'{"caller": "Quorvik"'
CANARIES = (WORDS, TEXT, BYTES.hex())
KEPT = periods()
FINAL, QUEUED = "sent", "queued"
MESSAGE = """
    INSERT INTO messages (id, organisation, mode, recipient_kind, recipient_id, incident_id, purpose, channel,
                          severity, status, due_at, created_at)
    VALUES (gen_random_uuid(), $1, 'actual', 'volunteer', $1, $2, 'offer', 'sms', 0, $3, $4, $4)
"""
INBOUND = (
    "INSERT INTO inbound_texts VALUES (gen_random_uuid(), 'kannel', '+33639980001', $1, 'unclear', NULL, $2)"
)
IDEMPOTENCY = "INSERT INTO idempotency_keys VALUES ('key', 'once', '', 202, '', $1)"
ACTED = "INSERT INTO acting_contacts VALUES (gen_random_uuid(), $1, 'Ada', $2)"
TAKEN = "INSERT INTO inbox SELECT 'x', gen_random_uuid(), $1 FROM generate_series(1, $2)"


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create()


async def everything(world: World) -> UUID:
    """Leave a row in every table that expires, all of this moment and one incident; return the incident."""
    people = await world.add_people(4)
    name = await world.ask(description=WORDS)
    await world.answer(name, people[0], "accepted")
    await world.set_position(people[0], PLACE)
    offer = await world.pool.fetchval("SELECT id FROM offers LIMIT 1")
    async with transaction(world.pool) as connection:
        await tokens.store(connection, "token", offer, 0, world.now)
        found = [Unreadable("not JSON", "sdis", world.organisation, b"k", b"[]", BYTES)]
        (parked,) = await parking.park(connection, "reports", "incident.reports", found, world.now)
    await world.pool.execute("UPDATE parking SET settled_at = $2 WHERE id = $1", parked.id, world.now)
    await world.pool.execute(MESSAGE, world.organisation, name, FINAL, world.now)
    await world.pool.execute(INBOUND, TEXT, world.now)
    await world.pool.execute(IDEMPOTENCY, world.now)
    await world.pool.execute(ACTED, world.organisation, world.now)
    key = await keys.create(world.uow, organisation=world.organisation, scopes=["admin"], holder="Ada")
    await keys.revoke(world.uow, world.organisation, key.split("_")[1])
    await Heartbeat(world.uow, ["api"]).beat()
    return name


async def close(world: World, name: UUID) -> None:
    await execution.execute_command(world.uow, world.organisation, name, Act("close", "Ada"))


async def count(world: World, table: str) -> int:
    if table == "positions":
        table = "member_positions WHERE kind = 'live'"
    return int(await world.pool.fetchval(f"SELECT count(*) FROM {table}"))


async def filled(world: World) -> set[str]:
    """Name the expiring tables that hold something."""
    return {rule.name for rule in EXPIRING if await count(world, rule.name)}


async def dump(world: World) -> str:
    """Read the whole database as text."""
    names = await world.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [await world.pool.fetch(f'SELECT t::text FROM "{name}" t') for (name,) in names]
    return "\n".join(row[0] for found in rows for row in found)


async def test_each_table_is_kept_for_its_days_and_no_longer(world: World) -> None:
    await close(world, await everything(world))
    left = {rule.name for rule in EXPIRING}
    assert await filled(world) == left
    began = world.now
    for days in sorted(set(KEPT.values())):
        world.clock.advance((began + timedelta(days=days) - world.now).total_seconds())
        await erase(world.uow, KEPT)
        assert await filled(world) == left
        world.clock.advance(0.001)
        await erase(world.uow, KEPT)
        left = {name for name, kept in KEPT.items() if kept > days}
        assert await filled(world) == left


async def test_after_it_nothing_of_what_people_wrote_is_left_and_the_journal_and_the_tables_agree(
    world: World,
) -> None:
    await close(world, await everything(world))
    before = await dump(world)
    assert [word for word in CANARIES if word not in before] == []
    events, incidents = await count(world, "journal"), await count(world, "incidents")
    world.clock.advance(31 * DAY_S)
    await erase(world.uow, KEPT)
    after = await dump(world)
    assert [word for word in CANARIES if word in after] == []
    async with world.pool.acquire() as connection:
        assert await verify(connection) == []  # type: ignore[arg-type]
    assert await compare(world.uow) == []
    assert (await count(world, "journal"), await count(world, "incidents")) == (events, incidents)


async def test_what_a_running_incident_needs_stays_however_old(world: World) -> None:
    await everything(world)
    world.clock.advance(4000 * DAY_S)
    await erase(world.uow, KEPT)
    assert await filled(world) == {"report_texts", "rounds", "messages", "replies", "tokens"}


async def test_the_time_of_what_belongs_to_an_incident_begins_when_that_ends(world: World) -> None:
    name = await everything(world)
    world.clock.advance(29 * DAY_S)
    await close(world, name)
    world.clock.advance(29 * DAY_S)
    await erase(world.uow, KEPT)
    assert {"report_texts", "rounds", "messages", "replies"} <= await filled(world)
    world.clock.advance(2 * DAY_S)
    await erase(world.uow, KEPT)
    assert "report_texts" not in await filled(world)


async def test_what_nobody_has_worked_settled_or_sent_stays(world: World) -> None:
    people = await world.add_people(4)
    name = await world.ask()
    await world.reply(name, people[0], "accepted")
    await close(world, name)
    async with transaction(world.pool) as connection:
        found = [Unreadable("not JSON", "sdis", world.organisation, b"k", b"[]", BYTES)]
        await parking.park(connection, "reports", "incident.reports", found, world.now)
    await world.pool.execute(MESSAGE, world.organisation, name, QUEUED, world.now)
    world.clock.advance(4000 * DAY_S)
    await erase(world.uow, KEPT)
    assert await filled(world) == {"replies", "parking", "messages"}


async def test_the_words_of_a_report_that_became_no_incident_are_erased_too(world: World) -> None:
    await world.send("1", description=WORDS)
    world.clock.advance(30 * DAY_S + 1)
    assert (await erase(world.uow, KEPT))["report_texts"] == 1


async def test_where_somebody_lives_and_was_heard_today_is_kept(world: World) -> None:
    old, new = await world.add_people(2)
    await world.set_position(old, PLACE)
    world.clock.advance(DAY_S + 1)
    await world.set_position(new, Position(lat=48.0, lon=2.0))
    assert (await erase(world.uow, KEPT))["positions"] == 1
    rows = await world.pool.fetch("SELECT volunteer_id, kind FROM member_positions")
    assert {tuple(row) for row in rows} == {(old, "home"), (new, "home"), (new, "live")}


async def test_a_setting_moves_the_day(world: World) -> None:
    await close(world, await everything(world))
    world.clock.advance(31 * DAY_S)
    await erase(world.uow, periods("report_texts=90,rounds=30"))
    assert "report_texts" in await filled(world)
    assert "rounds" not in await filled(world)


async def test_more_than_one_transaction_takes_is_erased_to_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_PER_TRANSACTION", 2)
    for who in await world.add_people(5):
        await world.set_position(who, PLACE)
        await world.send(str(who), description=WORDS)
    await world.pool.execute(TAKEN, world.now, 4)
    world.clock.advance(31 * DAY_S)
    row = await world.pool.fetchrow(sql("expire_inbox"), world.now, START, 2)
    assert tuple(row or ()) == (2, START)
    found = await erase(world.uow, KEPT)
    assert (found["positions"], found["report_texts"], found["inbox"]) == (5, 5, 2)


async def test_what_somebody_works_on_is_passed_over_and_erased_the_next_time(world: World) -> None:
    await world.pool.execute(TAKEN, world.now, 3)
    world.clock.advance(11 * DAY_S)
    async with transaction(world.pool) as connection:
        await connection.fetch("SELECT FROM inbox ORDER BY event_id LIMIT 1 FOR UPDATE")
        assert (await erase(world.uow, KEPT))["inbox"] == 2
    assert (await erase(world.uow, KEPT))["inbox"] == 1


async def test_a_dry_run_counts_and_erases_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await close(world, await everything(world))
    await world.pool.execute(TAKEN, world.now, 10)
    world.clock.advance(4000 * DAY_S)
    before = await dump(world)
    monkeypatch.setattr(retention, "ROWS_PER_TRANSACTION", 4)
    found = await erase(world.uow, KEPT, dry=True)
    assert found["inbox"] == 4
    assert all(found.values()), found
    assert await dump(world) == before


async def test_one_process_erases_at_a_time(world: World) -> None:
    async with world.pool.acquire() as other:
        assert await other.fetchval(sql("try_lock_retention"))
        with pytest.raises(ConflictError, match="another process is erasing"):
            await erase(world.uow, KEPT)
        await RetentionJob(world.uow, KEPT).round()
        assert await last_runs(world.uow) == {}
        await other.execute(sql("unlock_retention"))
    await erase(world.uow, KEPT)
    assert (await last_runs(world.uow)).keys() == KEPT.keys()


async def test_the_retention_job_runs_once_an_hour_and_records_what_it_erased(world: World) -> None:
    job = RetentionJob(world.uow, KEPT)
    await world.pool.execute(TAKEN, world.now, 3)
    world.clock.advance(11 * DAY_S)
    first = world.now
    await job.round()
    world.clock.advance(3599)
    await job.round()
    assert (await last_runs(world.uow))["inbox"] == (first, 3, 3)
    world.clock.advance(1)
    await job.round()
    assert (await last_runs(world.uow))["inbox"] == (world.now, 0, 3)


async def test_every_table_has_a_rule(world: World) -> None:
    rows = await world.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ruled = {table for rule in RULES for table in rule.tables}
    assert {row["tablename"] for row in rows} == ruled, "add a rule to dispatch/domain/retention.py"
