"""Escalations: told once per reason, passed on in duty order, acknowledged, lapsed, settled."""

from datetime import datetime
from uuid import UUID

import pytest

from dispatch.domain.commands import Acknowledge
from dispatch.domain.decide import decide
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Escalation, Incident
from dispatch.domain.supervising import escalation
from dispatch.domain.supervising.escalation import Acknowledgement, Cause, Escalations
from schemas.escalations import EscalationEvent, EscalationRaised
from schemas.ids import named
from schemas.plans import Plan
from tests.domain.builders import acted, after, ask, at, due, incident, kinds, passed, plan, tick_until

SUBJECT = named("source")


def _raise(current: Escalations, cause: Cause, now: datetime) -> Escalations:
    for event in list(escalation.raised(current, ("system", SUBJECT), cause, now)):
        current = escalation.evolve(current, event)
    return current


def _told(*, page: bool = True, level: int = 2) -> Escalations:
    return _raise({}, Cause("broken", level, page), at(0))


def _only(current: Escalations) -> Escalation:
    (found,) = current.values()
    return found


def _pass(current: Escalations, until: float) -> list[EscalationEvent]:
    """Let time pass, each thing done when it is due."""
    events: list[EscalationEvent] = []
    while (now := min(escalation.agenda(current).values(), default=at(until))) < at(until):
        done = list(escalation.due(current, now))
        events += done
        for event in done:
            current = escalation.evolve(current, event)
    return events


def _uncovered() -> tuple[Incident, UUID]:
    """Give an incident with an open page."""
    state = passed(ask(incident(), 1), at(121))
    (found,) = state.open_escalations()
    return state, found.id


def test_a_reason_is_raised_once_while_it_is_open() -> None:
    told = _told()
    assert _raise(told, Cause("broken", 2, page=True), at(5)) == told


@pytest.mark.parametrize("cause", [Cause("broken", 3, page=True), Cause("broken", 2, page=True)])
def test_a_graver_cause_raises_the_same_escalation_again(cause: Cause) -> None:
    told = _raise(_told(page=False), cause, at(5))
    assert (_only(told).level, _only(told).page, _only(told).told_at) == (cause.level, True, at(5))


def test_a_milder_cause_lowers_nothing() -> None:
    told = _told(level=3)
    assert _raise(told, Cause("broken", 1, page=False), at(5)) == told


def test_a_graver_cause_without_a_page_does_not_end_the_paging() -> None:
    assert _only(_raise(_told(), Cause("broken", 5, page=False), at(5))).page


def test_a_resolved_reason_that_recurs_is_a_new_escalation() -> None:
    told = _told()
    for event in list(escalation.resolved(told, None, "over", at(5))):
        told = escalation.evolve(told, event)
    assert [e.open for e in _raise(told, Cause("broken", 2, page=True), at(9)).values()] == [False, True]


def test_a_page_is_passed_on_to_the_next_in_duty_order_every_minute() -> None:
    turns = [(e.turn, e.at) for e in _pass(_told(), 190) if isinstance(e, EscalationRaised)]
    assert turns == [(1, at(60)), (2, at(120)), (3, at(180))]


def test_after_ten_turns_contacts_are_paged_every_ten_minutes_for_ever() -> None:
    turns = [e.at for e in _pass(_told(), 600 + 1801) if isinstance(e, EscalationRaised)]
    assert turns[9:] == [at(600), at(1200), at(1800), at(2400)]


def test_an_escalation_without_a_page_is_not_passed_on() -> None:
    assert escalation.agenda(_told(page=False)) == {}


def test_an_acknowledgement_stops_the_pages_until_it_lapses() -> None:
    told = _told()
    event = escalation.acknowledged(told, _only(told).id, Acknowledgement("Ada", at(300)), at(30))
    seen = escalation.evolve(told, event)
    assert escalation.agenda(seen) == {"lapse": at(300)}
    assert kinds(_pass(seen, 301)) == ["escalation.lapsed", "escalation.raised"]


def test_an_acknowledgement_can_be_renewed() -> None:
    state, name = _uncovered()
    twice = after(after(state, Acknowledge(name, "Ada"), now=at(130)), Acknowledge(name, "Bo"), now=at(200))
    assert due(twice)["lapse"] == 500
    assert twice.escalations[name].acknowledged_by == "Bo"


def test_a_graver_step_is_raised_in_spite_of_an_acknowledgement() -> None:
    state, name = _uncovered()
    seen = after(state, Acknowledge(name, "Ada"), now=at(130))
    told = passed(seen, at(181)).escalations[name]
    assert (told.status, told.level, told.acknowledged_by) == ("raised", 3, None)


@pytest.mark.parametrize("act", ["close", "takeover"])
def test_a_resolved_escalation_cannot_be_acknowledged(act: str) -> None:
    state, name = _uncovered()
    with pytest.raises(RefusedError):
        decide(acted(state, act, now=at(130)), Acknowledge(name, "Ada"), at(131))


def test_an_unknown_escalation_cannot_be_acknowledged() -> None:
    with pytest.raises(RefusedError):
        decide(incident(), Acknowledge(named("nothing"), "Ada"), at(1))


def test_a_takeover_hands_over_open_escalations_to_the_named_supervisor() -> None:
    state, name = _uncovered()
    handed = acted(state, "takeover", now=at(130)).escalations[name]
    assert (handed.status, handed.acknowledged_by) == ("handed_over", "Ada")


def _unanswered(under: Plan) -> list[tuple[int, bool, float]]:
    events = tick_until(ask(incident(under), 4), at(200))
    raised = [event for event in events if isinstance(event, EscalationRaised) and event.turn == 0]
    return [(event.level, event.page, (event.at - at(0)).total_seconds()) for event in raised]


def test_an_incident_that_nobody_answers_climbs_the_steps_of_its_plan() -> None:
    assert _unanswered(plan()) == [(1, False, 60), (2, True, 120), (3, True, 180)]


def test_by_hand_a_supervisor_pages_the_top_level() -> None:
    told = list(acted(incident(), "escalate").open_escalations())
    assert [(e.reason, e.level, e.page) for e in told] == [("by_hand", 3, True)]
