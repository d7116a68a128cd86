"""Requests that carry a key of their own are done once; what was answered is kept for a day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from dispatch.services.core.errors import ConflictError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.queries import sql

KEPT = timedelta(hours=24)
UNDER_WAY = timedelta(seconds=150)
"""After so long a request without an answer is taken for lost with its process; an import takes up to 120 s."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One caller's name for one request, and the hash of what it asks."""

    api_key: str
    name: str
    asked: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What was answered the first time."""

    status: int
    body: bytes


async def claim(uow: UnitOfWork, mine: Claim) -> Kept | None:
    """Claim a request; returns what was answered where it was done before.

    Raises ConflictError where the name stands for another request, or the first is still under way.
    """

    async def work(connection: asyncpg.Connection, now: datetime) -> asyncpg.Record | None:
        await connection.execute(sql("purge_idempotency_keys"), mine.api_key, now - KEPT)
        row = (mine.api_key, mine.name, mine.asked, now, now - KEPT, now - UNDER_WAY)
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
    return Kept(found["status"], found["body"])


async def settle(uow: UnitOfWork, mine: Claim, status: int, body: bytes) -> None:
    """Keep what was answered."""

    async def work(connection: asyncpg.Connection, _now: datetime) -> None:
        await connection.execute(sql("settle_idempotency_key"), mine.api_key, mine.name, status, body)

    await uow.transact(work)


async def free(uow: UnitOfWork, mine: Claim) -> None:
    """Let the request be tried again."""

    async def work(connection: asyncpg.Connection, _now: datetime) -> None:
        await connection.execute(sql("free_idempotency_key"), mine.api_key, mine.name)

    await uow.transact(work)
