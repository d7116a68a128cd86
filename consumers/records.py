"""From Kafka's records to what handlers take."""

from collections.abc import Iterable

from aiokafka import ConsumerRecord

from schemas.envelope import Received, Unreadable, decode


def readable(records: Iterable[ConsumerRecord]) -> list[Received | Unreadable]:
    """Decode records in their order; tombstones are left out where none is expected."""
    decoded = (decode(record.topic, record.key, record.headers, record.value) for record in records)
    return [message for message in decoded if message is not None]
