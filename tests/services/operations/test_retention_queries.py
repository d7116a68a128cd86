"""The retention queries find expired rows by index, without reading the others."""

from datetime import timedelta

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.retention import EXPIRING
from dispatch.services.operations.retention import START
from dispatch.storage.pool import transaction
from dispatch.storage.queries import sql
from tests.support.world import World

OTHERWISE = {
    "positions": "member_positions_pkey",
    "report_texts": "report_texts_pkey",
    "inbox": "inbox_retention",
}
"""The indexes by which rows are found that have none of their own for it."""
MANY = 5000
FILL = """
    SET LOCAL session_replication_role = replica;
    INSERT INTO incidents SELECT gen_random_uuid(), gen_random_uuid(), 'actual', 'urgent', gen_random_uuid(), 'x',
        'urgent', 'closed', 'x', 0, 0, '{}', true, '', '{}', 1, t, t, t, 0, t, 0, t, t, t, t, '' FROM times;
    INSERT INTO offers SELECT gen_random_uuid(), i.id, gen_random_uuid(), 'urgent', 'helper', 'expired', NULL,
        i.opened_at, i.opened_at, i.opened_at, 1, i.id FROM incidents i;
    INSERT INTO reports SELECT i.report_id, i.organisation, 'actual', 's', i.id::text, 'http', '', i.opened_at, i.id
        FROM incidents i;
    INSERT INTO report_texts SELECT id, 'x' FROM reports;
    INSERT INTO rounds SELECT gen_random_uuid(), i.id, i.opened_at, 1, 1, '[]', '[]' FROM incidents i;
    INSERT INTO replies SELECT gen_random_uuid(), i.id, 'actual', i.id, i.id, i.id, 'accepted', 'page', i.opened_at,
        i.opened_at FROM incidents i;
    INSERT INTO messages (id, organisation, mode, recipient_kind, recipient_id, incident_id, purpose, channel, severity,
        status, due_at, created_at) SELECT gen_random_uuid(), i.id, 'actual', 'duty', i.id, i.id, 'x', 'sms', 0, 'sent',
        i.opened_at, i.opened_at FROM incidents i;
    INSERT INTO tokens SELECT sha256(o.id::text::bytea), o.id, 0, o.extended_at FROM offers o;
    INSERT INTO inbound_texts SELECT gen_random_uuid(), 'x', 'x', 'x', 'x', NULL, t FROM times;
    INSERT INTO parking (id, source_topic, source, consumer, reason, headers, parked_at, settled_at, digest)
        SELECT gen_random_uuid(), 'x', 'x', 'x', 'x', '', t, t, sha256(t::text::bytea) FROM times;
    INSERT INTO idempotency_keys SELECT 'x', t::text, '', 0, '', t FROM times;
    INSERT INTO api_keys SELECT t::text, gen_random_uuid(), '', '{}', 'x', t, t FROM times;
    INSERT INTO acting_contacts SELECT gen_random_uuid(), gen_random_uuid(), 'x', t FROM times;
    INSERT INTO inbox SELECT 'x', gen_random_uuid(), t FROM times;
    INSERT INTO processes SELECT gen_random_uuid(), 'x', 1, '{}', 'x', 1, t, t FROM times;
    INSERT INTO positions SELECT gen_random_uuid(), 'live', point(0, 0), 0, 0, t FROM times;
    INSERT INTO member_positions SELECT gen_random_uuid(), gen_random_uuid(), 'live', point(0, 0), 0, 0, t FROM times;
    ANALYZE;
"""


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create()


async def test_among_many_rows_only_those_that_are_due_are_looked_at(world: World) -> None:
    async with transaction(world.pool) as connection:
        await connection.execute(
            "CREATE TEMP TABLE times ON COMMIT DROP AS SELECT $1::timestamptz + n * interval '1 minute' AS t"
            " FROM generate_series(1, $2) AS n", world.now, MANY,
        )  # fmt: skip
        await connection.execute(FILL)
    before = world.now + timedelta(minutes=10)
    for rule in EXPIRING:
        async with world.pool.acquire() as connection:
            plan = await explained(connection, rule.name, before)  # type: ignore[arg-type]
        assert "Seq Scan" not in plan, plan
        key = OTHERWISE.get(rule.name, f"{rule.name}_expiry")
        assert f"using {key}" in plan, plan


async def explained(connection: asyncpg.Connection, name: str, before: object) -> str:
    """Run the query of a table under EXPLAIN, with the planner as it comes, and take it back."""
    attempt = connection.transaction()
    await attempt.start()
    await connection.execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = on")
    rows = await connection.fetch(
        f"EXPLAIN (ANALYZE, TIMING off) {sql(f'expire_{name}')}", before, START, 100
    )
    await attempt.rollback()
    return "\n".join(row[0] for row in rows)
