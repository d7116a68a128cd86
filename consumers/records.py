"""Decoding of Kafka's records into what handlers receive."""

from collections.abc import Iterable
from typing import Self

from aiokafka import ConsumerRecord, TopicPartition

from schemas.decoding import ILLEGIBLE, PartitionOffset, Received, Unreadable, decode
from schemas.envelope import pack


class Illegible(ConsumerRecord):  # type: ignore[misc] # aiokafka ships no types
    """Stands for a record broken in Kafka's own format: a header's name is no text, a checksum is wrong."""

    @classmethod
    def at(cls, place: TopicPartition, offset: int) -> Self:
        """Return a record that names the place of its bytes, which stay there until the topic's retention ends."""
        where = f"{place.topic}, partition {place.partition}, offset {offset}"
        return cls(*place, offset, 0, 0, None, None, None, -1, -1, (("place", where.encode()),))


def readable(records: Iterable[ConsumerRecord]) -> list[Received | Unreadable]:
    """Decode records in their order."""
    return [_decoded(record) for record in records]


def _decoded(record: ConsumerRecord) -> Received | Unreadable:
    place = PartitionOffset(record.partition, record.offset)
    if isinstance(record, Illegible):
        return Unreadable(ILLEGIBLE, "unknown", None, None, pack(record.headers), None, place)
    return decode(record.topic, record.key, record.headers, record.value, place)
