"""Identifiers: time-ordered for new objects, derived for those that a retry must repeat."""

from uuid import UUID

from uuid_utils import compat

NAMESPACE = UUID("7e1f0c52-6a0e-5d3b-9b57-2f6d3f0a9c11")


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return compat.uuid7()


def derived(base: UUID, *parts: object) -> UUID:
    """Return the identifier that follows from these parts, so that a retry repeats it."""
    return compat.uuid5(base, ":".join(str(part) for part in parts))


def named(*parts: object) -> UUID:
    """Return the identifier that follows from names alone (a source and its own id, an organisation's name)."""
    return derived(NAMESPACE, *parts)
