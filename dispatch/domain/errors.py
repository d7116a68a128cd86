"""Errors that the domain raises, cut by what the caller does next."""


class RefusedError(Exception):
    """What was asked cannot be done, now or later; the text tells a human why."""


class NewerVersionError(Exception):
    """A newer version of Renfort wrote this: it waits until this process is replaced."""
