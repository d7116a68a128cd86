"""Every transition there is stands in one table; the journal alone gives the state back."""

from typing import get_args

import pytest
from msgspec.structs import replace

from dispatch.domain import transitions
from dispatch.domain.errors import RefusedError
from dispatch.domain.evolve import _FOLDS, evolve, replay
from dispatch.domain.incident import AssignmentStatus, EscalationStatus, IncidentStatus, OfferStatus
from dispatch.domain.transitions import ASSIGNMENT, ESCALATION, INCIDENT, OFFER, Table, follow, may
from schemas.base import Event
from schemas.escalations import EscalationRaised
from schemas.incidents import IncidentClosed, IncidentHeld, IncidentOpened
from schemas.offers import OfferAccepted, OnScene, Released
from schemas.topics import TOPICS
from tests.domain.builders import START, incident

TABLES = [
    (INCIDENT, IncidentStatus),
    (OFFER, OfferStatus),
    (ASSIGNMENT, AssignmentStatus),
    (ESCALATION, EscalationStatus),
]


def _final(table: Table, statuses: object) -> set[str]:
    """Name the statuses that nothing leads out of."""
    return {s for s in get_args(statuses) if all(a == s for (b, _), a in table.items() if b == s)}


@pytest.mark.parametrize(("table", "statuses"), TABLES)
def test_a_table_knows_the_statuses_that_there_are_and_no_other(table: Table, statuses: object) -> None:
    assert {before for before, _ in table} | set(table.values()) == set(get_args(statuses))


def test_a_final_status_has_no_transition() -> None:
    assert _final(INCIDENT, IncidentStatus) == {"closed", "cancelled"}
    assert _final(ASSIGNMENT, AssignmentStatus) == {"released"}
    assert _final(ESCALATION, EscalationStatus) == {"resolved", "handed_over"}


def test_an_aborted_incident_can_only_be_closed() -> None:
    assert {event for before, event in INCIDENT if before == "aborted"} == {IncidentClosed}


def test_a_yes_may_follow_every_status_of_an_offer_but_itself() -> None:
    assert {s for s in get_args(OfferStatus) if not may(OFFER, s, OfferAccepted)} == {"accepted"}


def test_whoever_is_bound_can_be_released() -> None:
    assert all(may(ASSIGNMENT, status, Released) for status in ("assigned", "en_route", "on_scene"))


def test_a_transition_outside_the_table_is_refused_with_a_readable_message() -> None:
    with pytest.raises(RefusedError, match=r"incident\.held.* cannot follow status closed"):
        follow(INCIDENT, "closed", IncidentHeld)
    assert not may(ASSIGNMENT, "released", OnScene)
    assert follow(ESCALATION, "acknowledged", EscalationRaised) == "raised"


def test_every_event_of_an_incidents_stream_can_be_folded() -> None:
    names = ("incident.events", "dispatch.offers", "dispatch.assignments", "dispatch.escalations")
    streamed: set[type[Event]] = {model for topic in TOPICS if topic.name in names for model in topic.models}
    assert streamed == set(_FOLDS) | {IncidentOpened}


def test_an_event_that_the_table_forbids_is_refused_by_the_fold_itself() -> None:
    closed = IncidentClosed(at=START, incident_id=incident().id, by="Ada")
    with pytest.raises(RefusedError):
        evolve(evolve(incident(), closed), closed)


def test_no_events_are_no_incident() -> None:
    assert replay([]) is None


def test_every_table_is_held_to_these_rules() -> None:
    tables = [value for name, value in vars(transitions).items() if name.isupper()]
    assert len(tables) == len(TABLES)


def test_a_value_never_changes_and_a_copy_of_it_refuses_an_unknown_field() -> None:
    before = incident()
    after = replace(before, seq=7)
    assert (before.seq, after.seq, replace(after, seq=1)) == (1, 7, before)
    with pytest.raises(TypeError, match="seqq"):
        replace(before, seqq=7)
    for value in (before, before.seats[0]):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(value, value.__struct_fields__[0], None)
