"""The one classifier of errors: what the caller does next, and which fields may be logged."""

from enum import Enum

import asyncpg
from aiokafka.errors import KafkaError

from dispatch.domain.errors import NewerVersionError, RefusedError
from dispatch.logs import where
from dispatch.services.core.errors import SenderError
from dispatch.storage.pool import ConnectionLostError, RetryableError, describe
from schemas.attributes import UnfitError


class Failure(Enum):
    """What to do after an error."""

    TRY_AGAIN = "try_again"
    """Network, lock, disk, restart, a lost race: the same work succeeds later. Retried for ever, visibly."""
    SENDER = "sender"
    """The request or the record is wrong: reject or park it, with the error's text as the reason."""
    OURS = "ours"
    """A defect of this program. The text may repeat data, so only the error's class and place are logged."""
    NEWER_VERSION = "newer_version"
    """A newer version of Renfort wrote the record: it waits until this process is replaced."""


TRANSIENT: tuple[type[Exception], ...] = (
    RetryableError,
    ConnectionLostError,
    OSError,
    KafkaError,
    asyncpg.PostgresConnectionError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.InvalidCachedStatementError,
    # May end a call during which the connection is lost.
    asyncpg.InternalClientError,
)
_CLASSES: tuple[tuple[Failure, tuple[type[Exception], ...]], ...] = (
    (Failure.NEWER_VERSION, (NewerVersionError,)),
    (Failure.TRY_AGAIN, TRANSIENT),
    (Failure.SENDER, (SenderError, RefusedError, UnfitError)),
)


def classify(error: BaseException) -> Failure:
    """Return what the caller does next; an error that no class lists is a defect of ours."""
    return next((failure for failure, kinds in _CLASSES if isinstance(error, kinds)), Failure.OURS)


def is_transient(error: BaseException) -> bool:
    """Return whether the same work may succeed when it is repeated later."""
    return classify(error) is Failure.TRY_AGAIN


def log_fields(error: BaseException) -> dict[str, object]:
    """Return the fields to log of an error: its class, its text if that repeats no data, and its own fields."""
    failure = classify(error)
    text = where(error) if failure is Failure.OURS else describe(error)
    own: dict[str, object] = getattr(error, "log_fields", {})
    return {"failure": failure.value, "error": text, **own}
