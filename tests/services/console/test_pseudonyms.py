"""Events are shown with the ids of members, wherever they name a person."""

from uuid import UUID

from dispatch.services.console.pseudonyms import PEOPLE, PERSON, people_in, replaced
from dispatch.services.console.stream import SHOWN
from dispatch.services.people.members import Members, Membership
from schemas.ids import named
from schemas.incidents import IncidentOverdue
from schemas.topics import MODELS
from tests.conftest import START

WHO, MEMBER, INCIDENT = (named("id", name) for name in ("who", "member", "incident"))
THINGS = {
    "assignment_id", "escalation_id", "incident_id", "message_id", "offer_id", "organisation", "place_id", "report_id",
    "round_id", "subject_id",
}  # fmt: skip
"""Fields with the id of what is no person."""


def test_every_id_in_an_event_that_is_shown_is_known_as_a_persons_or_as_a_things() -> None:
    shown = [model for model in MODELS.values() if model.topic in SHOWN]
    fields = {name: field.annotation for model in shown for name, field in model.model_fields.items()}
    assert {name for name, kind in fields.items() if kind in (UUID, UUID | None)} == THINGS | set(PERSON)
    assert {name for name, kind in fields.items() if kind == tuple[UUID, ...]} == set(PEOPLE)


def test_the_people_in_a_list_are_replaced_and_all_else_stays() -> None:
    event = IncidentOverdue(at=START, incident_id=INCIDENT, asked=(WHO,)).model_dump(mode="json")
    members = Members({WHO: [Membership(MEMBER, START, "Ada")]}, {WHO: INCIDENT})
    assert list(people_in(event)) == [WHO]
    assert replaced(event, START, members) == event | {"asked": [str(MEMBER)]}
