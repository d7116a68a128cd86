"""Steps of a plan: each does one thing, for so many missing seats, and what would change nothing is skipped."""

from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from dispatch.domain.asking.offers import offers_wanted
from dispatch.domain.commands import Acknowledge, Tick
from dispatch.domain.incident import Incident
from schemas.base import Event
from schemas.generations import encode
from schemas.ids import named
from schemas.incidents import AskedMore, Referred, StepDone, StepSkipped, Widened
from schemas.plans import Plan, read_plan
from tests.domain.builders import after, answered, ask, at, due, incident, passed, plan, tick_until

LAST = {"after_s": 900, "level": 3, "do": "page"}
FAR = {"radii_m": (1000, 2000), "widen_after_s": 600}


def stepped(*steps: dict[str, Any], **changes: object) -> Plan:
    return plan(steps=(*steps, LAST), search=FAR, **changes)


def asked(*steps: dict[str, Any]) -> Incident:
    """Return an incident that asks two people for its two seats under these steps."""
    under = stepped(*steps, offers={"open": 2, "per_seat": 1, "window_s": 600})
    return ask(incident(under), 2)


def done(state: Incident, until: float) -> Sequence[Event]:
    return [event for event in tick_until(state, at(until)) if isinstance(event, StepDone)]


def test_a_step_widens_at_once_and_is_skipped_where_no_wider_ring_is_left() -> None:
    widen = {"after_s": 30, "level": 1, "do": "widen"}
    events = tick_until(asked(widen, widen | {"after_s": 60}), at(90))
    assert [(type(event), event.at) for event in events] == [
        (StepDone, at(30)),
        (Widened, at(30)),
        (StepSkipped, at(60)),
    ]
    assert [event.reason for event in events if isinstance(event, StepSkipped)] == ["widest"]


def test_a_step_that_would_change_nothing_holds_up_no_other() -> None:
    enough = {"after_s": 30, "level": 1, "missing": 2}
    state = answered(asked(enough, {"after_s": 31, "level": 2, "do": "page"}), 0, "accepted")
    late = after(state, Tick(), now=at(31))
    assert (late.steps_done, [one.level for one in late.open_escalations()]) == (2, [2])


def test_a_step_counts_the_missing_seats() -> None:
    state = asked({"after_s": 30, "level": 1, "missing": 2})
    (two,) = done(state, 30)
    (one,) = done(answered(state, 0, "accepted"), 30)
    assert (type(two), type(one)) == (StepDone, StepSkipped)


def test_a_step_keeps_more_offers_open_until_the_steps_begin_again() -> None:
    state = passed(asked({"after_s": 30, "level": 1, "do": "ask_more", "more": 3}), at(30))
    assert (state.more_open, offers_wanted(state)) == (3, {"helper": 3})
    seated = answered(answered(state, 0, "accepted"), 1, "accepted")
    assert answered(seated, 0, "declined", now=at(40)).more_open == 0


def test_a_page_is_repeated_by_a_step_though_somebody_has_acknowledged_it() -> None:
    steps = ({"after_s": 30, "level": 2, "do": "page"}, {"after_s": 90, "level": 2, "do": "repeat"})
    paged = passed(asked(*steps), at(30))
    (page,) = paged.open_escalations()
    seen = after(paged, Acknowledge(page.id, "Ada"), now=at(40))
    (again,) = passed(seen, at(90)).open_escalations()
    assert (again.status, again.told_at, again.turn) == ("raised", at(90), page.turn + 1)
    (skipped,) = done(paged, 90)[-1:]
    assert isinstance(skipped, StepSkipped), "while nobody has acknowledged it, it repeats by itself"


def test_a_step_refers_the_incident_and_its_escalation_pages() -> None:
    state = asked({"after_s": 30, "level": 2, "do": "refer", "to": ("CODIS 67", "Mairie")})
    referred, *_ = done(state, 30)
    assert isinstance(referred, Referred)
    (one,) = passed(state, at(30)).open_escalations()
    assert (one.reason, one.page, one.detail) == ("referred", True, "CODIS 67, Mairie")


def test_nobody_is_paged_about_a_referral_once_the_seats_are_filled() -> None:
    state = passed(asked({"after_s": 30, "level": 2, "do": "refer", "to": ("CODIS 67",)}), at(30))
    for number in range(2):
        state = answered(state, number, "accepted", now=at(40))
    assert (state.seated(), list(state.open_escalations())) == (True, [])


@pytest.mark.parametrize(
    "step",
    [
        {"do": "ask_more"},
        {"do": "refer"},
        {"do": "page", "more": 2},
        {"do": "widen", "to": ("Mairie",)},
        {"do": "dance"},
        {"missing": 0},
    ],
)
def test_a_step_without_what_it_needs_or_with_what_another_needs_is_rejected(step: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        stepped({"after_s": 30, "level": 1} | step)


def test_older_readers_see_every_step_as_one_that_was_done() -> None:
    names: Any = {"at": at(0), "incident_id": named("incident"), "step": 1, "level": 2}
    for event in (
        AskedMore(more=3, **names),
        Referred(to=("Mairie",), **names),
        StepSkipped(reason="enough", **names),
    ):
        assert encode(event, 1) == encode(StepDone(**names), 1)


def test_a_plan_with_steps_is_read_as_it_was_stored() -> None:
    under = stepped({"after_s": 30, "level": 1, "do": "refer", "to": ("Mairie",), "missing": 2})
    assert read_plan(under.canonical) == under
    assert due(incident(under))["step"] == 30
