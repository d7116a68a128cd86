"""Random people, offers and assignments, written straight into the tables that the candidate rows repeat."""

import random
from datetime import date, timedelta
from uuid import UUID, uuid4

import asyncpg

from dispatch.domain.matching.geo import mercator
from schemas.ids import named
from tests.conftest import START
from tests.domain.builders import PLACE
from tests.support.world import near

ORGANISATIONS = [named("organisation"), named("organisation", "other")]
ASKING = named("incident", "asking")
EARLIER = [START - timedelta(minutes=minutes) for minutes in (90, 59, 30, 9, 1)]
MOMENTS = [*EARLIER, START + timedelta(minutes=5), None]
UNCONSTRAIN = """
    ALTER TABLE offers DROP CONSTRAINT IF EXISTS offers_incident_id_fkey;
    ALTER TABLE assignments DROP CONSTRAINT IF EXISTS assignments_incident_id_fkey;
"""
ENROL = "INSERT INTO memberships VALUES ($2, $1, $3, 'fr', $4, $5) ON CONFLICT DO NOTHING"
NAME = "UPDATE memberships SET name = 'Ada', birth_date = $3 WHERE volunteer_id = $1 AND organisation = $2"
TRAIN = """
    INSERT INTO skills SELECT organisation, $1, $2, $3 FROM memberships WHERE volunteer_id = $1
    ON CONFLICT (volunteer_id, organisation, skill) DO UPDATE SET expires_at = $3
"""
MOVE = """
    INSERT INTO member_positions SELECT organisation, $1, $2, point($3, $4), 0, 0, $5 FROM memberships
    WHERE volunteer_id = $1 AND organisation = ANY ($6)
    ON CONFLICT (volunteer_id, organisation, kind) DO UPDATE SET at = excluded.at, recorded_at = excluded.recorded_at
"""
OFFER = """
    INSERT INTO offers
        (id, incident_id, volunteer_id, lane, role, status, extended_at, expires_at, distance_m, round_id)
    VALUES ($1, $2, $3, $4, 'helper', 'extended', $5, $5, 1, $1) ON CONFLICT DO NOTHING
"""
ASSIGN = """
    INSERT INTO assignments (id, incident_id, offer_id, volunteer_id, lane, seat, status, assigned_at)
    VALUES ($1, $1, $1, $2, $3, 1, 'assigned', $4) ON CONFLICT DO NOTHING
"""
BY_TIME = (
    "UPDATE offers SET status = 'expired' WHERE status = 'extended' AND volunteer_id = ANY ($1)",
    "UPDATE offers SET status = 'accepted', late = 'seated' WHERE status = 'expired' AND volunteer_id = ANY ($1)",
    "UPDATE assignments SET status = 'on_scene' WHERE status = 'assigned' AND volunteer_id = ANY ($1)",
    "DELETE FROM assignments WHERE volunteer_id = ANY ($1)",
    "DELETE FROM member_positions WHERE kind = 'live' AND volunteer_id = ANY ($1)",
    "DELETE FROM member_positions WHERE kind = 'home' AND volunteer_id = ANY ($1)",
    "DELETE FROM skills WHERE skill = 'driver' AND volunteer_id = ANY ($1)",
    "UPDATE memberships SET birth_date = NULL WHERE volunteer_id = ANY ($1)",
    "DELETE FROM memberships WHERE volunteer_id = ANY ($1)",
    "UPDATE memberships SET stopped_at = NULL WHERE volunteer_id = ANY ($1)",
)
RELEASE = (
    "UPDATE assignments SET status = 'released', released_at = $2, reason = 'done' WHERE volunteer_id = ANY ($1)",
    "UPDATE assignments SET status = 'released', released_at = $2, reason = 'dropped' WHERE volunteer_id = ANY ($1)",
)
AT_A_MOMENT = (
    *RELEASE,
    "UPDATE memberships SET stopped_at = $2 WHERE volunteer_id = ANY ($1) AND organisation > $1[1]",
    "UPDATE memberships SET left_at = $2 WHERE volunteer_id = ANY ($1)",
    "UPDATE skills SET expires_at = $2 WHERE volunteer_id = ANY ($1)",
)


