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
