"""How many sends are in flight through one gateway: what is severe never waits for what is not, nor the other way."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple
from uuid import UUID

from dispatch.services.messaging.gateway import Gateway

AT_ONCE = (32, 24, 12)
"""Sends in flight per channel: life-threatening, urgent, routine; none takes another's, however slow the gateway."""
RECALLS_AT_ONCE = (32,)
"""Recalls have their own; HTTP clients open 100 in all."""


class Held(NamedTuple):
    """A message in hand: its severity, 0 the gravest, and the work on it."""

    severity: int
    work: asyncio.Task[None]


@dataclass(frozen=True, slots=True)
class Lane:
    """One gateway's messages in hand, recalls apart from the rest; `stir` is set when one is done with."""

    gateway: Gateway
    channel: str
    recall: bool
    stir: asyncio.Event
    busy: dict[UUID, Held] = field(default_factory=dict)

    @property
    def room(self) -> list[int]:
        """Count how many more messages of each severity may be taken in hand."""
        held = Counter(one.severity for one in self.busy.values())
        most = RECALLS_AT_ONCE if self.recall else AT_ONCE
        return [room - held[severity] for severity, room in enumerate(most)]

    def take(self, name: UUID, severity: int, work: Coroutine[None, None, None]) -> None:
        """Begin one send, and look for more when it ends."""
        task = asyncio.create_task(work)
        self.busy[name] = Held(severity, task)
        task.add_done_callback(partial(self._end, name))

    def _end(self, name: UUID, _task: asyncio.Task[None]) -> None:
        del self.busy[name]
        self.stir.set()
