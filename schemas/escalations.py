"""Escalations to supervisors: topic `dispatch.escalations`. A subject is an incident, a report or the system."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from schemas.base import Channel, Event, Operational, Public

SubjectKind = Literal["incident", "report", "system"]


class EscalationEvent(Event):
    """Something that happened to one escalation."""

    topic: ClassVar[str] = "dispatch.escalations"

    escalation_id: Operational[UUID]
    subject_kind: Public[SubjectKind]
    subject_id: Operational[UUID]


class EscalationRaised(EscalationEvent):
    """A supervisor is notified: `turn` is the place in the duty order, `page` whether a message is sent."""

    type: ClassVar[str] = "escalation.raised.v1"

    reason: Public[str]
    level: Public[int]
    turn: Operational[int] = 0
    page: Public[bool] = False
    detail: Operational[str] = ""


class EscalationAcknowledged(EscalationEvent):
    """A named supervisor has seen the escalation; the acknowledgement lapses unless its cause is resolved in time.

    `channel` is how a duty contact, whom `by` names by reference, said so; null for the console.
    """

    type: ClassVar[str] = "escalation.acknowledged.v2"

    by: Operational[str]
    lapses_at: Operational[AwareDatetime]
    channel: Public[Channel | None] = None


class EscalationLapsed(EscalationEvent):
    """The escalation was acknowledged but not resolved in time: it is raised again."""

    type: ClassVar[str] = "escalation.lapsed.v1"


class EscalationResolved(EscalationEvent):
    """The cause of the escalation is gone."""

    type: ClassVar[str] = "escalation.resolved.v1"

    reason: Public[str]


class EscalationHandedOver(EscalationEvent):
    """A named human has taken over the subject of the escalation."""

    type: ClassVar[str] = "escalation.handed_over.v1"

    by: Operational[str]
