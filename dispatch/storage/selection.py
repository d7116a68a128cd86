"""The search around incidents and the claim of those who were chosen."""

from calendar import isleap
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg

from dispatch.domain.asking import skills_of
from dispatch.domain.geo import mercator, stretch
from dispatch.domain.incident import Incident
from dispatch.domain.selection import OVERFETCH, Choice, Found, Gate
from dispatch.storage.queries import sql

Wanted = Mapping[UUID, Mapping[str, int]]


async def search(
    connection: asyncpg.Connection, incidents: Iterable[Incident], wanted: Wanted, now: datetime
) -> dict[UUID, dict[str, list[Found]]]:
    """Find the volunteers around, per incident and role, nearest first, with the gates that shut each out."""
    asked = [(i, role, n) for i in incidents for role, n in sorted(wanted[i.id].items()) if n > 0]
    if not asked:
        return {}
    questions = [_question(n, *one, now) for n, one in enumerate(asked)]
    rows = await connection.fetch(sql("search_volunteers"), *map(list, zip(*questions, strict=True)), now)
    found: dict[UUID, dict[str, list[Found]]] = defaultdict(lambda: defaultdict(list))
    for n, volunteer_id, metres, gates in rows:
        incident, role, _ = asked[n]
        found[incident.id][role].append(Found(volunteer_id, metres, gates))
    return found


def _question(n: int, incident: Incident, role: str, wanted: int, now: datetime) -> tuple[object, ...]:
    """Lay out one role as `search_volunteers` takes it; radii grow by 1 / cos(lat) in its frame."""
    policy, place = incident.plan.search, incident.position
    if place is None:
        msg = "an incident without a position is never searched around"
        raise ValueError(msg)
    x, y = mercator(place.lat, place.lon)
    factor = stretch(place.lat)
    return (
        n, incident.id, incident.organisation, incident.lane, x, y, incident.radius_m * factor, factor,
        skills_of(incident, [role])[role], _years_before(now, policy.min_age),
        now - timedelta(seconds=policy.rest_s), now - timedelta(seconds=policy.position_max_age_s),
        ",".join(policy.availability), incident.mode != "actual", wanted * OVERFETCH + 10,
    )  # fmt: skip


def _years_before(now: datetime, years: int) -> date:
    """Give the last birth date of who is that old today; 29 February is 28 where the year has none."""
    year = now.year - years
    day = 28 if (now.month, now.day) == (2, 29) and not isleap(year) else now.day
    return date(year, now.month, day)


async def claim(
    connection: asyncpg.Connection, choices: Mapping[UUID, Choice], lanes: Mapping[UUID, str]
) -> None:
    """Lock the chosen by id, never waiting; drop those whom another transaction holds or has just asked."""
    chosen = [(p.volunteer_id, lanes[i]) for i, choice in choices.items() for p in choice.picks]
    if not chosen:
        return
    people = sorted({who for who, _ in chosen})
    held = {row["id"] for row in await connection.fetch(sql("claim_volunteers"), people)}
    pairs = sorted(set(chosen))
    # A statement of its own: only a snapshot taken after the locks sees what was committed before them.
    rows = await connection.fetch(sql("still_free"), *map(list, zip(*pairs, strict=True)))
    free = {(row["volunteer_id"], row["lane"]) for row in rows}
    for incident_id, choice in choices.items():
        for pick in list(choice.picks):
            if pick.volunteer_id not in held:
                choice.drop(pick.volunteer_id, Gate.HELD)
            elif (pick.volunteer_id, lanes[incident_id]) not in free:
                choice.drop(pick.volunteer_id, Gate.OFFER)
