"""Senders of texts: the one known person that a sender can be, whatever the spelling of the number."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from dispatch.services.core.phone_numbers import readings
from dispatch.services.messaging.gateway import PHONE_CHANNELS, InboundText
from dispatch.storage.queries import sql
from schemas.offers import Channel


@dataclass(frozen=True, slots=True)
class Sender:
    """The address of a sender as it is stored, every address that it may be, and the known people who have one."""

    channel: Channel
    address: str
    readings: tuple[str, ...]
    people: tuple[UUID, ...]

    @property
    def volunteer_id(self) -> UUID | None:
        """Return the one person whom the sender can be; None where it can be nobody or several."""
        return self.people[0] if len(self.people) == 1 else None


async def identify(connection: asyncpg.Connection, inbound: InboundText) -> Sender:
    """Return the sender of a text: a reading counts only where exactly one is a known phone."""
    found = readings(inbound.sender) if inbound.channel in PHONE_CHANNELS else []
    possible = tuple(found or [inbound.sender])
    rows = await connection.fetch(sql("find_by_addresses"), inbound.channel, possible)
    people = tuple(dict.fromkeys(row["volunteer_id"] for row in rows))
    address = inbound.sender if len(people) > 1 else rows[0]["address"] if rows else possible[0]
    return Sender(inbound.channel, address, possible, people)
