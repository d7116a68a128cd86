"""The errors by which a service rejects a request, divided by what the caller does next."""


class SenderError(Exception):
    """The sender's fault: the same request fails again until the sender changes it."""


class NotFoundError(SenderError):
    """The object does not exist in this organisation."""


class ForbiddenError(SenderError):
    """The object exists, but this caller may not use it."""


class ConflictError(SenderError):
    """The object exists already, with other content."""


class UnauthorizedError(SenderError):
    """The caller is not known."""


class InvalidError(SenderError):
    """A field is not valid; `field` names it, the message states the remedy."""

    def __init__(self, field: str, message: str) -> None:
        """Name the field."""
        super().__init__(message)
        self.field = field

    def __reduce__(self) -> tuple[type["InvalidError"], tuple[str, str]]:
        """Let another process raise the same error."""
        return InvalidError, (self.field, str(self))

    @property
    def log_fields(self) -> dict[str, object]:
        """Return the name of the field."""
        return {"field": self.field}


class OverloadedError(SenderError):
    """Nothing was done: more reports arrive than can be handled. Send the same one after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        """State how long to wait, in seconds."""
        super().__init__(
            "more reports arrive than can be handled: routine ones are rejected for now; send the same report again"
        )
        self.retry_after_s = retry_after_s

    @property
    def log_fields(self) -> dict[str, object]:
        """Return how long the sender must wait."""
        return {"retry_after_s": self.retry_after_s}
