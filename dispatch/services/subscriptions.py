"""Every consumer with its topic and its handler, in one table."""

from dispatch.services.incidents import handlers
from dispatch.services.intake.opening import Intake
from dispatch.services.messaging import composing
from dispatch.services.operations.parking_actions import Handlers
from dispatch.services.people import positions


def handlers_of(intake: Intake) -> Handlers:
    """Give what each consumer does with each topic that it reads, as in `consumers`."""
    return {
        ("reports", "incident.reports"): intake.take_in,
        ("incidents", "incident.events"): handlers.incidents,
        ("overlaps", "dispatch.assignments"): handlers.overlaps,
        ("replies", "volunteer.replies"): handlers.replies,
        ("positions", "volunteer.positions"): positions.hear,
        ("offer-messages", "dispatch.offers"): composing.offer_messages,
        ("assignment-messages", "dispatch.assignments"): composing.assignment_messages,
        ("incident-messages", "incident.events"): composing.incident_messages,
        ("escalation-messages", "dispatch.escalations"): composing.escalation_messages,
    }
