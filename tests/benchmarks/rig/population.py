"""A realistic population in a square: some lack the skill, some rest, are engaged, at work or absent."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import md5
from math import cos, radians
from uuid import UUID

import asyncpg

from dispatch.domain.matching.geo import EARTH_M, mercator, mercator_scale
from schemas.base import Position
from schemas.ids import named
from tests.domain.builders import PLACE

PER_KM2 = 12.5
"""As in a country town: 350 people within 3 km."""
ORGANISATION = named("organisation", "Bas-Rhin")
LOAD_S = 900

PEOPLE = """
    CREATE TEMP TABLE person AS
    SELECT md5('volunteer ' || n)::uuid AS id, $2 + (random() - 0.5) * $4 AS x, $3 + (random() - 0.5) * $4 AS y,
           random() AS state, random() AS place, random() AS past, n
    FROM generate_series(1, $1::int) AS n
"""
ORGANISE = "INSERT INTO organisations (id, name, created_at) VALUES ($1, 'Bas-Rhin', $2)"
VOLUNTEERS = "INSERT INTO volunteers SELECT id, NULL, $1 FROM person"
MEMBERS = """
    INSERT INTO memberships
    SELECT $1, id, CASE WHEN state < 0.16 THEN 'unavailable' WHEN place < 0.2 THEN 'at_work' ELSE 'available' END,
           'fr', '{sms}', $2, NULL, 'Ada', CASE WHEN past < 0.02 THEN '2012-01-31'::date ELSE '1990-01-31' END,
           CASE WHEN state < 0.01 THEN $2::timestamptz END
    FROM person
"""
SKILLS = "INSERT INTO skills SELECT $1, id, 'first_aid' FROM person WHERE n % 10 < 7"
OTHER_SKILLS = "INSERT INTO skills SELECT $1, id, 'firefighter' FROM person WHERE n % 10 > 4"
HOMES = "INSERT INTO member_positions SELECT $1, id, 'home', point(x, y), 48.85, 2.35, $2 FROM person"
ELSEWHERE = """
    INSERT INTO member_positions
    SELECT $1, id, $3, point(x + (random() - 0.5) * 6000, y + (random() - 0.5) * 6000), 48.85, 2.35, $2
    FROM person WHERE place BETWEEN $4 AND $5
"""
OFFERED = """
    INSERT INTO offers
    SELECT md5('offer ' || n)::uuid, md5('incident ' || n / 7)::uuid, id, 'urgent', 'helper',
           CASE WHEN state BETWEEN 0.2 AND 0.25 THEN 'extended' ELSE 'declined' END, NULL, $1, $1, NULL, 1, id
    FROM person WHERE past > 0.4 OR state BETWEEN 0.2 AND 0.25
"""
ENGAGED = """
    INSERT INTO assignments
    SELECT md5('engaged ' || n)::uuid, md5('incident ' || n / 7)::uuid, md5('engagement ' || n)::uuid, id, 'urgent',
           n % 7, 'on_scene', $1
    FROM person WHERE state BETWEEN 0.25 AND 0.3
"""
RELEASED = """
    INSERT INTO assignments
    SELECT md5('assigned ' || n)::uuid, md5('incident ' || n / 7)::uuid, md5('before ' || n)::uuid, id, 'urgent',
           n % 7, 'released', $1, $1, $1, $1::timestamptz - past * interval '2 days', 'done'
    FROM person WHERE past > 0.5
"""
CANDIDATES = "INSERT INTO candidates SELECT * FROM candidate_facts"
NEAR = """
    CREATE INDEX candidates_near ON candidates USING gist (at);
    CREATE INDEX member_positions_live ON member_positions USING gist (at) WHERE kind = 'live'
"""


@dataclass(frozen=True, slots=True)
class Square:
    """The square around a place in which so many people live, in metres."""

    people: int
    side_m: float

    @classmethod
    def of(cls, people: int) -> "Square":
        """Return the square for the usual density."""
        return cls(people, 1000 * (people / PER_KM2) ** 0.5)

    def at(self, north: float, east: float) -> Position:
        """Return a position inside, from fractions of its width and height."""
        degrees = self.side_m / radians(1) / EARTH_M
        return Position(
            lat=PLACE.lat + (north - 0.5) * degrees,
            lon=PLACE.lon + (east - 0.5) * degrees / cos(radians(PLACE.lat)),
        )


def volunteer(person: int) -> UUID:
    """Return the id of the volunteer with this number, starting at 1."""
    return UUID(md5(f"volunteer {person}".encode()).hexdigest())


async def settle(connection: asyncpg.Connection, square: Square, now: datetime) -> UUID:
    """Insert the population into an empty database; the caller runs ANALYZE.

    Needs a superuser, who may leave foreign keys unchecked.
    """
    await connection.execute("SET session_replication_role = replica; SET statement_timeout = 0")
    await connection.execute(
        "SET maintenance_work_mem = '512MB'; DROP INDEX candidates_near, member_positions_live; SELECT setseed(0.5)"
    )
    run = partial(connection.execute, timeout=LOAD_S)
    side = square.side_m * mercator_scale(PLACE.lat)
    await run(PEOPLE, square.people, *mercator(PLACE.lat, PLACE.lon), side)
    await run(ORGANISE, ORGANISATION, now)
    await run(MEMBERS, ORGANISATION, now)
    for statement in (SKILLS, OTHER_SKILLS):
        await run(statement, ORGANISATION)
    for statement in (VOLUNTEERS, OFFERED, ENGAGED, RELEASED):
        await run(statement, now)
    await run(HOMES, ORGANISATION, now)
    await run(ELSEWHERE, ORGANISATION, now, "work", 0.1, 0.3)
    await run(ELSEWHERE, ORGANISATION, now, "live", 0.4, 0.55)
    # Loaded without triggers, and therefore filled as a migration fills it.
    await run(CANDIDATES)
    await run(NEAR)
    await run("DROP TABLE person")
    await connection.execute("RESET session_replication_role; RESET statement_timeout")
    return ORGANISATION
