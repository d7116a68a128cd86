"""The command that shows an incident with its volunteers."""

import re

from tests.cli.invocations import Dispatch
from tests.support.world import World


async def test_an_incident_shows_who_was_asked_and_why_others_were_not(
    dispatch: Dispatch, world: World
) -> None:
    incident = await world.ask()
    who = (await world.asked(incident))[0]
    await world.answer(incident, who, "accepted")
    shown = await dispatch("incident", "show", incident)
    assert shown.code == 0
    for expected in (
        "incident.opened",
        "offer.extended",
        "assignment.assigned",
        "picked",
        "not picked",
        "skill",
    ):
        assert expected in shown.out
    told = (await dispatch("incident", "show", incident, "--json")).json()
    assert told["incident"]["id"] == str(incident)
    assert "search.round" in {moment["what"] for moment in told["timeline"]["moments"]}


async def test_a_crowd_is_named_up_to_a_hundred_and_counted_beyond(dispatch: Dispatch, world: World) -> None:
    await world.add_people(150, skills=(), first_m=10, step_m=1)
    await world.add_people(9, first_m=500)
    await world.add_people(170, skills=(), first_m=600, step_m=1)
    incident = await world.ask()
    shown = await dispatch("incident", "show", incident)
    assert re.search(r"\d+ more .*skill: \d+", shown.out)
    assert re.search(r"\d+ people .*skill: \d+", shown.out)
    moments = (await dispatch("incident", "show", incident, "--json")).json()["timeline"]["moments"]
    (found,) = [moment["detail"] for moment in moments if moment["what"] == "search.round"]
    assert len(found["passed_over"]) >= 150
    assert found["beyond"]["complete"] is True


async def test_an_incident_that_is_not_there_is_a_failure(dispatch: Dispatch, world: World) -> None:
    done = await dispatch("incident", "show", world.organisation)
    assert (done.code, "no such incident" in done.err) == (1, True)
