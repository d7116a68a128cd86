"""Connections: what every session is told, and what happens while PostgreSQL is away."""

import asyncio

import asyncpg
import pytest

from dispatch.storage import pool as pools
from dispatch.storage.pool import RetryableError, retrying, transaction


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("lock_timeout", "5s"),
        ("statement_timeout", "30s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("TimeZone", "UTC"),
        ("application_name", "tests"),
    ],
)
async def test_every_session_gives_up_in_time(pool: asyncpg.Pool, setting: str, value: str) -> None:
    assert await pool.fetchval("SELECT current_setting($1)", setting) == value


async def test_json_goes_in_and_out_as_values(pool: asyncpg.Pool) -> None:
    value = {"rest": [1, None, "é"]}
    assert await pool.fetchval("SELECT $1::jsonb", value) == value
    assert await pool.fetchval("SELECT $1::jsonb ->> 'rest'", value) == '[1, null, "é"]'


async def test_a_transaction_that_fails_leaves_nothing(pool: asyncpg.Pool) -> None:
    await pool.execute("CREATE TABLE kept (id int)")
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with transaction(pool) as connection:
            await connection.execute("INSERT INTO kept VALUES (1); SELECT 1/0")
    async with transaction(pool) as connection:
        await connection.execute("INSERT INTO kept VALUES (2)")
    assert await pool.fetchval("SELECT array_agg(id) FROM kept") == [2]


async def test_two_transactions_in_each_others_way_both_come_through(pool: asyncpg.Pool) -> None:
    await pool.execute(
        "CREATE TABLE counts (id int PRIMARY KEY, n int); INSERT INTO counts VALUES (1, 0), (2, 0)"
    )
    both = asyncio.Barrier(2)
    tries = 0

    @retrying
    async def count(first: int, second: int) -> None:
        nonlocal tries
        tries += 1
        async with transaction(pool) as connection:
            await connection.execute("UPDATE counts SET n = n + 1 WHERE id = $1", first)
            if tries <= 2:
                await both.wait()
            await connection.execute("UPDATE counts SET n = n + 1 WHERE id = $1", second)

    await asyncio.gather(count(1, 2), count(2, 1))
    assert tries == 3
    assert await pool.fetchval("SELECT array_agg(n) FROM counts") == [2, 2]


async def test_a_race_that_is_lost_again_and_again_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "JITTER_S", 0)
    tries = 0

    @retrying
    async def lose() -> None:
        nonlocal tries
        tries += 1
        raise RetryableError

    with pytest.raises(RetryableError):
        await lose()
    assert tries == pools.ATTEMPTS


async def test_a_mistake_is_not_tried_again() -> None:
    tries = 0

    @retrying
    async def fail() -> None:
        nonlocal tries
        tries += 1
        raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert tries == 1
