"""The journal as Kafka would carry it: order within a key, everything else as unkind as Kafka may be."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

import asyncpg

from dispatch.services.ingest.batches import Handler
from dispatch.services.intake.opening import Intake
from dispatch.services.plans.plan_files import PlanBook
from dispatch.services.subscriptions import SUBSCRIPTIONS
from schemas.decoding import Received, decode
from schemas.envelope import unpack

Fate = Literal["well", "fails", "forgotten"]
"""What becomes of a batch: handled, lost just before its commit, or handled and its offsets never committed."""


@dataclass
class Reader:
    """One consumer group: what there is for it by key, and how far it has committed."""

    name: str
    topic: str
    handle: Handler
    log: dict[bytes, list[Received]] = field(default_factory=lambda: defaultdict(list))
    committed: Counter[bytes] = field(default_factory=Counter)

    @property
    def behind(self) -> bool:
        """Tell whether something waits."""
        return any(len(records) > self.committed[key] for key, records in self.log.items())

    def batch(self, most: int, turn: int) -> list[Received]:
        """Give what comes next; `turn` says which key comes first."""
        keys = sorted(self.log)
        first = turn % max(len(keys), 1)
        waiting = (r for key in keys[first:] + keys[:first] for r in self.log[key][self.committed[key] :])
        return list(islice(waiting, most))

    def commit(self, batch: Sequence[Received]) -> None:
        """Go on after a batch."""
        self.committed.update(record.key for record in batch)

    def rewind(self, back: int) -> None:
        """Hear the last records of each key again, as after a crash."""
        self.committed = Counter({key: max(0, n - back) for key, n in self.committed.items()})


def readers(book: PlanBook) -> dict[str, Reader]:
    """Give the product's consumers."""
    intake = Intake(book)
    found = (Reader(one.consumer, one.topic, one.handler(intake)) for one in SUBSCRIPTIONS if one.uses_inbox)
    return {reader.name: reader for reader in found}


def received(row: asyncpg.Record) -> Received:
    """Read a row of the journal as a consumer would."""
    record = decode(row["topic"], row["key"], unpack(row["headers"]), row["body"])
    assert isinstance(record, Received), "what Renfort writes, it can read"
    return record
