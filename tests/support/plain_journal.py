"""The bytes of the journal written in the plainest way, which those of every release must equal."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid5

import orjson

from dispatch.storage.journal import Entry
from schemas.base import Event, Mode
from schemas.envelope import SOURCE
from schemas.generations import DOWNCASTS, GENERATION


@dataclass(frozen=True)
class Envelope:
    """The CloudEvents attributes of one event of ours; `subject` is also its partition key."""

    event_id: UUID
    type: str
    source: str
    subject: str
    organisation: UUID
    mode: Mode
    sequence: int
    occurred_at: datetime
    received_at: datetime
    recorded_at: datetime
    generation: int = GENERATION


def headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """Return an envelope as Kafka headers."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(envelope.event_id),
        "ce_source": envelope.source,
        "ce_type": envelope.type,
        "ce_time": _moment(envelope.occurred_at),
        "ce_subject": envelope.subject,
        "ce_organisation": str(envelope.organisation),
        "ce_mode": envelope.mode,
        "ce_sequence": f"{envelope.sequence:020d}",
        "ce_partitionkey": envelope.subject,
        "ce_receivedtime": _moment(envelope.received_at),
        "ce_recordedtime": _moment(envelope.recorded_at),
        "ce_generation": str(envelope.generation),
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in attributes.items()]


def plain_headers(entry: Entry, seq: int, now: datetime, generation: int) -> bytes:
    """Return the packed headers of an event."""
    envelope = Envelope(
        uuid5(entry.stream, str(seq)),
        plain_body(entry.event, generation)[0],
        SOURCE,
        entry.key,
        entry.organisation,
        entry.mode,
        seq,
        entry.occurred_at,
        entry.received_at,
        now,
        generation,
    )
    return orjson.dumps([(name, value.decode("latin-1")) for name, value in headers(envelope)])


def plain_body(event: Event, generation: int) -> tuple[str, bytes]:
    """Return the type and the body of an event for readers of a generation."""
    type_, body = event.type, event.model_dump_json().encode()
    for older in range(GENERATION - 1, generation - 1, -1):
        if type_ in DOWNCASTS[older]:
            type_, rewrite = DOWNCASTS[older][type_]
            body = orjson.dumps(rewrite(orjson.loads(body)))
    return type_, body


def plain_hash(previous: bytes, topic: str, key: bytes, headers: bytes, body: bytes) -> bytes:
    """Return the hash of an event and the one before it."""
    parts = (previous, topic.encode(), key, headers, body)
    return sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
