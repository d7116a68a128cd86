"""Migrations: once each, in order, by one at a time, and never changed afterwards."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from dispatch.embedded import EmbeddedPostgres
from dispatch.storage import migrate as migrations
from dispatch.storage.migrate import FOLDER, MigrationError, migrate


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    name = f"empty_{uuid4().hex}"
    connection = await asyncpg.connect(postgres.url("postgres"))
    await connection.execute(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE a (id int); INSERT INTO a VALUES (1);")
    (tmp_path / "0002_b.sql").write_text("CREATE TABLE b (id int);")
    return tmp_path


async def migrate_before(first: str, database: str, folder: Path) -> None:
    """Apply our migrations before one, copied to a folder."""
    for path in FOLDER.glob("*.sql"):
        if path.name < first:
            shutil.copy(path, folder)
    await migrate(database, folder)


async def test_each_migration_is_applied_once_in_order(empty: str, folder: Path) -> None:
    assert await migrate(empty, folder) == ["0001_a.sql", "0002_b.sql"]
    assert await migrate(empty, folder) == []
    (folder / "0003_c.sql").write_text("CREATE TABLE c (id int);")
    assert await migrate(empty, folder) == ["0003_c.sql"]


async def test_ours_are_applied_by_one_of_several_who_start_together(empty: str) -> None:
    applied = await asyncio.gather(*(migrate(empty) for _ in range(4)))
    names = sorted(path.name for path in FOLDER.glob("*.sql"))
    assert sorted(applied) == [[], [], [], names]


async def test_a_migration_that_fails_leaves_nothing_and_those_before_it_stay(
    empty: str, folder: Path
) -> None:
    (folder / "0002_b.sql").write_text("CREATE TABLE b (id int); SELECT 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty, folder)
    (folder / "0002_b.sql").write_text("CREATE TABLE b (id int);")
    assert await migrate(empty, folder) == ["0002_b.sql"]


async def test_a_changed_migration_is_refused(empty: str, folder: Path) -> None:
    await migrate(empty, folder)
    (folder / "0001_a.sql").write_text("CREATE TABLE a (id bigint);")
    with pytest.raises(MigrationError, match=r"0001_a\.sql was changed"):
        await migrate(empty, folder)


async def test_a_database_of_a_newer_version_is_refused(empty: str, folder: Path) -> None:
    await migrate(empty, folder)
    (folder / "0002_b.sql").unlink()
    with pytest.raises(MigrationError, match=r"0002_b\.sql was applied by a newer version"):
        await migrate(empty, folder)


async def test_a_migration_with_an_old_number_is_refused(empty: str, folder: Path) -> None:
    await migrate(empty, folder)
    (folder / "0001_z.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=r"0001_z\.sql comes before 0002_b\.sql"):
        await migrate(empty, folder)


async def test_a_migration_that_waits_for_a_table_lets_others_read_it_and_tries_again(
    empty: str, folder: Path
) -> None:
    await migrate(empty, folder)
    (folder / "0003_c.sql").write_text("ALTER TABLE a ADD COLUMN more int;")
    long, other = await asyncpg.connect(empty), await asyncpg.connect(empty)
    reading = long.transaction()
    await reading.start()
    await long.execute("SELECT * FROM a")
    waiting = asyncio.create_task(migrate(empty, folder))
    await asyncio.sleep(1)
    assert await other.fetchval("SELECT id FROM a", timeout=10) == 1
    assert not waiting.done()
    await reading.commit()
    assert await waiting == ["0003_c.sql"]
    await asyncio.gather(long.close(), other.close())


async def test_a_migration_that_never_gets_its_lock_says_so(
    empty: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(empty, folder)
    (folder / "0003_c.sql").write_text("ALTER TABLE a ADD COLUMN more int;")
    monkeypatch.setattr(migrations, "ATTEMPTS", 1)
    long = await asyncpg.connect(empty)
    async with long.transaction():
        await long.execute("SELECT * FROM a")
        with pytest.raises(MigrationError, match="other sessions hold its tables"):
            await migrate(empty, folder)
    await long.close()


OLD_ROWS = """
INSERT INTO organisations (id, name, created_at) VALUES (gen_random_uuid(), 'o', now());
INSERT INTO plans (hash, name, body, first_used) VALUES
    ('notice', 'n', '{"informs": true, "crew": false, "search": {"min_age": 16}}', now()),
    ('crew', 'n', '{"informs": false, "crew": true, "search": {}}', now());
INSERT INTO incidents (id, organisation, mode, lane, report_id, kind, severity, status, plan_hash, requested, seq,
    opened_at, last_at, armed_at, widened_at, steps_done, ring, hazards, awaiting, ended_at)
SELECT gen_random_uuid(), o.id, 'actual', 'urgent', gen_random_uuid(), 'k', 'urgent', 'open', p.hash, true, 3,
    now(), now(), now(), now(), 0, 0, '{}', '{}', e.at
