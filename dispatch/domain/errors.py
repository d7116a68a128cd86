"""The domain's error."""


class RefusedError(Exception):
    """The command is not allowed, now or on a retry; the message says why in words for a human."""


class NewerVersionError(Exception):
    """A newer version of Renfort wrote this: it waits until this process is replaced."""
