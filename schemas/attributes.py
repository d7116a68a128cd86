"""The attributes of a CloudEvent as text, their validation, and the error that describes an invalid one."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

LONGEST = 256
SEQUENCE_DIGITS = 20
REQUIRED = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_organisation")

Headers = Sequence[tuple[str, bytes | None]]


class UnfitError(ValueError):
    """A message breaks a rule of the envelope or of its model; the text repeats none of its content."""


def attributes(headers: Headers) -> dict[str, str]:
    """Return the attributes of a message without its other headers. Raises UnfitError."""
    wanted = [(name, value) for name, value in headers if name.startswith("ce_") or name == "content-type"]
    texts = {name: _text(name, value or b"") for name, value in wanted}
    for name in REQUIRED:
        if not texts.get(name):
            raise UnfitError(f"the header {name} is missing")
    if texts["ce_specversion"] != "1.0":
        raise UnfitError("ce_specversion is not 1.0")
    return texts


def sequence(text: str) -> int:
    """Parse a sequence number: the place of an event in its stream. Raises UnfitError."""
    if not (text.isascii() and text.isdecimal() and len(text) <= SEQUENCE_DIGITS):
        raise UnfitError(f"ce_sequence is not a number of at most {SEQUENCE_DIGITS} digits")
    return int(text)


def time(texts: dict[str, str], name: str, otherwise: datetime) -> datetime:
    """Return the time in an attribute, in UTC, or `otherwise` if it is absent. Raises UnfitError."""
    try:
        moment = datetime.fromisoformat(texts[name]) if texts.get(name) else otherwise
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise UnfitError(f"{name} is not a time with its zone")


def uuid(text: str) -> UUID | None:
    """Parse a UUID; return None for any other text."""
    try:
        return UUID(text)
    except ValueError:
        return None


def plain(text: str) -> str:
    """Return a foreign name if it is safe for logs and supervisors to read, else a question mark."""
    return text if re.fullmatch(r"[A-Za-z0-9_.:/-]{0,64}", text) else "?"


def _text(name: str, value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise UnfitError(f"the header {plain(name)} is not UTF-8") from None
    if len(text) > LONGEST or not text.isprintable():
        raise UnfitError(f"the header {plain(name)} is too long or not printable")
    return text
