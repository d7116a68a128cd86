"""Identifiers: time-ordered for new objects, derived for those that a retry must repeat."""

from uuid import UUID

import uuid_utils
from uuid_utils import compat

NAMESPACE = UUID("7e1f0c52-6a0e-5d3b-9b57-2f6d3f0a9c11")

SHORT = 8
"""Characters of a short id: among ten thousand derived ones hardly ever two are the same."""


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return compat.uuid7()


def short(id_: UUID) -> str:
    """Return the beginning of an identifier by which people name it; commands and routes accept it."""
    return str(id_)[:SHORT]


def derived(base: UUID, *parts: object) -> UUID:
    """Return the identifier that follows from these parts, so that a retry repeats it."""
    return UUID(int=_derived(base, parts).int)


def derived_text(base: UUID, *parts: object) -> str:
    """Return the same identifier as text, which costs half as much."""
    return str(_derived(base, parts))


def named(*parts: object) -> UUID:
    """Return the identifier that follows from names alone (a source and its own id, an organisation's name)."""
    return derived(NAMESPACE, *parts)


def _derived(base: UUID, parts: tuple[object, ...]) -> uuid_utils.UUID:
    return uuid_utils.uuid5(uuid_utils.UUID(int=base.int), ":".join(map(str, parts)))
