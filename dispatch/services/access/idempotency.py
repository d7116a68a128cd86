"""Requests with an Idempotency-Key are executed once; their responses are stored for a day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from dispatch.services.core.errors import ConflictError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.queries import sql

STORED_FOR = timedelta(hours=24)
LOST_AFTER = timedelta(seconds=150)
"""After so long a request without a response is considered lost with its process; an import takes up to 120 s."""


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """A caller's Idempotency-Key for one request, and the hash of the request."""

    api_key: str
    name: str
    asked: bytes


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response to the first request with a key."""

    status: int
    body: bytes


async def claim(uow: UnitOfWork, mine: IdempotencyClaim) -> StoredResponse | None:
    """Claim a request; return the stored response if the request was executed before.

    Raises ConflictError if the key belongs to another request, or the first request is still being executed.
    """

    async def work(connection: asyncpg.Connection, now: datetime) -> asyncpg.Record | None:
        await connection.execute(sql("purge_idempotency_keys"), mine.api_key, now - STORED_FOR)
        row = (mine.api_key, mine.name, mine.asked, now, now - STORED_FOR, now - LOST_AFTER)
        if await connection.fetchval(sql("claim_idempotency_key"), *row) is not None:
            return None
        return await connection.fetchrow(sql("find_idempotency_key"), mine.api_key, mine.name)

    found = await uow.transact(work)
    if found is None:
        return None
    if found["request_hash"] != mine.asked:
        raise ConflictError("this Idempotency-Key was sent with another request")
    if found["status"] == 0:
        raise ConflictError("the first request with this Idempotency-Key is still under way")
    return StoredResponse(found["status"], found["body"])


async def complete(uow: UnitOfWork, mine: IdempotencyClaim, status: int, body: bytes) -> None:
    """Store the response."""

    async def work(connection: asyncpg.Connection, _now: datetime) -> None:
        await connection.execute(sql("complete_idempotency_key"), mine.api_key, mine.name, status, body)

    await uow.transact(work)


async def free(uow: UnitOfWork, mine: IdempotencyClaim) -> None:
    """Release the claim, so that the request can be retried."""

    async def work(connection: asyncpg.Connection, _now: datetime) -> None:
        await connection.execute(sql("free_idempotency_key"), mine.api_key, mine.name)

    await uow.transact(work)
