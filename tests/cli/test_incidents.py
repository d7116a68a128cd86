"""The commands that show incidents: one with its volunteers, and all that are open."""

import asyncio
import re
import subprocess
import sys

import pytest
from rich.console import Console

from dispatch.cli.commands import watch
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


async def test_one_picture_shows_the_situation(dispatch: Dispatch, world: World) -> None:
    incident = await world.ask()
    done = await dispatch("watch", "--once")
    assert done.code == 0
    assert str(incident)[-8:] in done.out
    for expected in ("medical.fall", "0/", "offer.extended", "1 incident ·"):
        assert expected in done.out
    assert len((await dispatch("watch", "--once", "--json")).json()["incidents"]) == 1


async def test_an_escalation_is_counted_by_level(dispatch: Dispatch, world: World) -> None:
    await world.ask(source="stranger")
    assert re.search(r"level \d: 1 open, 0 acknowledged", (await dispatch("watch", "--once")).out)


@pytest.mark.usefixtures("dispatch")
async def test_without_a_terminal_each_event_is_a_line(world: World) -> None:
    typed = [sys.executable, "-c", "from dispatch.cli.main import main; main()", "watch"]
    watching = await asyncio.create_subprocess_exec(*typed, stdout=subprocess.PIPE)
    assert watching.stdout is not None
    try:
        async with asyncio.timeout(60):
            # It starts to read at an unknown moment: continue until it has received an event.
            reading = asyncio.create_task(watching.stdout.readline())
            for number in range(100):
                await world.send(f"call-{number}")
                if (await asyncio.wait({reading}, timeout=0.5))[0]:
                    break
            assert "report.received" in (await reading).decode()
    finally:
        watching.terminate()
        await watching.wait()


async def test_the_live_picture_is_drawn_in_a_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class EnoughError(Exception):
        """The picture was drawn."""

    async def enough(_seconds: float) -> None:
        raise EnoughError

    incident = await world.ask()
    drawn = Console(force_terminal=True, width=160, record=True)
    monkeypatch.setattr(watch, "screen", drawn)
    monkeypatch.setattr(asyncio, "sleep", enough)
    with pytest.raises(EnoughError):
        await watch._live(world.uow, world.organisation)  # noqa: SLF001 - it runs until it is stopped
    assert str(incident)[-8:] in drawn.export_text()
