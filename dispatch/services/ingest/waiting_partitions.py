"""The partitions that wait for a newer version of this process, for logs, metrics and `dispatch doctor`."""

import time
from typing import NamedTuple

from dispatch.metrics import PARTITIONS_WAITING

STALE_AFTER_S = 20.0
"""A waiting partition is read again every few seconds: one that is not belongs to another process now."""

LOG_AGAIN_AFTER_S = 60.0


class WaitingPartition(NamedTuple):
    """A partition of a consumer, and the offset of the record that it waits at."""

    consumer: str
    topic: str
    partition: int
    offset: int

    @property
    def described(self) -> str:
        """Return the partition as text for logs and findings."""
        return f"{self.topic}, partition {self.partition}, offset {self.offset} (consumer {self.consumer})"


class WaitingPartitions:
    """The waiting partitions of one process, as its consumers last found them."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, int], tuple[int, float]] = {}
        self._logged: dict[tuple[str, str, int], tuple[int, float]] = {}

    def is_due(self, found: WaitingPartition) -> bool:
        """Return whether a partition is to be logged now, and count it as logged: at first, then every minute."""
        key, offset = found[:3], found.offset
        logged, at = self._logged.get(key, (None, 0.0))
        now = time.monotonic()
        if logged == offset and now - at < LOG_AGAIN_AFTER_S:
            return False
        self._logged[key] = (offset, now)
        return True

    def record(self, consumer: str, topic: str, handled: set[int], waiting: dict[int, int]) -> None:
        """Record which of the partitions in a batch wait, and that the others no longer do."""
        for partition in handled - waiting.keys():
            self._seen.pop((consumer, topic, partition), None)
        for partition, offset in waiting.items():
            self._seen[consumer, topic, partition] = (offset, time.monotonic())
        PARTITIONS_WAITING.labels(consumer).set(sum(one.consumer == consumer for one in self.current()))

    def current(self) -> list[WaitingPartition]:
        """Return the partitions that were found waiting within the last `STALE_AFTER_S`."""
        oldest = time.monotonic() - STALE_AFTER_S
        return sorted(
            WaitingPartition(*key, offset) for key, (offset, at) in self._seen.items() if at > oldest
        )
