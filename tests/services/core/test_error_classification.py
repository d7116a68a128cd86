"""The classifier of errors: each kind of error leads to one next step, and logs repeat no data."""

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError

from dispatch.domain.errors import NewerVersionError, RefusedError
from dispatch.services.core.error_classification import Failure, classify, log_fields
from dispatch.services.core.errors import InvalidError, NotFoundError, OverloadedError
from dispatch.storage.pool import ConnectionLostError, RetryableError, open_pool
from schemas.attributes import UnfitError

EXAMPLES = {
    Failure.TRY_AGAIN: (
        RetryableError("another transaction was first"),
        ConnectionLostError("connection is closed"),
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.DeadlockDetectedError(""),
        asyncpg.LockNotAvailableError(""),
        asyncpg.DiskFullError(""),
        asyncpg.CannotConnectNowError(""),
        KafkaConnectionError(),
    ),
    Failure.SENDER: (
        RefusedError("not now"), NotFoundError("none"), InvalidError("lat", "no number"), OverloadedError(5),
        UnfitError("the body is missing"),
    ),
    Failure.NEWER_VERSION: (NewerVersionError("generation 9"),),
    Failure.OURS: (
        KeyError("Anne"), asyncpg.NotNullViolationError(""), asyncpg.InterfaceError("the server expects 2 arguments"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("failure", "error"), [(failure, error) for failure, errors in EXAMPLES.items() for error in errors]
)
def test_each_error_leads_to_one_next_step(failure: Failure, error: Exception) -> None:
    assert classify(error) is failure


def test_the_text_of_our_own_defects_is_never_logged() -> None:
    with pytest.raises(KeyError) as raised:
        dict[str, int]()["Anne Weber, 12 rue des Lilas"]
    fields = log_fields(raised.value)
    assert fields["failure"] == "ours"
    assert str(fields["error"]).startswith("KeyError at test_error_classification.py:")
    assert "Anne" not in str(fields)


def test_an_error_adds_its_own_log_fields() -> None:
    assert log_fields(InvalidError("lat", "no number"))["field"] == "lat"
    assert log_fields(OverloadedError(7))["retry_after_s"] == 7


async def test_a_connection_that_closes_during_a_statement_is_distinguished_from_misuse(
    pool: asyncpg.Pool,
) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.InterfaceError) as misuse:
            await connection.fetchval("SELECT $1::int")
        assert classify(misuse.value) is Failure.OURS

    async def lose() -> None:
        async with pool.acquire() as connection:
            connection.terminate()
            await connection.fetchval("SELECT 1")

    with pytest.raises(ConnectionLostError):
        await lose()


async def test_a_pool_that_closes_is_no_defect_of_ours(database: str) -> None:
    pool = await open_pool(database, application="tests")
    await pool.close()
    with pytest.raises(ConnectionLostError):
        await pool.fetchval("SELECT 1")
