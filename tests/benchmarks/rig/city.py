"""A city of volunteers, written directly into the tables, and reports from all over it."""

import random
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import cos, radians
from uuid import UUID

import asyncpg

from dispatch.clock import Clock
from dispatch.domain.matching.geo import EARTH_M, MERCATOR_M
from dispatch.services.access import keys, organisations
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.pool import open_pool
from schemas.base import Position
from schemas.reports import ReportBody
from tests.benchmarks.rig.site import Site
from tests.domain.builders import CALLED, PLACE

SOURCE = "control-room"
PER_KM2 = 120
"""Volunteers per square kilometre: with seven offers a report, even a storm finds free volunteers nearby."""

VOLUNTEERS = """
    INSERT INTO volunteers (id, created_at)
    SELECT lpad(n::text, 32, '0')::uuid, $2 FROM generate_series(1, $1::int) AS n
"""
PHONES = """
    INSERT INTO addresses
    SELECT id, 'sms', '+3361' || lpad((row_number() OVER ())::text, 7, '0') FROM volunteers
"""
MEMBERS = """
    INSERT INTO memberships (organisation, volunteer_id, name, birth_date, availability, language, consent, joined_at)
    SELECT $1, id, 'Ada', '1990-01-31', 'available', 'fr', '{sms}', $2 FROM volunteers
"""
SKILLS = "INSERT INTO skills SELECT $1, id, 'first_aid' FROM volunteers"
HOMES = """
    INSERT INTO member_positions
    SELECT $7, id, 'home', point(radians(lon) * $1, ln(tan(pi() / 4 + radians(lat) / 2)) * $1), lat, lon, $2
    FROM (SELECT id, $3 + random() * $4 AS lat, $5 + random() * $6 AS lon FROM volunteers ORDER BY id) AS home
"""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle around the place, in degrees, sized for a number of people."""

    south: float
    west: float
    height: float
    width: float

    @classmethod
    def of(cls, people: int) -> "Box":
        """Return the square in which so many people live."""
        side_m = 1000 * (people / PER_KM2) ** 0.5
        height = side_m / radians(1) / EARTH_M
        width = height / cos(radians(PLACE.lat))
        return cls(PLACE.lat - height / 2, PLACE.lon - width / 2, height, width)

    def somewhere(self, chance: random.Random) -> Position:
        """Return a random position inside, away from the edge."""
        lat = self.south + self.height * chance.uniform(0.03, 0.97)
        return Position(lat=lat, lon=self.west + self.width * chance.uniform(0.03, 0.97))


@dataclass(frozen=True, slots=True)
class City:
    """A database with an organisation, its volunteers, and a reporting key."""

    dsn: str
    organisation: UUID
    key: str
    people: int

    @property
    def box(self) -> Box:
        """Return the positions of the homes."""
        return Box.of(self.people)

    @classmethod
    async def build(cls, site: Site, people: int) -> "City":
        """Create a database with so many volunteers, all of whom may be asked."""
        site.say(f"settling {people:,} volunteers")
        dsn, box = await site.database(), Box.of(people)
        pool = await open_pool(dsn, application="benchmark", size=2)
        uow = UnitOfWork(pool, Clock())
        organisation = await organisations.create(uow, "SDIS 75")
        key = await keys.create(uow, organisation=organisation, scopes=["reports:write"], holder=SOURCE)
        await _settle(pool, organisation, people, box, uow.clock.now())
        pool.terminate()
        return cls(dsn, organisation, key, people)


def report(box: Box, number: int, now: datetime, chance: random.Random) -> ReportBody:
    """Return a report from a random position, for which volunteers may be asked at once."""
    return ReportBody(
        id=f"call {number}", kind="medical.cardiac_arrest", severity="life_threatening",
        position=box.somewhere(chance), occurred_at=now, professional=CALLED,
    )  # fmt: skip


async def _settle(pool: asyncpg.Pool, organisation: UUID, people: int, box: Box, now: datetime) -> None:
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        run = partial(connection.execute, timeout=600)
        await run(VOLUNTEERS, people, now)
        await run(PHONES)
        await run(MEMBERS, organisation, now)
        await run(SKILLS, organisation)
        await run(HOMES, MERCATOR_M, now, box.south, box.height, box.west, box.width, organisation)
        # Empty tables are left out: statistics of an empty table mislead the planner.
        await run("VACUUM ANALYZE volunteers, addresses, memberships, skills, member_positions, candidates")
