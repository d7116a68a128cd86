"""CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_*` headers, the event as a JSON body."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import orjson

from schemas.attributes import SEQUENCE_DIGITS, Headers
from schemas.base import Mode, utc_iso
from schemas.generations import GENERATION

SOURCE = "renfort"


@dataclass(frozen=True, slots=True)
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
    return [(name, value.encode()) for name, value in _attributes(envelope).items()]


def packed(envelope: Envelope) -> bytes:
    """Return the same bytes as `pack` of the envelope's headers, faster."""
    written = orjson.dumps(list(_attributes(envelope).items()))
    return written if written.isascii() else pack(headers(envelope))


def _attributes(envelope: Envelope) -> dict[str, str]:
    return {
        "ce_specversion": "1.0",
        "ce_id": str(envelope.event_id),
        "ce_source": envelope.source,
        "ce_type": envelope.type,
        "ce_time": _moment(envelope.occurred_at),
        "ce_subject": envelope.subject,
        "ce_organisation": str(envelope.organisation),
        "ce_mode": envelope.mode,
        "ce_sequence": f"{envelope.sequence:0{SEQUENCE_DIGITS}d}",
        "ce_partitionkey": envelope.subject,
        "ce_receivedtime": _moment(envelope.received_at),
        "ce_recordedtime": _moment(envelope.recorded_at),
        "ce_generation": str(envelope.generation),
        "content-type": "application/json",
    }


def pack(pairs: Headers) -> bytes:
    """Return headers as JSON; any bytes are preserved."""
    return orjson.dumps([(name, None if value is None else value.decode("latin-1")) for name, value in pairs])


def unpack(packed: bytes) -> list[tuple[str, bytes]]:
    """Return the headers that were packed; a null value becomes empty."""
    return [(name, (value or "").encode("latin-1")) for name, value in orjson.loads(packed)]


@lru_cache(maxsize=64)
def _moment(moment: datetime) -> str:
    return utc_iso(moment.astimezone(UTC))
