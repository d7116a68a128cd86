"""The inbox: one effect per consumer and event."""

from datetime import UTC, datetime

import asyncpg

from dispatch.storage.inbox import record
from schemas.ids import named

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
FIRST, SECOND = named("event", 1), named("event", 2)


async def test_an_event_is_fresh_once(connection: asyncpg.Connection) -> None:
    assert await record(connection, "incidents", [FIRST, FIRST], NOW) == {FIRST}
    assert await record(connection, "incidents", [SECOND, FIRST], NOW) == {SECOND}


async def test_what_one_consumer_took_is_fresh_to_another(connection: asyncpg.Connection) -> None:
    await record(connection, "incidents", [FIRST], NOW)
    assert await record(connection, "incident-messages", [FIRST], NOW) == {FIRST}


async def test_what_was_taken_in_vain_is_fresh_again(connection: asyncpg.Connection) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await record(connection, "incidents", [FIRST], NOW)
    await transaction.rollback()
    assert await record(connection, "incidents", [FIRST], NOW) == {FIRST}
