"""Errors that the domain raises, cut by what the caller does next."""


class RefusedError(Exception):
    """What was asked cannot be done, now or later; the text tells a human why."""
