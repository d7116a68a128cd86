"""Decoding of messages: CloudEvents in Kafka's binary mode become events, or records that could not be read."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, cast, get_args
from uuid import UUID

from pydantic import ValidationError

from schemas.attributes import Headers, UnfitError, attributes, plain, sequence, time, uuid
from schemas.base import Event, Mode
from schemas.envelope import SOURCE, pack
from schemas.generations import GENERATION, OLDEST, UPCASTS, upcast
from schemas.ids import event_id, named
from schemas.reports import ReportReceived
from schemas.salvage import UNKNOWN_KIND, read_object, salvage
from schemas.topics import BY_NAME, MODELS

UNKNOWN_VERSION = "unknown version"
TOMBSTONE = "tombstone"
LARGEST_BODY = 64 * 1024
LONGEST_GENERATION = 6
MOST_DROPPED = 20
ILLEGIBLE = "the record cannot be decoded; its bytes are at the place named"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNKNOWN_ORGANISATION = named("organisation", "unknown")
"""The organisation of messages that name none."""


class PartitionOffset(NamedTuple):
    """The partition and offset of a record."""

    partition: int
    offset: int


NOWHERE = PartitionOffset(-1, -1)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that could not be read or handled: its exact bytes, and a reason that repeats none of them.

    `event_id` and `recorded_at` are those of an event of Renfort, if it claims to be one.
    """

    reason: str
    source: str
    organisation: UUID | None
    key: bytes | None
    headers: bytes
    body: bytes | None
    place: PartitionOffset = NOWHERE
    event_id: UUID | None = None
    recorded_at: datetime = EPOCH

    @property
    def ours(self) -> bool:
        """Return whether it claims to be an event of Renfort."""
        return self.event_id is not None

    def unreadable(self, reason: str) -> "Unreadable":
        """Return the same record with another reason, which nothing waits for."""
        return Unreadable(
            reason, self.source, self.organisation, self.key, self.headers, self.body, self.place
        )


@dataclass(frozen=True, slots=True)
class Newer(Unreadable):
    """A record that this version cannot read and that claims to be Renfort's, of a higher generation."""

    generation: int = OLDEST


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was read; `data` is None if this version does not know its type, and for a tombstone.

    `ours` is whether it claims Renfort as its source; otherwise its times are those that its writer states.
    `recorded_at` is when an event of ours was written to the journal.
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
    place: PartitionOffset = NOWHERE
    recorded_at: datetime = EPOCH

    def unreadable(self, reason: str) -> Unreadable:
        """Return the message as a record that could not be handled, with the reason."""
        return Unreadable(
            reason,
            plain(self.source),
            self.organisation,
            self.key,
            pack(self.headers),
            self.body,
            self.place,
        )


def revive(type_: str, body: bytes) -> Event:
    """Read an event of ours, in any version that it ever had; an unknown field is no error at any depth."""
    type_, body = upcast(type_, body)
    model = MODELS[type_]
    try:
        return model.model_validate_json(body)
    except ValidationError:
        # Values inside an event may be strict, since files and requests use them too. Events of this generation pass
        # above, at half the cost.
        return model.model_validate_json(body, extra="ignore")


def decode(
    topic: str, key: bytes | None, pairs: Headers, body: bytes | None, place: PartitionOffset = NOWHERE
) -> Received | Unreadable:
    """Decode one message, whatever its bytes."""
    if body is None and from_outside(topic) and BY_NAME[topic].compact:
        return _tombstone(key, pairs, place)
    try:
        return _received(topic, key, pairs, body, place)
    except UnfitError as unfit:
        return _unreadable(str(unfit), topic, key, pairs, body, place)


def _unreadable(
    reason: str, topic: str, key: bytes | None, pairs: Headers, body: bytes | None, place: PartitionOffset
) -> Unreadable:
    texts = {name: (value or b"").decode("utf-8", "replace") for name, value in pairs}
    source = plain(texts.get("ce_source", "")) or "unknown"
    organisation = uuid(texts.get("ce_organisation", ""))
    ours = source == SOURCE
    event_id = _event_id(source, texts.get("ce_id", "")) if ours else None
    recorded_at = _recorded_at(texts) if ours else EPOCH
    found = (reason, source, organisation, key, pack(pairs), body, place, event_id, recorded_at)
    claimed = generation_of(pairs)
    # Anybody may write on a topic from outside: a record that waited there could block it, so it is always parked.
    if not ours or claimed <= GENERATION or from_outside(topic):
        return Unreadable(*found)
    return Newer(*found, claimed)


def _recorded_at(texts: dict[str, str]) -> datetime:
    try:
        return time(texts, "ce_recordedtime", EPOCH)
    except UnfitError:
        return EPOCH


def generation_of(pairs: Headers) -> int:
    """Return the generation that a message claims; the oldest if it claims none or no number."""
    text = next((value or b"" for name, value in pairs if name == "ce_generation"), b"")
    return int(text) if text.isdigit() and len(text) <= LONGEST_GENERATION else OLDEST


