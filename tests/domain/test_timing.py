"""When people may be asked: ahead of a window, and never in the quiet hours of a planned mission."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatch.domain.agenda import agenda
from dispatch.domain.asking.offers import offers_due
from dispatch.domain.commands import Tick, Update
from dispatch.domain.decide import decide
from dispatch.domain.incident import Incident
from dispatch.domain.supervising.outlook import next_step
from schemas.base import Window
from schemas.ids import named
from schemas.incidents import Shortfall
from schemas.plans import Plan
from tests.domain.builders import START, after, ask, incident, offer_of, plan

EVENING = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)
"""23:00 in Paris."""
MORNING = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)
"""6:30 in Paris."""
SLOT = Window(starts_at=MORNING + timedelta(hours=1), ends_at=MORNING + timedelta(hours=5))
NIGHT = {"from": "22:00", "to": "06:30"}
"""They begin an hour after the incident was opened."""


def planned(**changes: object) -> Plan:
    return plan(**{"lane": "planned", "quiet": NIGHT} | changes)


def creche(under: Plan | None = None, now: datetime = EVENING, **changes: object) -> Incident:
    state = incident(under or planned(), **{"window": SLOT} | changes)
    return after(state, Tick(), now=now)


def at(hour: int, minute: int = 0, day: int = 22) -> datetime:
    """Return a time on the clock of UTC."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_a_planned_mission_asks_nobody_in_its_quiet_hours_and_goes_on_when_they_end() -> None:
    state = creche()
    assert not offers_due(state, EVENING)
    assert offers_due(state, MORNING).total() > 0
    assert agenda(state)["consider"] == MORNING


def test_a_plan_that_names_no_quiet_hours_keeps_them_from_nine_to_eight() -> None:
    state = incident(plan(lane="planned"))
    assert [bool(offers_due(state, moment)) for moment in (at(19, 59), at(20, 1), at(6, 59, 23), at(7, 0, 23))] == [
        True, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("under", [plan(), plan(lane="drill"), plan(lane="planned", quiet="off")])
def test_what_is_urgent_and_a_plan_without_quiet_hours_ask_at_night(under: Plan) -> None:
    assert offers_due(incident(under), EVENING).total() > 0


def test_a_planned_mission_that_is_or_becomes_life_threatening_keeps_no_quiet_hours() -> None:
    assert offers_due(incident(planned(), severity="life_threatening"), EVENING).total() > 0
    worse = Update(named("update"), "life_threatening", None, (), None, trusted=True)
    assert offers_due(after(creche(), worse, now=EVENING), EVENING).total() > 0


def test_people_are_asked_as_long_ahead_of_the_window_as_the_plan_says() -> None:
    slot = Window(starts_at=at(12, 0, 26), ends_at=at(14, 0, 26))
    state = creche(planned(ask_ahead_s=2 * 86_400), window=slot)
    assert agenda(state)["consider"] == at(12, 0, 24)
    assert not offers_due(state, at(11, 59, 24))
    assert offers_due(state, at(12, 0, 24))


def test_nobody_is_asked_once_the_window_is_over() -> None:
    state = creche(now=SLOT.ends_at)
    assert not offers_due(state, SLOT.ends_at)
    assert "consider" not in agenda(state)


def test_the_window_of_an_offer_does_not_run_in_quiet_hours() -> None:
    state = ask(incident(planned(offers={"window_s": 5400})), 1)
    assert offer_of(state, 0).expires_at == MORNING + timedelta(minutes=30)


def test_steps_and_radii_count_from_when_people_are_asked() -> None:
    search = {"radii_m": (500, 1000), "widen_after_s": 90}
    state = incident(planned(quiet={"from": "21:00", "to": "06:30"}, search=search))
    entries = agenda(state)
    assert (entries["step"], entries["widen"]) == (
        MORNING + timedelta(seconds=60), MORNING + timedelta(seconds=90),
    )  # fmt: skip


def test_a_supervisor_is_told_at_night_where_the_mission_begins_before_the_quiet_hours_end() -> None:
    slot = Window(starts_at=at(4, 0, 23), ends_at=at(9, 0, 23))
    state = incident(plan(lane="planned"), window=slot)
    assert agenda(state)["step"] == START + timedelta(seconds=60)
    assert agenda(state)["consider"] == at(7, 0, 23)


def test_asking_that_was_due_before_the_quiet_hours_and_comes_late_waits_for_their_end() -> None:
    state = incident(
        planned(steps=({"after_s": 86_400, "level": 1, "do": "page"},), search={"radii_m": (500,)})
    )
    assert agenda(state)["consider"] < EVENING
    (short,) = decide(state, Tick(), EVENING)
    assert isinstance(short, Shortfall)
    assert (short.retry_at, short.found) == (MORNING, 0)
    assert decide(after(state, Tick(), now=EVENING), Tick(), EVENING + timedelta(hours=1)) == []


def test_what_is_next_at_night_is_the_asking_of_the_morning() -> None:
    found = next_step(incident(planned(quiet={"from": "21:00", "to": "06:30"}), window=SLOT))
    assert found is not None
    assert (found.at, [one.step for one in found.consequences]) == (MORNING, ["asks"])


def test_quiet_hours_end_by_the_clock_when_it_goes_back() -> None:
    state = incident(planned())
    morning = datetime(2026, 10, 25, 5, 30, tzinfo=UTC)
    assert not offers_due(state, morning - timedelta(minutes=1))
    assert offers_due(state, morning)