FROM organisations o, plans p, (VALUES (now()), (NULL)) AS e (at);
INSERT INTO seats (incident_id, number, role, skill, reserve) SELECT id, 1, 'r', 'first_aid', false FROM incidents;
"""


async def test_incidents_of_the_previous_release_get_their_engagement_and_their_seats_skills(
    empty: str, tmp_path: Path
) -> None:
    await migrate_before("0019", empty, tmp_path)
    connection = await asyncpg.connect(empty)
    await connection.execute(OLD_ROWS)
    await migrate(empty)
    rows = await connection.fetch(
        "SELECT plan_hash, engagement, all_skills, any_skills, min_age FROM incidents JOIN seats ON incident_id = id"
        " ORDER BY plan_hash"
    )
    assert [tuple(row) for row in rows] == [
        *[("crew", "crew", ["first_aid"], [], 18)] * 2,
        *[("notice", "notice", ["first_aid"], [], 16)] * 2,
    ]
    await connection.close()


OLD_PEOPLE = """
INSERT INTO organisations (id, name, created_at) VALUES (gen_random_uuid(), 'o', now());
INSERT INTO volunteers SELECT md5(n::text)::uuid, NULL, now() FROM generate_series(1, 9) AS n;
INSERT INTO people SELECT id, 'Ada', '1990-01-31' FROM volunteers;
INSERT INTO memberships SELECT o.id, v.id, 'available', 'fr', '{sms}', now() FROM organisations o, volunteers v;
INSERT INTO skills SELECT organisation, volunteer_id, 'first_aid', now() FROM memberships;
INSERT INTO positions SELECT id, 'home', point(1, 2), 0, 0, now() FROM volunteers;
ALTER TABLE offers DROP CONSTRAINT offers_incident_id_fkey;
"""
OFFER = """
INSERT INTO offers (id, incident_id, volunteer_id, lane, role, status, extended_at, expires_at, distance_m, round_id)
SELECT id, id, id, 'urgent', 'helper', 'extended', now(), now(), 1, id FROM volunteers
"""
EQUAL = "SELECT count(*) FROM candidate_facts f JOIN candidates c USING (volunteer_id) WHERE to_jsonb(c) @> to_jsonb(f)"
OFFERED = (
    "SELECT count(*) FROM candidates WHERE urgent_offer = volunteer_id AND at ~= point(1, 2) AND skills <> ''"
)


async def test_candidates_are_filled_exactly_while_processes_of_the_previous_release_write(
    empty: str, tmp_path: Path
) -> None:
    await migrate_before("0024", empty, tmp_path)
    connection, other = await asyncpg.connect(empty), await asyncpg.connect(empty)
    await connection.execute(OLD_PEOPLE + "DELETE FROM candidates")
    running = other.transaction()
    await running.start()
    await other.execute(OFFER)
    migrating = asyncio.create_task(migrate(empty))
    while not await connection.fetchval("SELECT count(*) FROM candidates"):
        await asyncio.sleep(0.05)
    await running.commit()
    await migrating
    assert await connection.fetchval(EQUAL) == await connection.fetchval(OFFERED) == 9
    await asyncio.gather(connection.close(), other.close())


OLD_KEYS = """
INSERT INTO organisations (id, name, created_at) VALUES (gen_random_uuid(), 'o', now());
INSERT INTO api_keys (id, organisation, hash, scopes, holder, created_at)
SELECT key.id, o.id, '', key.scopes, 'Ada', now()
FROM organisations o,
     (VALUES ('console', '{console:act}'::text[]), ('gateway', '{gateway:kannel}')) AS key (id, scopes);
"""


async def test_gateways_keys_of_the_previous_release_go_on_to_act_for_all_organisations(
    empty: str, tmp_path: Path
) -> None:
    await migrate_before("0044", empty, tmp_path)
    connection = await asyncpg.connect(empty)
    await connection.execute(OLD_KEYS)
    await migrate(empty)
    rows = await connection.fetch("SELECT id FROM api_keys WHERE installation")
    assert [row["id"] for row in rows] == ["gateway"]
    await connection.close()


TWO_ROSTERS = """
INSERT INTO organisations (id, name, created_at)
SELECT md5(n)::uuid, n, now() FROM unnest('{first,second}'::text[]) AS n;
INSERT INTO volunteers SELECT md5(n::text)::uuid, CASE WHEN n = 1 THEN now() END, now() FROM generate_series(1, 2) AS n;
INSERT INTO people SELECT id, 'Ada', '1990-01-31' FROM volunteers;
INSERT INTO memberships (organisation, volunteer_id, availability, language, consent, joined_at)
SELECT o.id, v.id, 'available', 'fr', '{sms}', now() FROM organisations o, volunteers v;
INSERT INTO positions SELECT id, k, point(1, 2), 0, 0, now() FROM volunteers, unnest('{home,live}'::text[]) AS k;
"""
FACTS = """
SELECT m.name, m.birth_date::text, m.stopped_at IS NOT NULL AS stopped, array_agg(p.kind ORDER BY p.kind) AS kinds,
       max(p.at[0]) AS x