def from_outside(topic: str) -> bool:
    """Return whether others than Renfort write on a topic."""
    return topic in BY_NAME and "outside" in BY_NAME[topic].writers


def _received(
    topic: str, key: bytes | None, pairs: Headers, body: bytes | None, place: PartitionOffset
) -> Received:
    text = attributes(pairs)
    source, type_ = text["ce_source"], text["ce_type"]
    organisation = uuid(text["ce_organisation"])
    if organisation is None:
        raise UnfitError("ce_organisation is not a UUID")
    foreign_at = None if source == SOURCE else time(text, "ce_time", EPOCH)
    data = _data(topic, type_, text.get("content-type", ""), body, foreign_at)
    if data is None and source == SOURCE and generation_of(pairs) > GENERATION:
        raise UnfitError("the type is not known to this version")
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
        place=place,
        recorded_at=time(text, "ce_recordedtime", EPOCH) if source == SOURCE else EPOCH,
    )


def _tombstone(key: bytes | None, pairs: Headers, place: PartitionOffset) -> Received:
    identity = named(TOMBSTONE, (key or b"").hex())
    return Received(
        identity, TOMBSTONE, None, UNKNOWN_ORGANISATION, "actual", 0, EPOCH, EPOCH, "unknown", ours=False,
        key=key or b"", headers=pairs, body=None, place=place,
    )  # fmt: skip


def _data(
    topic: str, type_: str, content_type: str, body: bytes | None, foreign_at: datetime | None
) -> Event | None:
    """Decode a body; `foreign_at` is the time that a writer other than Renfort states, `EPOCH` if it states none."""
    if content_type.partition(";")[0].strip().lower() not in ("", "application/json"):
        raise UnfitError("the content type is not application/json")
    if body is None:
        raise UnfitError("the body is missing")
    if len(body) > LARGEST_BODY:
        raise UnfitError(f"the body is larger than {LARGEST_BODY} bytes")
    if not _known(topic, type_):
        return None
    try:
        return _strict(type_, body, foreign_at) if from_outside(topic) else revive(type_, body)
    except ValidationError as error:
        raise UnfitError(_first(error)) from None


def _strict(type_: str, body: bytes, foreign_at: datetime | None) -> Event:
    """Decode an event from outside; an unknown field is an error, since it may be personal or misspelt.

    Of a life-threatening report, such fields are left out, and named.
    """
    type_, body = upcast(type_, body)
    model = MODELS[type_]
    try:
        return model.model_validate_json(body)
    except ValidationError:
        salvaged = None if foreign_at is None else _salvaged(model, body, foreign_at)
        if salvaged is None:
            raise
        return salvaged


def _salvaged(model: type[Event], body: bytes, sent_at: datetime) -> ReportReceived | None:
    """Return what can be read of a life-threatening report; one without a readable time counts as of its message."""
    if model is not ReportReceived:
        return None
    defaults = {"kind": UNKNOWN_KIND, "at": sent_at}
    found = salvage(ReportReceived, read_object(body), {} if sent_at == EPOCH else defaults)
    if found is None:
        return None
    dropped = (*found.report.dropped, *found.dropped)
    return found.report.model_copy(update={"dropped": tuple(dict.fromkeys(dropped))[:MOST_DROPPED]})


def _known(topic: str, type_: str) -> bool:
    """Return whether a type is known on a topic; a type that a newer version of Renfort may have added is no error."""
    newest = UPCASTS[type_][0] if type_ in UPCASTS else type_
    if newest in MODELS and MODELS[newest].topic == topic:
        return True
    name, _, version = type_.rpartition(".v")
    models = BY_NAME[topic].models if topic in BY_NAME else ()
    if version.isdecimal() and any(model.type.rpartition(".v")[0] == name for model in models):
        raise UnfitError(UNKNOWN_VERSION)
    if newest in MODELS or not version.isdecimal() or from_outside(topic):
        raise UnfitError("the type is not known on this topic")
    return False


def _first(error: ValidationError) -> str:
    """Describe the first error of a body by its field and kind, without the value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{plain(place) or 'the body'}: {first['type'].replace('_', ' ')}"


def _mode(header: str | None, data: Event | None) -> Mode:
    # Not by getattr: pydantic is slow to raise for a model without the field.
    inside: Mode | None = vars(data).get("mode") if data else None
    mode = header or inside or "actual"
    if mode not in get_args(Mode):
        raise UnfitError("ce_mode is not actual, exercise, test or draft")
    if inside is not None and mode != inside:
        # Guessing could page people for an exercise.
        raise UnfitError("ce_mode and mode disagree")
    return cast("Mode", mode)


def _event_id(source: str, id_: str) -> UUID:
    """Return the id of an event: ids from outside are unique only together with their source."""
    return (uuid(id_) if source == SOURCE else None) or event_id(source, id_)
