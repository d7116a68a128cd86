"""How a service says no, cut by what the caller does next."""


class NotFoundError(Exception):
    """There is no such thing in this organisation."""


class ForbiddenError(Exception):
    """It is there, and this caller may not."""


class ConflictError(Exception):
    """It is there already, otherwise."""


class UnauthorizedError(Exception):
    """The caller is not known."""


class InvalidError(Exception):
    """A field is not as it must be; `field` names it, the message says what to do."""

    def __init__(self, field: str, message: str) -> None:
        """Name the field."""
        super().__init__(message)
        self.field = field


class OverloadedError(Exception):
    """Nothing was done: more comes in than can be worked; the same thing may come again after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        """Say when."""
        super().__init__("more comes in than can be worked: routine reports wait; send the same report again")
        self.retry_after_s = retry_after_s
