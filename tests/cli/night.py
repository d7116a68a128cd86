"""A prepared night: incidents in every state that a supervisor has to tell apart at a glance."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from dispatch.clock import MovableClock
from dispatch.domain.commands import Acknowledge, Act
from dispatch.services.access import organisations
from dispatch.services.access.organisations import DutyContact
from dispatch.services.console.overview import Overview, overview
from dispatch.services.incidents import execution
from dispatch.services.replies import receiving
from tests.domain.builders import PLACE, plan
from tests.support.world import World, near

AREA = (48.6, 2.1, 49.1, 2.6)
"""Its middle is the place of the tests."""
NAMES = (
    "Alice",
    "Bruno",
    "Chloé",
    "David",
    "Emma",
    "Farid",
    "Gaëlle",
    "Hugo",
    "Inès",
    "Jules",
    "Karim",
    "Léa",
)
APART_M = 5_000
ARREST = plan(
    name="arrest", title={"fr": "Arrêt cardiaque", "en": "Cardiac arrest"}, kinds=("medical.arrest",),
    trusted_sources=("control-room",),
)  # fmt: skip
FALL = plan(name="fall", title={"fr": "Chute", "en": "Fall"}, trusted_sources=("control-room",))


@dataclass
class Night:
    """The world of the night, and its incidents by what they show."""

    world: World
    incidents: dict[str, UUID]

    def code(self, name: str) -> str:
        """Return the short id of an incident."""
        return str(self.incidents[name])[:8]

    async def seen(self, most: int = 50) -> Overview:
        """Return the overview."""
        return await overview(self.world.uow, self.world.organisation, most=most)


async def prepare(pool: asyncpg.Pool, clock: MovableClock) -> Night:
    """Prepare the night at half a minute past nine in the evening in Paris."""
    world = await World(pool, clock, (ARREST, FALL)).create(AREA)
    contacts = [DutyContact("Anne Weber", "+33639980001")]
    await organisations.set_duty(world.uow, world.organisation, contacts)
    night = Night(world, {})
    for number, name in enumerate(("partly", "all coming", "held", "asking")):
        await _call(night, name, number)
    await _answer(night, "partly", 1, minutes=7)
    await _answer(night, "all coming", 2, minutes=4)
    await _answer(night, "held", 1, minutes=None)
    await _act(night, "held", Act("hold", "Anne Weber", "weapon_reported"))
    night.incidents["shortfall"] = await _open(night, "shortfall", near(PLACE, -9_000, -9_000))
    night.incidents["unconfirmed"] = await _open(
        night, "unconfirmed", near(PLACE, 0, 3_000), source="stranger"
    )
    night.incidents["draft"] = await _open(night, "draft", PLACE, mode="draft")
    night.incidents["drill"] = await _open(night, "drill", PLACE, mode="exercise")
    await world.advance(15)
    return night


async def _call(night: Night, name: str, number: int) -> None:
    """Report an arrest north of the middle, where three people live."""
    place = near(PLACE, (number + 1) * APART_M / 2)
    people = await night.world.add_people(3, around=place)
    names = NAMES[3 * number : 3 * number + 3]
    await night.world.pool.executemany(
        "UPDATE people SET name = $2 WHERE volunteer_id = $1", list(zip(people, names, strict=True))
    )
    night.incidents[name] = await _open(
        night, name, place, kind="medical.arrest", severity="life_threatening"
    )


async def _open(night: Night, name: str, place: object, **changes: object) -> UUID:
    opened = await night.world.ask(name, position=place, **changes)
    await night.world.consume_all()
    return opened


async def _answer(night: Night, name: str, count: int, minutes: int | None) -> None:
    """Let the nearest who were asked say that they come."""
    world, incident = night.world, await night.world.read(night.incidents[name])
    for offer in sorted(incident.live.values(), key=lambda one: one.distance_m)[:count]:
        await receiving.receive(
            world.uow, offer_id=offer.id, answer="accepted", channel="page", received_at=world.now,
            organisation=world.organisation, minutes=minutes,
        )  # fmt: skip
    await world.consume_all()


async def _act(night: Night, name: str, command: Act | Acknowledge) -> None:
    await execution.execute_command(night.world.uow, night.world.organisation, night.incidents[name], command)
    await night.world.consume_all()
