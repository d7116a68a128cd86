"""Duty contacts as persons: found by their number, and named where events refer to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.actors import duty_contact
from dispatch.storage.queries import sql
from schemas.offers import Channel

FORMER = "a former duty contact"


@dataclass(frozen=True, slots=True)
class Contact:
    """A duty contact, their place in the duty order from 0, and how many others are in it.

    One phone has one in each organisation at most.
    """

    id: UUID
    organisation: UUID
    address: str
    place: int
    others: int


async def at_addresses(
    connection: asyncpg.Connection, channel: Channel, addresses: Sequence[str], organisation: UUID | None
) -> list[Contact]:
    """Return the duty contacts, of one organisation or of all, who have one of some addresses."""
    rows = await connection.fetch(sql("contacts_with_addresses"), channel, addresses, organisation)
    return [Contact(**dict(row)) for row in rows]


async def record_act(connection: asyncpg.Connection, contact_id: UUID, now: datetime) -> None:
    """Store the name of a contact who acts, for as long as the act may have to be explained."""
    await connection.execute(sql("record_acting_contact"), contact_id, now)


async def names_of_actors(
    connection: asyncpg.Connection | asyncpg.Pool, actors: Iterable[str | None]
) -> dict[str, str]:
    """Return the names of those who are named in events by reference; the others name themselves."""
    found = {actor: contact for actor in actors if (contact := duty_contact(actor)) is not None}
    if not found:
        return {}
    rows = await connection.fetch(sql("contact_names"), sorted(found.values()))
    names = {row["id"]: row["name"] for row in rows}
    return {str(actor): names.get(contact, FORMER) for actor, contact in found.items()}
