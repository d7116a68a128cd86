"""Identifiers: time-ordered for new objects, derived for those that a retry must repeat."""

from uuid import UUID

import uuid_utils
from uuid_utils import compat

NAMESPACE = UUID("7e1f0c52-6a0e-5d3b-9b57-2f6d3f0a9c11")
MEASURED = UUID("b1c9a6de-93a4-5c0f-8f0e-4d1f6a7c2e58")
"""The name space of ids whose parts are length-prefixed."""
SEPARATOR = ":"
TOPIC = "topic"
"""What the sources of reports from the topic begin with: only a key proves another one."""

SHORT = 8
"""Characters of a short id: among ten thousand derived ones hardly ever two are the same."""


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return compat.uuid7()


def short(id_: UUID) -> str:
    """Return the beginning of an identifier by which people name it; commands and routes accept it."""
    return str(id_)[:SHORT]


def derived(base: UUID, *parts: object) -> UUID:
    """Return the identifier that follows from these parts, so that a retry repeats it.

    The parts are our own: at most one of them may contain the separator.
    """
    return UUID(int=_derived(base, parts).int)


def derived_text(base: UUID, *parts: object) -> str:
    """Return the same identifier as text, which costs half as much."""
    return str(_derived(base, parts))


def named(*parts: object, free: int = -1) -> UUID:
    """Return the identifier that follows from names alone, some of which others choose (an organisation's name).

    Two lists of as many parts never have the same one. The part at `free` may contain the separator; where another one
    does, the parts are length-prefixed. Release 0.1.0 only joins them.
    """
    texts = [str(part) for part in parts]
    others = list(texts)
    others.pop(free)
    if any(SEPARATOR in text for text in others):
        return derived(MEASURED, "".join(f"{len(text)}{SEPARATOR}{text}" for text in texts))
    return derived(NAMESPACE, *texts)


def event_id(source: str, id_: str) -> UUID:
    """Return the id of an event from outside; its source is usually an address, which contains the separator."""
    return named(source, id_, free=0)


def report_id(organisation: UUID, source: str, source_id: str) -> UUID:
    """Return the id of a report."""
    space, _, name = source.partition(SEPARATOR)
    parts = (space, name) if space == TOPIC else (source,)
    return named(organisation, *parts, source_id)


def _derived(base: UUID, parts: tuple[object, ...]) -> uuid_utils.UUID:
    return uuid_utils.uuid5(uuid_utils.UUID(int=base.int), ":".join(map(str, parts)))