class Town:
    """A population that changes at random."""

    def __init__(self, pool: asyncpg.Pool, seed: int) -> None:
        """Start empty."""
        self.pool, self.dice = pool, random.Random(seed)
        self.people: list[UUID] = []

    async def settle(self, count: int) -> None:
        """Enrol people, some in two organisations, and change them often."""
        await self.pool.execute(UNCONSTRAIN)
        for one in ORGANISATIONS:
            await self.pool.execute(
                "INSERT INTO organisations (id, name, created_at) VALUES ($1, $2, $3)", one, str(one), START
            )
        self.people = [named("volunteer", number) for number in range(count)]
        for who in self.people:
            await self.pool.execute("INSERT INTO volunteers VALUES ($1, NULL, $2)", who, START)
            await self.enrol(who)
            usual = [self.train, self.train, self.move, self.assign, *[self.offer] * 4]
            for change in self.dice.choices(usual, k=self.dice.randint(2, 20)):
                await change(who)
        for _ in range(count):
            await self.change()

    async def change(self) -> None:
        """Change one person in one way, or a few people with one statement."""
        who, few = self.dice.choice(self.people), self.dice.sample(self.people, 3)
        one = self.dice.choice([self.enrol, self.train, self.move, self.offer, self.offer, self.assign])
        if self.dice.random() < 0.7:
            await one(who)
        elif self.dice.random() < 0.6:
            await self.pool.execute(self.dice.choice(BY_TIME), few)
        else:
            await self.pool.execute(self.dice.choice(AT_A_MOMENT), few, self.dice.choice(EARLIER))

    async def enrol(self, who: UUID) -> None:
        """Put somebody on one or two rosters."""
        for one in self.dice.choice([ORGANISATIONS, ORGANISATIONS[:1], ORGANISATIONS[:1]]):
            consent = self.dice.choice([[], ["drills"], ["sms"], ["sms", "drills"]])
            availability = self.dice.choice(["on_call", "available", "at_work", "unavailable"])
            await self.pool.execute(ENROL, who, one, availability, consent, START)
            born = date(self.dice.choice([1990, 2000, 2008]), 11, self.dice.choice([21, 22, 23]))
            await self.pool.execute(NAME, who, one, born)

    async def train(self, who: UUID) -> None:
        """Give somebody a skill, which may have expired."""
        skill = self.dice.choice(["driver", "first_aid", "other"])
        await self.pool.execute(TRAIN, who, skill, self.dice.choice(MOMENTS))

    async def move(self, who: UUID, kind: str | None = None) -> None:
        """Change where somebody lives, works or is, as one or two organisations know it."""
        place = near(PLACE, self.dice.uniform(-900, 900), self.dice.uniform(-900, 900))
        kind, at = kind or self.dice.choice(["home", "work", "live"]), self.dice.choice(EARLIER)
        known = self.dice.choice([ORGANISATIONS, ORGANISATIONS[:1], ORGANISATIONS[1:]])
        await self.pool.execute(MOVE, who, kind, *mercator(place.lat, place.lon), at, known)

    async def offer(self, who: UUID) -> None:
        """Extend an offer to somebody who has none in the lane."""
        about = self.dice.choice([ASKING, uuid4(), uuid4()])
        lane = self.dice.choice(["urgent", "urgent", "planned", "drill"])
        await self.pool.execute(OFFER, uuid4(), about, who, lane, self.dice.choice(EARLIER[1:]))
        if self.dice.random() < 0.8:
            await self.pool.execute(BY_TIME[0], [who])

    async def assign(self, who: UUID) -> None:
        """Assign somebody who is free in the lane; most have done their task some time ago."""
        await self.pool.execute(ASSIGN, uuid4(), who, self.dice.choice(["urgent", "planned", "drill"]), START)
        if self.dice.random() < 0.7:
            await self.pool.execute(self.dice.choice(RELEASE), [who], self.dice.choice(EARLIER))
