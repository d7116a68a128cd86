import re

from dispatch.services.messaging.gateway import GatewayRefusedError

_NUMBER = re.compile(r"\+?[0-9]{3,15}")


def refuse_bad_number(number: str) -> None:
    """Raise GatewayRefusedError unless this is one phone number: with a space in it Kannel would text two."""
    if not _NUMBER.fullmatch(number):
        raise GatewayRefusedError("not a phone number")
