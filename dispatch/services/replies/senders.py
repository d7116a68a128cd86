"""Senders of texts: the one known phone that a sender can be, whatever the spelling of the number."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from dispatch.services.access import duty_contacts
from dispatch.services.access.duty_contacts import Contact
from dispatch.services.access.organisations import countries, country_of
from dispatch.services.core.phone_numbers import readings
from dispatch.services.messaging.gateway import PHONE_CHANNELS, InboundText
from dispatch.storage.queries import sql
from schemas.offers import Channel


@dataclass(frozen=True, slots=True)
class Sender:
    """The address of a sender as it is stored, every address that it may be, and who is known to have one.

    `known` are those of the addresses that a volunteer or a duty contact has: anyone, or only an `organisation`'s own
    where the text came through its gateway.
    """

    channel: Channel
    address: str
    readings: tuple[str, ...]
    known: frozenset[str]
    people: tuple[UUID, ...]
    contacts: tuple[Contact, ...]
    organisation: UUID | None

    @property
    def ambiguous(self) -> bool:
        """Return whether the sender can be several known phones."""
        return len(self.known) > 1

    @property
    def volunteer_id(self) -> UUID | None:
        """Return the one volunteer whom the sender can be; None where it can be nobody or several."""
        return None if self.ambiguous else next(iter(self.people), None)


async def identify(connection: asyncpg.Connection, inbound: InboundText, organisation: UUID | None) -> Sender:
    """Return the sender of a text to an organisation, or to any: a reading counts only where one is a known phone."""
    spoken = inbound.channel in PHONE_CHANNELS
    found = readings(inbound.sender, await _countries(connection, organisation)) if spoken else []
    possible = tuple(found or [inbound.sender])
    rows = await connection.fetch(sql("find_by_addresses"), inbound.channel, possible, organisation)
    contacts = await duty_contacts.at_addresses(connection, inbound.channel, possible, organisation)
    known = frozenset(row["address"] for row in rows) | {contact.address for contact in contacts}
    address = inbound.sender if len(known) > 1 else next(iter(known), possible[0])
    people = tuple(dict.fromkeys(row["volunteer_id"] for row in rows))
    return Sender(inbound.channel, address, possible, known, people, tuple(contacts), organisation)


async def _countries(connection: asyncpg.Connection, organisation: UUID | None) -> list[str]:
    if organisation is None:
        return await countries(connection)
    return [await country_of(connection, organisation)]
