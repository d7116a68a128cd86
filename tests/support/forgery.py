"""Forged records: what a stranger who reads the topics, guesses ids and writes anywhere can make of a real event."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg

from schemas.base import to_json
from schemas.decoding import LARGEST_BODY, Received, Unreadable, decode, from_outside
from schemas.envelope import unpack
from schemas.generations import GENERATION
from schemas.ids import derived, named, new_id
from schemas.topics import MODELS
from tests.contract.examples import example

Pairs = list[tuple[str, bytes | None]]
STATE = (
    "incidents", "seats", "offers", "assignments", "recalls", "reports", "replies", "messages", "volunteers",
    "memberships", "candidates", "member_positions", "outages", "inbox",
)  # fmt: skip
"""The tables that no record of a stranger may change: all but those of parking and its alerts."""
CHANGES = {
    "ce_organisation": str(named("organisation", "another")).encode(),
    "ce_mode": b"exercise",
    "ce_sequence": b"1" * 20,
    "ce_time": b"2020-01-01T00:00:00Z",
    "ce_recordedtime": b"2020-01-01T00:00:00Z",
    "ce_receivedtime": b"soon",
    "ce_generation": str(GENERATION + 1).encode(),
    "ce_type": b"incident.foreseen.v1",
    "ce_specversion": b"2.0",
    "content-type": b"text/plain",
    "traceparent": b"\xff",
}


@dataclass(frozen=True)
class Raw:
    """A record as it is on a topic, with what is wrong with it."""

    what: str
    topic: str
    key: bytes | None
    pairs: Pairs
    body: bytes | None

    def decoded(self) -> Received | Unreadable:
        """Return the record as a consumer receives it."""
        return decode(self.topic, self.key, self.pairs, self.body)


async def real_records(pool: asyncpg.Pool, topics: Iterable[str]) -> list[Raw]:
    """Return the events of the journal as they are on their topics."""
    rows = await pool.fetch("SELECT * FROM journal WHERE topic = ANY ($1) ORDER BY id", list(topics))
    return [Raw("real", row["topic"], row["key"], [*unpack(row["headers"])], row["body"]) for row in rows]


async def state(pool: asyncpg.Pool) -> dict[str, list[asyncpg.Record]]:
    """Return all rows of these tables, for comparison."""
    return {table: await pool.fetch(f"SELECT * FROM {table} t ORDER BY t::text") for table in STATE}


def forgeries(topic: str, real: Raw, elsewhere: Iterable[Raw]) -> Iterator[Raw]:
    """Yield forgeries of a real event of a topic, and real events of other topics replayed on this one."""
    yield from _with_our_headers(replace(real, topic=topic))
    yield from (replace(one, what=f"replay of {one.topic}", topic=topic) for one in elsewhere)
    if not from_outside(topic):
        yield from _from_outside(replace(real, topic=topic))


def _with_our_headers(real: Raw) -> Iterator[Raw]:
    for model in MODELS.values():
        body = to_json(example(model))
        yield replace(
            real,
            what=f"{model.type} as this event",
            pairs=_with(real, "ce_type", model.type.encode()),
            body=body,
        )
        later = derived(UUID(int=0), model.type)
        pairs = _with(
            replace(real, pairs=_with(real, "ce_type", model.type.encode())), "ce_id", str(later).encode()
        )
        yield replace(real, what=f"{model.type} as an event to come", pairs=pairs, body=body)
    for name, value in CHANGES.items():
        yield replace(real, what=f"another {name}", pairs=_with(real, name, value))
    yield from (replace(real, what=what, body=changed) for what, changed in _bodies(real.body or b""))
    yield replace(real, what="another key", key=str(new_id()).encode())
    yield replace(real, what="no key", key=None)


def _bodies(body: bytes) -> Iterator[tuple[str, bytes | None]]:
    yield "no body", None
    yield "one more space", body + b" "
    yield "no JSON", b"\xff" + body
    yield "too large", body[:-1] + b" " * LARGEST_BODY + body[-1:]
    yield "a bomb of brackets", b"[" * 10_000


def _from_outside(real: Raw) -> Iterator[Raw]:
    for model in MODELS.values():
        pairs: Pairs = [
            (name, {"ce_source": b"town-hall", "ce_type": model.type.encode()}.get(name, value))
            for name, value in real.pairs
        ]
        yield replace(real, what=f"{model.type} from outside", pairs=pairs, body=to_json(example(model)))
    yield replace(real, what="no headers", pairs=[])
    yield replace(real, what="a source that is almost ours", pairs=_with(real, "ce_source", b"Renfort"))
    yield replace(real, what="a source that is no text", pairs=_with(real, "ce_source", b"\xffrenfort"))


def _with(real: Raw, name: str, value: bytes) -> Pairs:
    return [*(pair for pair in real.pairs if pair[0] != name), (name, value)]
