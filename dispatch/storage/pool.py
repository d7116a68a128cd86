"""Connections to PostgreSQL: the pool, transactions, and transactions that are repeated after a lost race."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import asyncpg
import orjson
import structlog

from dispatch.storage.queries import sql

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 6
JITTER_S = 0.02
LONG_S = 3600.0
"""The time limit of a statement that reads the whole journal, in a transaction that runs `lift_statement_timeout`."""
log = structlog.get_logger()


class RetryableError(Exception):
    """Another transaction committed first; the same work succeeds when it is repeated."""


class ConnectionLostError(Exception):
    """The connection, or the whole pool, was closed while it was in use."""


UNREACHABLE = (OSError, TimeoutError, asyncpg.PostgresError, ConnectionLostError)
"""The errors of a database that does not answer or rejects the connection."""


BY_INDEX = {"enable_seqscan": "off"}
"""Statements are planned once, often while a table is empty: a sequential scan, right at that time, would stay the plan
when the table has thousands of rows, until statistics are gathered. A table without an index is still scanned."""
SILENT_S = 35.0
"""A server that sends nothing for so long is lost: it ends each statement after 30 s, unless another limit is set.
asyncpg then waits as long again for the cancellation."""
IDLE_S = 300.0
"""A session that is unused for so long is closed."""
MOST_STATEMENTS = 5_000
"""After so many statements a session is replaced: a plan made while a table was almost empty, when two indexes seemed
to cost the same, may read all of it. Statements must not expire instead: asyncpg closes them without a time-out."""
RACED = {
    "journal_stream_seq_key": "another transaction wrote to the same stream",
    "offers_one_live": "another transaction asked the same volunteer",
    "assignments_one_per_volunteer": "another transaction assigned the same volunteer",
    "assignments_apart_in_time": "another transaction assigned the same volunteer for the same time",
    "messages_one_in_flight": "another sender leased a message to the same person",
    "duty_contacts_organisation_turn_key": "another transaction replaced the duty order",
}
"""Unique and exclusion indexes that a correct transaction can violate because another one committed first.

No other index is here. Either its statement says ON CONFLICT, or the values belong to one stream, whose place in the
journal is taken first (seats, open escalations), or to a row that is locked: a violation is a defect, and is not
retried for ever.
"""
RACES = (RetryableError, asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


async def open_pool(dsn: str, *, application: str, size: int = 10) -> asyncpg.Pool:
    """Open a pool whose sessions time out on locks and statements before a stall is noticed.

    It connects when it is first used, so that a process can start before its database.
    """
    return await FairPool(
        dsn,
        min_size=0,
        max_size=size,
        loop=None,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        max_inactive_connection_lifetime=IDLE_S,
        init=_prepare,
        reset=_leave_as_it_is,
        statement_cache_size=500,
        max_cached_statement_lifetime=0,
        max_queries=MOST_STATEMENTS,
        command_timeout=SILENT_S,
        server_settings={
            "application_name": application,
            "timezone": "UTC",
            # Compilation takes longer than the execution of any of these statements.
            "jit": "off",
            # Planning for the values of each call takes a third of the time of a small transaction.
            "plan_cache_mode": "force_generic_plan",
            # Else the planner, which cannot estimate how many are near, sorts a whole neighbourhood.
            "enable_bitmapscan": "off",
            **BY_INDEX,
            "lock_timeout": "5s",
            "statement_timeout": "30s",
            "idle_in_transaction_session_timeout": "10s",
        },
    )


class FairPool(asyncpg.Pool):
    """A pool that serves waiting callers in the order of their arrival.

    In asyncpg's own pool, a caller that arrives as a connection is released takes it from the woken caller, which
    then waits behind all others: of 200 at once some wait more than four times as long as the rest.
    """

    def __init__(self, dsn: str, *, max_size: int, **settings: Any) -> None:  # noqa: ANN401 - asyncpg's own
        """Accept all of asyncpg's settings."""
        super().__init__(dsn, max_size=max_size, **settings)
        self.dsn = dsn
        self._turns = asyncio.Semaphore(max_size)

    @asynccontextmanager
    async def acquire(self, *, timeout: float | None = None) -> AsyncIterator[Any]:  # type: ignore[override]  # noqa: ASYNC109
        """Acquire a connection, in turn; raises TimeoutError after `timeout` seconds without a turn, or a session."""
        async with asyncio.timeout(timeout):
            await self._turns.acquire()
        try:
            async with super().acquire(timeout=timeout) as connection:
                with translate_connection_loss(cast("asyncpg.Connection", connection)):
                    yield connection
        except asyncpg.InterfaceError as error:
            if self.is_closing():
                raise ConnectionLostError(str(error)) from error
            raise
        finally:
            self._turns.release()


@contextmanager
def translate_connection_loss(connection: asyncpg.Connection) -> Iterator[None]:
    """Raise ConnectionLostError where the connection is lost: asyncpg raises InterfaceError for that and for misuse."""
    try:
        yield
    except asyncpg.InterfaceError as error:
        if _is_lost(connection):
            raise ConnectionLostError(str(error)) from error
        raise


def _is_lost(connection: asyncpg.Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # asyncpg releases a connection to the pool by itself when the server has closed it.
        return True


@asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """Open a transaction on a connection of its own; raises RetryableError if another one won a race of `RACED`."""
    with _translate_races():
        async with pool.acquire() as connection, connection.transaction():
            yield cast("asyncpg.Connection", connection)


@asynccontextmanager
async def statement(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """Acquire a connection for one statement, a transaction by itself: two round trips fewer; raises RetryableError."""
    with _translate_races():
        async with pool.acquire() as connection:
            yield cast("asyncpg.Connection", connection)


@contextmanager
def _translate_races() -> Iterator[None]:
    try:
        yield
    except (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError) as error:
        if error.constraint_name in RACED:
            raise RetryableError(f"{error.constraint_name}: {RACED[error.constraint_name]}") from error
        raise


async def execute_rows(connection: asyncpg.Connection, query: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a named query that takes each column of some rows as an array, unless there are no rows."""
    if rows:
        await connection.execute(sql(query), *map(list, zip(*rows, strict=True)))


def retrying(work: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Repeat a whole transaction, after a short random wait, when it lost a race with another one."""

    @wraps(work)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, ATTEMPTS):
            try:
                return await work(*args, **kwargs)
            except RACES:
                await asyncio.sleep(random.uniform(0, JITTER_S * 2**attempt))  # noqa: S311 - no secret
        return await work(*args, **kwargs)

    return run


def describe(error: BaseException) -> str:
    """Return an error as one line of text."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


async def _leave_as_it_is(connection: asyncpg.Connection) -> None:
    """Do not reset a session, which saves a round trip: no transaction here changes its session beyond its end."""


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_to_jsonb, decoder=_from_jsonb
    )


def _to_jsonb(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    return b"\x01" + orjson.dumps(value)


def _from_jsonb(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    return orjson.loads(data[1:])
