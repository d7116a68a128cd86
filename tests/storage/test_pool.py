"""Connections: the settings of every session, and the behaviour while PostgreSQL is away."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest
import trustme

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


async def test_connections_go_to_whoever_has_waited_longest(pool: asyncpg.Pool) -> None:
    asked, given = count(), []

    async def come_again() -> None:
        for _ in range(3):
            turn = next(asked)
            async with pool.acquire() as connection:
                given.append(turn)
                await connection.execute("SELECT 1")

    # Or the first ones connect, each in its time.
    await asyncio.gather(*(pool.execute("SELECT pg_sleep(0.2)") for _ in range(pool.get_max_size())))
    await asyncio.gather(*(come_again() for _ in range(50)))
    assert given == sorted(given)


async def test_who_waits_for_a_connection_for_so_long_at_most_waits_no_longer_for_a_turn(
    pool: asyncpg.Pool,
) -> None:
    async with AsyncExitStack() as held:
        for _ in range(pool.get_max_size()):
            await held.enter_async_context(pool.acquire())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2) as patience, pool.acquire(timeout=0.05):
                pass
        assert not patience.expired()
    assert await pool.fetchval("SELECT 1") == 1


async def test_who_gives_up_waiting_for_a_connection_takes_none_away(pool: asyncpg.Pool) -> None:
    size = pool.get_max_size()

    async def hold() -> None:
        async with pool.acquire() as connection:
            await connection.execute("SELECT pg_sleep(0.2)")

    waiting = [asyncio.create_task(hold()) for _ in range(2 * size)]
    await asyncio.sleep(0.1)
    for task in waiting[size::2]:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await asyncio.wait_for(asyncio.gather(*(hold() for _ in range(size))), 1.0)


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


@asynccontextmanager
async def only_tls(authority: trustme.CA, heard: list[bytes]) -> AsyncIterator[int]:
    """Answer a request for TLS as PostgreSQL does, record the bytes that follow, and close the connection."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"S")
        try:
            await writer.start_tls(context)
            heard.append(await reader.read(1000))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "localhost", 0, family=socket.AF_INET) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("host", "trusted", "told"),
    [("localhost", True, True), ("localhost", False, False), ("127.0.0.1", True, False)],
    ids=["its own", "a stranger's", "another name"],
)
async def test_a_database_is_told_nothing_before_its_certificate_is_verified(
    tmp_path: Path, host: str, *, trusted: bool, told: bool
) -> None:
    authority, heard = trustme.CA(), list[bytes]()
    (authority if trusted else trustme.CA()).cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with only_tls(authority, heard) as port:
        verified = f"sslmode=verify-full&sslrootcert={tmp_path / 'ca.pem'}"
        pool = await pools.open_pool(
            f"postgresql://renfort@{host}:{port}/kept?{verified}", application="tests"
        )
        with pytest.raises(asyncpg.ConnectionDoesNotExistError if told else ssl.SSLCertVerificationError):
            await pool.fetchval("SELECT 1")
        pool.terminate()
    assert any(b"renfort" in words for words in heard) == told
