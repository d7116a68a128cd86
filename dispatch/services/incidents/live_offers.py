"""What only the database knows about live offers, added to the commands that may end them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from dispatch.domain.answering import waiting_list
from dispatch.domain.commands import Command, Tick, Unreached
from dispatch.domain.incident import Incident, Offer
from dispatch.storage import outages, write_generation
from dispatch.storage.coming import Coming, engaged
from dispatch.storage.outages import EVERY, SENDER_SEEN, Outage
from dispatch.storage.queries import sql
from schemas.offers import Missed

REPLY_GRACE = timedelta(seconds=5)
"""How long expiry waits for answers that were received and not processed yet."""
MISSED_SINCE = 2
"""The generation from which an offer that reached nobody is recorded as such; older readers see it expire."""

Commands = Iterable[tuple[UUID, Command]]


async def complete(
    connection: asyncpg.Connection, commands: Commands, locked: Mapping[UUID, Incident], now: datetime
) -> list[tuple[UUID, Command]]:
    """Return the commands, those that may end offers or doubts with what is known about answers and messages.

    Every command passes here, so that no tick expires an offer that was answered in time.
    """
    found = list(commands)
    ticked = [locked[name] for name, command in found if isinstance(command, Tick) and name in locked]
    due = [(incident, offer) for incident in ticked for offer in _due(incident, now)]
    ending = {offer.id for _, offer in due}
    ending |= {assignment.offer_id for incident in ticked for assignment in incident.doubted()}
    ending |= {command.offer_id for _, command in found if isinstance(command, Unreached)}
    waited_for = [incident for incident in ticked if waiting_list.due_at(incident) is not None]
    if not ending and not waited_for:
        return found
    seating = _without_shared_people(await _unpaused(connection, waited_for, now))
    answered = await _being_answered(connection, ending, now)
    unanswered = [one for one in due if one[1].id not in answered]
    waiting = [
        Coming.to(incident, offer.volunteer_id) for incident in seating for offer in incident.waiting_list()
    ]
    tick = Tick(answered, await _missed(connection, unanswered, now), await engaged(connection, waiting))
    seats = {incident.id for incident in seating}
    return [(name, _completed(command, replace(tick, seats=name in seats))) for name, command in found]


async def _unpaused(
    connection: asyncpg.Connection, incidents: Sequence[Incident], now: datetime
) -> list[Incident]:
    """Return the incidents without those of organisations that have paused new offers: their waiting lists rest."""
    if not incidents:
        return []
    found = await outages.obstacles(connection, {i.organisation for i in incidents}, now)
    paused = {organisation for organisation, obstacle in found.items() if obstacle.paused}
    return [incident for incident in incidents if incident.organisation not in paused]


def _without_shared_people(seating: Iterable[Incident]) -> list[Incident]:
    """Return the incidents, without those for which somebody waits who also waits for an earlier one."""
    found: list[Incident] = []
    taken: set[UUID] = set()
    for incident in seating:
        people = {offer.volunteer_id for offer in incident.waiting.values()}
        if taken.isdisjoint(people):
            found.append(incident)
            taken |= people
    return found


def _completed(command: Command, tick: Tick) -> Command:
    if isinstance(command, Unreached):
        return replace(command, being_answered=command.offer_id in tick.being_answered)
    return tick if isinstance(command, Tick) else command


def _due(incident: Incident, now: datetime) -> list[Offer]:
    return incident.due_offers(max(now, incident.last_at))


async def _being_answered(
    connection: asyncpg.Connection, offers: Collection[UUID], now: datetime
) -> frozenset[UUID]:
    rows = await connection.fetch(sql("offers_being_answered"), sorted(offers), now - REPLY_GRACE)
    return frozenset(row["offer_id"] for row in rows)


async def _missed(
    connection: asyncpg.Connection, due: Iterable[tuple[Incident, Offer]], now: datetime
) -> dict[UUID, Missed]:
    """Return the offers that reached nobody; where no sender even tried, record that nothing is sent at all."""
    by_id = {offer.id: (incident, offer) for incident, offer in due}
    if not by_id or write_generation.current < MISSED_SINCE:
        return {}
    rows = await connection.fetch(sql("missed_offers"), sorted(by_id), now - SENDER_SEEN)
    untried = [_untried(*by_id[row["id"]], row["sending_since"]) for row in rows if row["untried"]]
    await outages.record(connection, untried)
    return {row["id"]: "unreached" if row["failed"] else "unsent" for row in rows}


def _untried(incident: Incident, offer: Offer, sending_since: datetime | None) -> Outage:
    """Return the outage that an untried offer shows: only the time in which a sender ran counts."""
    since = max(offer.extended_at, sending_since or offer.extended_at)
    return Outage(incident.organisation, EVERY, since, "offers were passed to no gateway")
