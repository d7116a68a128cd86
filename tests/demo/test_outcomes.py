"""The summary says how incidents ended for those who called; a check fails where somebody was left alone."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from rich.console import Console

from dispatch.cli.demo import checks, display, outcomes
from dispatch.clock import MovableClock
from dispatch.services.operations import demo_figures
from dispatch.services.operations.demo_figures import Figures, IncidentEnd
from tests.support.world import World

ARRIVED = IncidentEnd(UUID(int=1), needed=2, arrived=2, taken_over=False, filled_before=False)
BEFORE = IncidentEnd(UUID(int=2), needed=6, arrived=0, taken_over=True, filled_before=False)
AFTER = IncidentEnd(UUID(int=3), needed=6, arrived=5, taken_over=True, filled_before=True)
PROFESSIONALS = IncidentEnd(UUID(int=4), needed=0, arrived=0, taken_over=True, filled_before=False)
NEGLECTED = IncidentEnd(UUID(int=5), needed=2, arrived=1, taken_over=False, filled_before=True)
UNATTENDED = IncidentEnd(UUID(int=6), needed=0, arrived=0, taken_over=False, filled_before=False)
GOOD = Figures(
    ends=[ARRIVED, BEFORE, AFTER, PROFESSIONALS], offers=900, reached=880, yes=282, accepted_s=[20, 30, 40],
    arrived_s=[200, 300], pages=60, messages={"offer": 880},
)  # fmt: skip


def broken(figures: Figures) -> dict[str, list[str]]:
    return {one.rule: one.violations for one in outcomes.check(figures) if one.violations}


def printed(figures: Figures) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(display.summary(figures, 4, 9, timedelta(hours=3), 60))
    return capture.get()


def test_a_good_night_breaks_no_rule() -> None:
    assert broken(GOOD) == {}


def test_an_incident_whose_people_did_not_arrive_and_that_merely_ended_is_neglected() -> None:
    figures = replace(GOOD, ends=[*GOOD.ends, NEGLECTED])
    assert broken(figures) == {
        "where people were needed, they arrived or a human took over": [str(NEGLECTED.id)]
    }
    assert "1 neither: nobody looked after it" in printed(figures)


def test_an_incident_for_professionals_that_no_human_took_over_is_found() -> None:
    figures = replace(GOOD, ends=[*GOOD.ends, UNATTENDED])
    assert broken(figures) == {
        "where only professionals were needed, a human took over": [str(UNATTENDED.id)]
    }


def test_a_night_whose_offers_hardly_reached_a_phone_is_found() -> None:
    assert broken(replace(GOOD, reached=200, yes=64)) == {
        "nine offers in ten reached a phone": ["200 of 900 did"]
    }


@pytest.mark.parametrize("yes", [190, 370])
def test_a_share_of_yeses_that_nobody_has_published_is_found(yes: int) -> None:
    assert list(broken(replace(GOOD, yes=yes))) == ["people said yes as often as is published"]


def test_a_night_in_which_nobody_was_asked_breaks_no_rule() -> None:
    assert broken(replace(GOOD, ends=[PROFESSIONALS], offers=0, reached=0, yes=0)) == {}


def test_the_summary_sets_professionals_apart_and_counts_by_who_arrived() -> None:
    text = " ".join(printed(GOOD).split())
    assert "professionals only 1 incidents; nobody was asked" in text
    assert "needed volunteers 3 incidents, of which 1 everybody needed arrived" in text
    assert "1 taken over before enough had said yes 1 taken over after that, before all arrived" in text
    assert "offers 900, of which 880 reached a phone" in text
    assert "yes per person alerted 32.0% (published: 28.7% to 35.3%)" in text
    assert "first yes median 30 s" in text


def test_nothing_of_the_summary_is_wider_than_80_columns() -> None:
    assert max(len(line.rstrip()) for line in printed(GOOD).splitlines()) <= 80


async def test_a_lost_report_is_found(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await World(pool, clock).create()
    report = await world.send("1")
    found = {one.rule: one.violations for one in await checks.run(world.uow, {str(report), "another"})}
    assert found["every accepted report is stored"] == ["another"]
    assert found["every report has exactly one incident"] == [str(report)]


async def test_an_incident_that_asked_and_was_closed_counts_as_neglected(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await World(pool, clock).create()
    await world.add_people(3)
    await world.open("1")
    await pool.execute("UPDATE incidents SET status = 'closed', ended_at = $1", clock.now())
    (end,) = (await demo_figures.figures(pool)).ends
    assert end.needed > 0
    assert outcomes.outcome_of(end) == "neglected"
