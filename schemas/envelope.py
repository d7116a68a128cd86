"""CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_*` headers, the event as a JSON body."""

from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import orjson

from schemas.attributes import SEQUENCE_DIGITS, Headers
from schemas.base import Mode, utc_iso

SOURCE = "renfort"


@lru_cache(maxsize=256)
def frame(
    subject: str,
    organisation: UUID,
    mode: Mode,
    occurred_at: datetime,
    received_at: datetime,
    recorded_at: datetime,
    generation: int,
) -> str:
    """Return the packed headers of the events that share these attributes, for `packed` to complete.

    `subject` is also the partition key. The events of one incident in one transaction differ in three attributes only.
    """
    subject = subject.replace("%", "%%")
    shared = {
        "ce_specversion": "1.0",
        "ce_id": "%s",
        "ce_source": SOURCE,
        "ce_type": "%s",
        "ce_time": _moment(occurred_at),
        "ce_subject": subject,
        "ce_organisation": str(organisation),
        "ce_mode": mode,
        "ce_sequence": f"%0{SEQUENCE_DIGITS}d",
        "ce_partitionkey": subject,
        "ce_receivedtime": _moment(received_at),
        "ce_recordedtime": _moment(recorded_at),
        "ce_generation": str(generation),
        "content-type": "application/json",
    }
    return pack([(name, value.encode()) for name, value in shared.items()]).decode()


def packed(frame: str, event_id: str, type_: str, sequence: int) -> bytes:
    """Return the packed headers of one event."""
    return (frame % (event_id, type_, sequence)).encode()


def pack(pairs: Headers) -> bytes:
    """Return headers as JSON; any bytes are preserved."""
    return orjson.dumps([(name, None if value is None else value.decode("latin-1")) for name, value in pairs])


def unpack(packed: bytes) -> list[tuple[str, bytes]]:
    """Return the headers that were packed; a null value becomes empty."""
    return [(name, (value or "").encode("latin-1")) for name, value in orjson.loads(packed)]


def _moment(moment: datetime) -> str:
    return utc_iso(moment.astimezone(UTC))
