"""The sends in flight on one channel of one gateway: no severity takes another's slots, however slow the gateway is."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple
from uuid import UUID

from dispatch.services.messaging.gateway import Gateway
from schemas.offers import Channel

RECALL_SHARE = (32,)
SEVERITY_SHARES = (32, 24, 12)
"""Of 100 sends at once: recalls, and else life-threatening, urgent, routine. An HTTP client opens 100 connections."""
FEWEST_AT_ONCE = len(RECALL_SHARE) + len(SEVERITY_SHARES)
"""Each share is at least one send."""


class SendInFlight(NamedTuple):
    """A message that is being sent: its severity, 0 the most severe, and the task."""

    severity: int
    task: asyncio.Task[None]


@dataclass(frozen=True, slots=True)
class SendSlots:
    """The sends in flight on one channel, those of recalls apart from the rest; `freed` is set when one ends."""

    gateway: Gateway
    channel: Channel
    recall: bool
    freed: asyncio.Event
    in_flight: dict[UUID, SendInFlight] = field(default_factory=dict)

    @property
    def free(self) -> list[int]:
        """Return how many more messages of each severity may be leased."""
        used = Counter(send.severity for send in self.in_flight.values())
        return [slots - used[severity] for severity, slots in enumerate(self._sizes())]

    def start(self, message_id: UUID, severity: int, work: Coroutine[None, None, None]) -> None:
        """Start one send, and set `freed` when it ends."""
        task = asyncio.create_task(work)
        self.in_flight[message_id] = SendInFlight(severity, task)
        task.add_done_callback(partial(self._end, message_id))

    def _sizes(self) -> Sequence[int]:
        can = self.gateway.capabilities
        at_once = can.at_once // len(can.channels)
        shares = RECALL_SHARE if self.recall else SEVERITY_SHARES
        return [max(1, at_once * share // 100) for share in shares]

    def _end(self, message_id: UUID, _task: asyncio.Task[None]) -> None:
        del self.in_flight[message_id]
        self.freed.set()
