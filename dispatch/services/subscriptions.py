"""Every consumer in one table: its topic, its role, its handler and its purpose.

The processes, `dispatch parking retry`, AsyncAPI and the reference are made from this table.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from dispatch.services.incidents import handlers
from dispatch.services.ingest.batches import Handler
from dispatch.services.intake.opening import Intake
from dispatch.services.messaging import composing, paging
from dispatch.services.operations.parking_actions import Handlers
from dispatch.services.people import position_handler
from dispatch.services.publishing.outbox import Readers
from dispatch.services.replies import applying
from schemas.topics import BY_NAME

ConsumerRole = Literal["reports", "incidents", "replies", "positions", "notifications"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """One consumer of one topic; `handler` returns its handler for the plans that the intake holds.

    `batch` is the most records in one call, `members` the number of group members in one process.
    """

    consumer: str
    topic: str
    role: ConsumerRole
    handler: Callable[[Intake], Handler]
    purpose: str
    batch: int = 100
    members: int = 1

    @property
    def group(self) -> str:
        """Return the id of its consumer group."""
        return f"renfort.{self.consumer}"

    @property
    def uses_inbox(self) -> bool:
        """Return whether the inbox lets each event through once, and the journal proves it.

        Without it the newest record of a key suffices, and only access control to the topic keeps forged ones out.
        """
        return BY_NAME[self.topic].recover != "none"


def _always(handle: Handler) -> Callable[[Intake], Handler]:
    return lambda _intake: handle


SUBSCRIPTIONS: tuple[Subscription, ...] = (
    Subscription(
        "reports", "incident.reports", "reports", lambda intake: intake.open_incidents,
        "Open an incident for a report, or add the report to its incident; extend the offers that it wants.",
    ),
    Subscription(
        "incidents", "incident.events", "incidents", _always(handlers.consider_incidents),
        "Extend the offers that an incident still wants after it was opened, or may be staffed again.",
    ),
    Subscription(
        "incident-messages", "incident.events", "notifications", _always(composing.incident_messages),
        "Queue messages to everybody involved in an incident that is held, aborted or resumed.",
    ),
    Subscription(
        "offer-messages", "dispatch.offers", "notifications", _always(composing.offer_messages),
        "Queue messages about offers that were extended, withdrawn or accepted too late.",
    ),
    Subscription(
        "overlaps", "dispatch.assignments", "incidents", _always(handlers.release_overlapping),
        "Release volunteers who were assigned in the lane urgent from what they hold in other lanes.",
    ),
    Subscription(
        "unreached", "notification.events", "incidents", _always(handlers.replace_unreached),
        "Withdraw the offers that no channel delivers, and ask the next volunteers at once.",
    ),
    Subscription(
        "assignment-messages", "dispatch.assignments", "notifications",
        _always(composing.assignment_messages),
        "Queue messages to volunteers who were assigned or released.",
    ),
    Subscription(
        "escalation-messages", "dispatch.escalations", "notifications",
        _always(paging.escalation_messages),
        "Queue a message to the duty contact whose turn it is.",
    ),
    Subscription(
        "replies", "volunteer.replies", "replies", _always(applying.apply_replies),
        "Fill seats, extend the next offers and stand down the surplus.",
    ),
    # A batch is coalesced into one write per volunteer, so it may be large. Of the two members, each with half of the
    # partitions, one reads its batch while PostgreSQL writes the other's.
    Subscription(
        "positions", "volunteer.positions", "positions", _always(position_handler.handle_positions),
        "Store the latest position of each volunteer, where the topic is declared guarded.", batch=1000, members=2,
    ),
)  # fmt: skip

READERS: Readers = tuple((one.topic, one.consumer) for one in SUBSCRIPTIONS if one.uses_inbox)
"""The consumers whose inbox must hold every event of their topic."""


def subscriptions_of(roles: Collection[str], *, guarded_positions: bool) -> list[Subscription]:
    """Return the consumers of these roles; a topic that the journal does not prove is read only if it is guarded."""
    return [one for one in SUBSCRIPTIONS if one.role in roles and (one.uses_inbox or guarded_positions)]


def handlers_of(intake: Intake) -> Handlers:
    """Return the handler of each consumer and topic."""
    return {(one.consumer, one.topic): one.handler(intake) for one in SUBSCRIPTIONS}