FROM memberships m JOIN member_positions p USING (volunteer_id, organisation)
WHERE m.volunteer_id = md5($1)::uuid GROUP BY m.organisation, m.name, m.birth_date, m.stopped_at
"""
ENROLLED_BY_OLD = """
INSERT INTO volunteers (id, created_at) VALUES (md5('3')::uuid, now());
INSERT INTO people VALUES (md5('3')::uuid, 'Bea', '1971-02-03');
INSERT INTO memberships (organisation, volunteer_id, availability, language, consent, joined_at)
VALUES (md5('first')::uuid, md5('3')::uuid, 'available', 'fr', '{sms}', now());
INSERT INTO positions VALUES (md5('3')::uuid, 'home', point(7, 2), 0, 0, now());
"""
CHANGED_BY_OLD = """
UPDATE people SET name = 'Zoe' WHERE volunteer_id = md5('2')::uuid;
UPDATE positions SET at = point(9, 2), recorded_at = now() WHERE volunteer_id = md5('2')::uuid AND kind = 'home';
DELETE FROM positions WHERE volunteer_id = md5('2')::uuid AND kind = 'live';
UPDATE volunteers SET stopped_at = now() WHERE id = md5('2')::uuid;
"""
CHANGED_BY_NEW = """
UPDATE memberships SET name = 'Eve' WHERE volunteer_id = md5('3')::uuid;
UPDATE member_positions SET at = point(8, 2) WHERE volunteer_id = md5('3')::uuid;
UPDATE memberships SET stopped_at = now() WHERE volunteer_id = md5('3')::uuid;
"""
READ_BY_OLD = """
SELECT p.name, h.at[0] AS x, v.stopped_at IS NOT NULL FROM volunteers v
JOIN people p ON p.volunteer_id = v.id JOIN positions h ON h.volunteer_id = v.id WHERE v.id = md5('3')::uuid
"""
IDS = """
SELECT count(DISTINCT id) AS ids, count(*) FILTER (WHERE id = volunteer_id) AS kept
FROM memberships GROUP BY volunteer_id ORDER BY volunteer_id = md5('3')::uuid
"""
UNLIKE = """
SELECT count(*) FROM candidate_facts f JOIN candidates c USING (volunteer_id, organisation)
WHERE NOT to_jsonb(c) @> to_jsonb(f)
"""


@pytest.fixture
async def two_rosters(empty: str, tmp_path: Path) -> AsyncIterator[asyncpg.Connection]:
    """Migrate a database in which two people are on two rosters."""
    await migrate_before("0041", empty, tmp_path)
    connection = await asyncpg.connect(empty)
    await connection.execute(TWO_ROSTERS)
    await migrate(empty)
    yield connection
    assert await connection.fetchval(UNLIKE) == 0
    await connection.close()


async def facts(connection: asyncpg.Connection, person: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await connection.fetch(FACTS, person)]


async def test_each_organisation_keeps_what_was_known_of_its_members(two_rosters: asyncpg.Connection) -> None:
    assert await facts(two_rosters, "1") == [("Ada", "1990-01-31", True, ["home", "live"], 1)] * 2
    assert await facts(two_rosters, "2") == [("Ada", "1990-01-31", False, ["home", "live"], 1)] * 2


async def test_the_oldest_membership_keeps_the_persons_id_and_every_other_one_gets_its_own(
    two_rosters: asyncpg.Connection,
) -> None:
    await two_rosters.execute(ENROLLED_BY_OLD)
    rows = await two_rosters.fetch(IDS)
    assert [row["ids"] for row in rows] == [2, 2, 1]
    assert [row["kept"] for row in rows] == [1, 1, 0]


async def test_what_the_previous_release_writes_counts_for_all_memberships(
    two_rosters: asyncpg.Connection,
) -> None:
    await two_rosters.execute(ENROLLED_BY_OLD)
    assert await facts(two_rosters, "3") == [("Bea", "1971-02-03", False, ["home"], 7)]
    await two_rosters.execute(CHANGED_BY_OLD)
    assert await facts(two_rosters, "2") == [("Zoe", "1990-01-31", True, ["home"], 9)] * 2
    await two_rosters.execute("UPDATE volunteers SET stopped_at = NULL")
    assert [stopped for _, _, stopped, _, _ in await facts(two_rosters, "1")] == [False, False]


async def test_the_previous_release_reads_what_its_successor_writes(two_rosters: asyncpg.Connection) -> None:
    await two_rosters.execute(ENROLLED_BY_OLD + CHANGED_BY_NEW)
    (row,) = await two_rosters.fetch(READ_BY_OLD)
    assert tuple(row) == ("Eve", 8, True)
