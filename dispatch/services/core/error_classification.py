"""The one classifier of errors: what the caller does next, and what a log may say of it."""

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
    """A newer version of Renfort wrote it: it waits until this process is replaced."""


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
    # How a connection that is lost in the middle of a call may end it.
    asyncpg.InternalClientError,
)
_CLASSES: tuple[tuple[Failure, tuple[type[Exception], ...]], ...] = (
    (Failure.NEWER_VERSION, (NewerVersionError,)),
    (Failure.TRY_AGAIN, TRANSIENT),
    (Failure.SENDER, (SenderError, RefusedError, UnfitError)),
)


def classify(error: BaseException) -> Failure:
    """Return what the caller does next; an error that no class lists is ours."""
    return next((failure for failure, kinds in _CLASSES if isinstance(error, kinds)), Failure.OURS)


def is_transient(error: BaseException) -> bool:
    """Tell whether the same work, done again later, may succeed."""
    return classify(error) is Failure.TRY_AGAIN


def log_fields(error: BaseException) -> dict[str, object]:
    """Return what a log may say of an error: its class, its text where that repeats no data, its own fields."""
    failure = classify(error)
    text = where(error) if failure is Failure.OURS else describe(error)
    own: dict[str, object] = getattr(error, "log_fields", {})
    return {"failure": failure.value, "error": text, **own}
