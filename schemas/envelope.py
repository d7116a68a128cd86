"""CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_*` headers, the event as a JSON body."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import cast, get_args
from uuid import UUID

import orjson
from pydantic import ValidationError

from schemas.attributes import SEQUENCE_DIGITS, Headers, UnfitError, attributes, plain, sequence, time, uuid
from schemas.base import Event, Mode, utc_iso
from schemas.ids import named
from schemas.topics import BY_NAME, MODELS

SOURCE = "renfort"
UNKNOWN_VERSION = "unknown version"
TOMBSTONE = "tombstone"
LARGEST_BODY = 64 * 1024
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOBODY = named("organisation", "unknown")
"""The organisation of what names none."""

UPCASTS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {}
"""For each old type, the type that replaced it and how its body is rewritten."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What goes with one of our events; `subject` is also the key that it is partitioned by."""

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


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What could not be understood, its exact bytes, and why, in words that repeat nothing of them."""

    reason: str
    source: str
    organisation: UUID | None
    key: bytes | None
    headers: bytes
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was understood; `data` is None where its type is not known here, or for a tombstone.

    Where it is not `ours`, its times are what its writer says.
    """

    event_id: UUID
    type: str
    data: Event | None
    organisation: UUID
    mode: Mode
    sequence: int
    occurred_at: datetime
    received_at: datetime
    source: str
    ours: bool
    key: bytes
    headers: Headers = field(default=(), repr=False)
    body: bytes | None = field(default=b"", repr=False)

    def unreadable(self, reason: str) -> Unreadable:
        """Give up on it after all."""
        return Unreadable(
            reason, plain(self.source), self.organisation, self.key, pack(self.headers), self.body
        )


def recorded_at(message: Received) -> datetime:
    """Tell when an event of ours was written to the journal; long ago where it does not say so."""
    texts = {name: (value or b"").decode() for name, value in message.headers if name == "ce_recordedtime"}
    return time(texts, "ce_recordedtime", EPOCH)


def headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """Write an envelope as Kafka headers."""
    return [(name, value.encode()) for name, value in _attributes(envelope).items()]


def packed(envelope: Envelope) -> bytes:
    """Write an envelope as `pack` writes its headers, bytes for bytes."""
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
        "content-type": "application/json",
    }


def pack(pairs: Headers) -> bytes:
    """Write headers as JSON, any bytes without loss."""
    return orjson.dumps([(name, None if value is None else value.decode("latin-1")) for name, value in pairs])


def unpack(packed: bytes) -> list[tuple[str, bytes]]:
    """Read headers back as they were packed; a null one becomes empty."""
    return [(name, (value or "").encode("latin-1")) for name, value in orjson.loads(packed)]


def revive(type_: str, body: bytes) -> Event:
    """Read an event of ours, in any version that it ever had."""
    while type_ in UPCASTS:
        type_, rewrite = UPCASTS[type_]
        body = rewrite(body)
    return MODELS[type_].model_validate_json(body)


def decode(topic: str, key: bytes | None, pairs: Headers, body: bytes | None) -> Received | Unreadable | None:
    """Read one message, whatever its bytes; None is a tombstone where none is expected."""
    if body is None and from_outside(topic) and BY_NAME[topic].compact:
        return _tombstone(key, pairs)
    if body is None and not from_outside(topic):
        return None
    try:
        return _received(topic, key, pairs, body)
    except UnfitError as unfit:
        texts = {name: (value or b"").decode("utf-8", "replace") for name, value in pairs}
        source = plain(texts.get("ce_source", "")) or "unknown"
        return Unreadable(str(unfit), source, uuid(texts.get("ce_organisation", "")), key, pack(pairs), body)


def from_outside(topic: str) -> bool:
    """Tell whether others than Renfort write on a topic."""
    return topic in BY_NAME and "outside" in BY_NAME[topic].writers


def _received(topic: str, key: bytes | None, pairs: Headers, body: bytes | None) -> Received:
    text = attributes(pairs)
    source, type_ = text["ce_source"], text["ce_type"]
    organisation = uuid(text["ce_organisation"])
    if organisation is None:
        raise UnfitError("ce_organisation is not a UUID")
    data = _data(topic, type_, text.get("content-type", ""), body)
    occurred_at = time(text, "ce_time", data.at if data else EPOCH)
    return Received(
        event_id=_event_id(source, text["ce_id"]),
        type=type_,
        data=data,
        organisation=organisation,
        mode=_mode(text.get("ce_mode"), data),
        sequence=sequence(text.get("ce_sequence", "0")),
        occurred_at=occurred_at,
        received_at=time(text, "ce_receivedtime", occurred_at),
        source=source,
        ours=source == SOURCE,
        key=key or b"",
        headers=pairs,
        body=body,
    )


def _tombstone(key: bytes | None, pairs: Headers) -> Received:
    identity = named(TOMBSTONE, (key or b"").hex())
    return Received(
        identity, TOMBSTONE, None, NOBODY, "actual", 0, EPOCH, EPOCH, "unknown", ours=False, key=key or b"",
        headers=pairs, body=None,
    )  # fmt: skip


def _data(topic: str, type_: str, content_type: str, body: bytes | None) -> Event | None:
    if content_type.partition(";")[0].strip().lower() not in ("", "application/json"):
        raise UnfitError("the content type is not application/json")
    if body is None:
        raise UnfitError("the body is missing")
    if len(body) > LARGEST_BODY:
        raise UnfitError(f"the body is larger than {LARGEST_BODY} bytes")
    if not _known(topic, type_):
        return None
    try:
        return revive(type_, body)
    except ValidationError as error:
        raise UnfitError(_first(error)) from None


def _known(topic: str, type_: str) -> bool:
    """Tell whether a type is known on a topic; what a newer writer of ours may add there is no error."""
    if type_ in UPCASTS or (type_ in MODELS and MODELS[type_].topic == topic):
        return True
    name, _, version = type_.rpartition(".v")
    models = BY_NAME[topic].models if topic in BY_NAME else ()
    if version.isdecimal() and any(model.type.rpartition(".v")[0] == name for model in models):
        raise UnfitError(UNKNOWN_VERSION)
    if type_ in MODELS or not version.isdecimal() or from_outside(topic):
        raise UnfitError("the type is not known on this topic")
    return False


def _first(error: ValidationError) -> str:
    """Say where a body is wrong and how, without what it holds."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{plain(place) or 'the body'}: {first['type'].replace('_', ' ')}"


def _mode(header: str | None, data: Event | None) -> Mode:
    # Not by getattr: a model without the field takes its time to say so.
    inside: Mode | None = vars(data).get("mode") if data else None
    mode = header or inside or "actual"
    if mode not in get_args(Mode):
        raise UnfitError("ce_mode is not actual, exercise, test or draft")
    if inside is not None and mode != inside:
        # Guessing could page people for an exercise.
        raise UnfitError("ce_mode and mode disagree")
    return cast("Mode", mode)


def _event_id(source: str, id_: str) -> UUID:
    """Identify an event: ids from outside are unique only together with their source."""
    return (uuid(id_) if source == SOURCE else None) or named(source, id_)


@lru_cache(maxsize=64)
def _moment(moment: datetime) -> str:
    return utc_iso(moment.astimezone(UTC))
