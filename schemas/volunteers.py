"""Volunteers by pseudonym: topics `volunteer.updates` and `volunteer.positions`, and the bodies of requests."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Event, MusterName, Operational, Personal, Position, Public, Sensitive, Skill, Strict

Availability = Literal["on_station", "on_call", "available", "at_work", "unavailable"]
Consent = Literal["sms", "voice", "push", "email", "drills"]
Language = Literal["fr", "en"]


class HeldSkill(Strict):
    """A skill with the last day on which it is valid, in the organisation's time zone; null: without an end."""

    name: Operational[Skill]
    valid_until: Operational[date | None] = None


class VolunteerBody(Strict):
    """A volunteer as registered by an organisation with `POST /v1/volunteers`.

    Of a person who is on the roster already, absent fields are unchanged; a skill without `valid_until` keeps its end.
    """

    name: Personal[Annotated[str, Field(min_length=1, max_length=200)]]
    phone: Personal[Annotated[str, Field(min_length=4, max_length=32)]]
    language: Operational[Language] = "fr"
    skills: Operational[tuple[Skill | HeldSkill, ...]] = Field(default=(), max_length=32)
    position: Personal[Position]
    work: Personal[Position | None] = None
    birth_date: Sensitive[date]
    consent: Operational[tuple[Consent, ...]] = Field(default=(), max_length=5)
    availability: Operational[Availability] = "available"
    station: Operational[MusterName | None] = None


class VolunteerPatch(Strict):
    """The body of `PATCH /v1/volunteers/{id}`; absent fields are unchanged, an empty `station` means none."""

    availability: Operational[Availability | None] = None
    consent: Operational[tuple[Consent, ...] | None] = None
    language: Operational[Language | None] = None
    station: Operational[MusterName | Literal[""] | None] = None


class VolunteerEvent(Event):
    """An event of one volunteer's membership."""

    topic: ClassVar[str] = "volunteer.updates"

    volunteer_id: Operational[UUID]


class VolunteerRegistered(VolunteerEvent):
    """A volunteer joined an organisation's roster."""

    type: ClassVar[str] = "volunteer.registered.v1"

    availability: Operational[Availability]


class AvailabilityChanged(VolunteerEvent):
    """A volunteer's availability changed."""

    type: ClassVar[str] = "volunteer.availability_changed.v1"

    availability: Operational[Availability]


class VolunteerLeft(VolunteerEvent):
    """A volunteer opted out with STOP or left the roster."""

    type: ClassVar[str] = "volunteer.left.v1"


class PositionMoved(Event):
    """A volunteer's position: the only personal data that is published on a topic, by pseudonym, for an hour.

    `volunteer_id` and the record's key are the id of the organisation's member, or the pseudonym of other topics.
    """

    type: ClassVar[str] = "volunteer.moved.v1"
    topic: ClassVar[str] = "volunteer.positions"

    volunteer_id: Operational[UUID]
    lat: Personal[float] = Field(ge=-90, le=90, allow_inf_nan=False)
    lon: Personal[float] = Field(ge=-180, le=180, allow_inf_nan=False)
    recorded_at: Operational[AwareDatetime]


class PositionBody(Strict):
    """The body of `PUT /v1/volunteers/{id}/position`."""

    lat: Personal[float] = Field(ge=-90, le=90, allow_inf_nan=False)
    lon: Personal[float] = Field(ge=-180, le=180, allow_inf_nan=False)
    recorded_at: Public[AwareDatetime | None] = None
