"""The command that shows an incident with its volunteers."""

import re
from typing import get_args

import asyncpg

from dispatch.cli.account.words import EVENTS, GATES, REASONS
from dispatch.clock import MovableClock
from dispatch.domain.commands import Act
from dispatch.domain.matching.selection import SENSITIVE, Gate
from dispatch.services.incidents import execution
from schemas.offers import ReleasedReason, WithdrawnReason
from schemas.topics import MODELS
from tests.cli.invocations import Dispatch
from tests.services.matching.test_lists import asking, world_of
from tests.support.world import World

RAW = re.compile(r"[a-z]+_[a-z]+|[0-9a-f]{8}-[0-9a-f]{4}|\d{4}-\d\d-\d\dT|\.\d{6}|[{}]|=|None|True|False")
"""What a reader should not meet: names of code, whole ids, times and values as they are stored."""


async def test_an_incident_shows_who_was_asked_and_why_others_were_not(
    dispatch: Dispatch, world: World
) -> None:
    incident = await world.ask()
    who = (await world.asked(incident))[0]
    await world.answer(incident, who, "accepted")
    shown = await dispatch("incident", "show", str(incident)[:8])
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0].startswith(f"- {str(incident)[:8]} Test · urgent")
    for expected in (
        "LACKS 1 helper (of 2) · coming: Ada accepted · 2 asked",
        "  seat      helper: Ada, accepted",
        "  seat      helper: EMPTY",
        "21:00:00 opened under the plan test",
        "21:00:00 search for 4 within 1 km",
        "    picked Ada 100 m, helper",
        "    not picked, lacks the skill: Ada 150 m",
        "21:00:00 Ada is asked: helper, 100 m away, answer by 21:01:00",
        "21:00:00 Ada says yes",
        "21:00:00 Ada has a seat: helper",
    ):
        assert any(expected in line for line in lines), (expected, shown.out)
    told = (await dispatch("incident", "show", incident, "--json")).json()
    assert told["incident"]["id"] == str(incident)
    assert "search.round" in {moment["what"] for moment in told["timeline"]["moments"]}


async def test_an_account_holds_no_raw_values_in_either_language(dispatch: Dispatch, world: World) -> None:
    incident = await world.ask(description="Elle est tombée\x1b[2J")
    first, second, _ = await world.asked(incident)
    await world.answer(incident, first, "accepted", "en_route", "on_scene")
    await world.answer(incident, second, "declined")
    await world.advance(240)
    for act in ("hold", "resume", "takeover", "close"):
        await execution.execute_command(
            world.uow,
            world.organisation,
            incident,
            Act(act, "Anne", "false_alarm"),
        )
    for language, expected in (("en", "Anne closed it (false alarm)"), ("fr", "Anne clôt (false alarm)")):
        shown = await dispatch("incident", "show", incident, "--language", language)
        assert expected in shown.out
        assert r"Elle est tombée\x1b[2J" in shown.out
        rest = [line for line in shown.out.splitlines() if not line.startswith("  id ")]
        assert [line for line in rest if RAW.search(line)] == []


def test_every_event_of_an_incident_is_told_in_both_languages() -> None:
    told = ("incident.", "offer.", "assignment.", "escalation.")
    assert {name.rpartition(".v")[0] for name in MODELS if name.startswith(told)} <= EVENTS.keys()
    assert {gate.name.lower() for gate in Gate if gate.name and not gate & SENSITIVE} <= GATES.keys()
    assert set(get_args(WithdrawnReason)) | set(get_args(ReleasedReason)) <= REASONS.keys()


async def test_a_crowd_is_named_up_to_a_hundred_and_counted_beyond(dispatch: Dispatch, world: World) -> None:
    await world.add_people(150, skills=(), first_m=10, step_m=1)
    await world.add_people(9, first_m=500)
    await world.add_people(170, skills=(), first_m=600, step_m=1)
    incident = await world.ask()
    shown = await dispatch("incident", "show", incident)
    assert re.search(r"and \d+ more: .*lacks the skill: \d+", shown.out)
    assert re.search(r"farther, \d+ people: lacks the skill: \d+", shown.out)
    moments = (await dispatch("incident", "show", incident, "--json")).json()["timeline"]["moments"]
    (found,) = [moment["detail"] for moment in moments if moment["what"] == "search.round"]
    assert len(found["passed_over"]) >= 150
    assert found["beyond"]["complete"] is True


async def test_an_incident_that_is_not_there_is_a_failure(dispatch: Dispatch, world: World) -> None:
    done = await dispatch("incident", "show", world.organisation)
    assert (done.code, "no such incident" in done.err) == (1, True)


async def test_a_draw_is_told_with_the_place_of_each_who_was_drawn(
    pool: asyncpg.Pool, clock: MovableClock, dispatch: Dispatch
) -> None:
    world = await world_of(pool, clock, asking(2, choose="lot"))
    await world.add_people(41)
    incident = await world.ask()
    english = await dispatch("incident", "show", incident)
    assert "drawn by lot, place 1 of 41" in english.out
    assert "not drawn" in english.out
    french = await dispatch("incident", "show", incident, "--language", "fr")
    assert "tiré au sort, rang 2 sur 41" in french.out
