"""The person who acts: the holder of a key with the scope `console:act`."""

import getpass
import sys

from dispatch.config import MisuseError, Settings
from dispatch.services.access import keys
from dispatch.services.access.keys import Key
from dispatch.services.core.errors import ForbiddenError
from dispatch.services.core.unit_of_work import UnitOfWork

SCOPE = "console:act"
MAKE = f"`dispatch keys create --scope {SCOPE} --holder NAME` makes one"


def presented_key() -> str:
    """Return the key in DISPATCH_KEY, or the one typed at the terminal; raises MisuseError where there is neither."""
    if key := Settings().key.get_secret_value().strip():
        return key
    if not sys.stdin.isatty():
        raise MisuseError(f"who acts? Set DISPATCH_KEY to your own key: {MAKE}")
    return getpass.getpass("Your key: ").strip()


async def actor(uow: UnitOfWork, presented: str) -> Key:
    """Return the key of the person who acts; raises UnauthorizedError and ForbiddenError."""
    key = await keys.authenticate(uow, presented)
    if not key.may(SCOPE):
        raise ForbiddenError(f"this key lacks the scope {SCOPE}: {MAKE}")
    return key
