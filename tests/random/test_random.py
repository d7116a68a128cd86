"""Whatever is reported, answered, commanded, delayed, repeated or lost: the rules that never bend."""

import os

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.random.commands import Command, Deliver, Race, Reply, Report, Send, Text, Wait, scripts
from tests.random.execution import execute
from tests.random.final_checks import check_end
from tests.random.scenes import SCENES
from tests.random.town import Town

RUNS = int(os.environ.get("DISPATCH_RANDOM_RUNS", "50"))
"""Runs of each scene."""
PATIENCE_S = 12
"""For one run on a machine that has much else to do; alone it takes less than one second."""


async def play(pool: asyncpg.Pool, *script: Command) -> Town:
    """Play a script to its end in an organisation of its own."""
    town = await Town.found(pool)
    for command in script:
        await execute(town, command)
    await check_end(town)
    return town


@pytest.mark.timeout(RUNS * PATIENCE_S)
@pytest.mark.parametrize("scene", SCENES)
@given(data=st.data())
@settings(
    max_examples=RUNS, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
async def test_whatever_happens_the_rules_hold(runs: asyncpg.Pool, scene: str, data: st.DataObject) -> None:
    near = SCENES[scene]
    script = data.draw(scripts(near.kinds, near.modes), label="script")
    await play(runs, *script)


async def test_a_script_is_played_as_it_was_printed(runs: asyncpg.Pool) -> None:
    town = await play(
        runs,
        Report(),
        Report("rescue.lift"),
        Deliver(),
        Send(),
        Reply(),
        Reply(1),
        Deliver("replies", most=1, fate="fails"),
        Deliver("replies", fate="forgotten"),
        Deliver(),
        Reply(0, "on_scene", of="taken"),
        Reply(1, "on_scene", of="taken"),
        Deliver(),
        Wait(31),
        Deliver(),
    )
    pair, _ = town.model.incidents.values()
    assert pair.covered
    assert [seat.holder is not None for seat in pair.seats.values()] == [True, True]
    assert any(town.phones.phone(person.phone).inbox for person in town.model.people.values())


async def test_of_two_processes_that_found_the_same_people_one_asks_them(runs: asyncpg.Pool) -> None:
    town = await Town.found(runs)
    for command in (Report(), Report(), Race()):
        await execute(town, command)
    first, second = town.model.incidents.values()
    assert sorted([len(first.offers), len(second.offers)]) == [0, 4]
    await execute(town, Wait(1))
    assert sorted([len(first.offers), len(second.offers)]) == [1, 4]


async def test_a_volunteer_seated_elsewhere_is_thanked_for_a_late_yes_even_after_withdrawing(
    runs: asyncpg.Pool,
) -> None:
    town = await Town.found(runs)
    asked: list[Command] = [Report("fire.house"), Report("fire.house"), Deliver(), Send(), Wait(57)]
    late_yes = Text(words="OUI", code=False)
    answered: list[Command] = [Reply(), Wait(3), late_yes, Wait(1), Reply(answer="declined")]
    for command in [*asked, *answered, Deliver()]:
        await execute(town, command)
    (late,) = [offer for offer in town.model.offers.values() if offer.late is not None]
    assert late.late == "thanked"
    assert town.model.incidents[late.incident].free(late.role)
