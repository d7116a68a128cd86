"""The reasons of a round as stored: 24 bytes for each person who was passed over, and numbers of the others."""

from collections.abc import Mapping
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson

REASON = Struct("!16sII")
"""Id, metres, gates."""


class Reason(NamedTuple):
    """Why somebody was passed over; the gates are bits of `Gate`."""

    volunteer_id: UUID
    distance_m: int
    gates: int


def packed(passed_over: Mapping[UUID, tuple[float, int]]) -> bytes:
    """Return the reasons of those who were passed over, in their order."""
    return b"".join(
        [REASON.pack(who.bytes, round(metres), gates) for who, (metres, gates) in passed_over.items()]
    )


def packed_counts(beyond: Mapping[int, int], *, complete: bool) -> str | None:
    """Return the numbers of people by gates as JSON; None where there are none."""
    if not beyond and complete:
        return None
    gates = [[int(gates), people] for gates, people in sorted(beyond.items())]
    return orjson.dumps({"gates": gates, "complete": complete}).decode()


def reasons_of(row: asyncpg.Record) -> list[Reason]:
    """Return who was passed over in a round, from `passed`, or from `passed_over` of an earlier release."""
    if row["passed"] is None:
        return [Reason(UUID(who), metres, gates) for who, metres, gates in row["passed_over"]]
    return [
        Reason(UUID(bytes=who), metres, gates) for who, metres, gates in REASON.iter_unpack(row["passed"])
    ]


def counts_of(row: asyncpg.Record) -> tuple[dict[int, int], bool]:
    """Return how many others were passed over by gates, and whether that is everybody."""
    # An earlier release listed the nearest forty and counted nobody.
    beyond: dict[str, Any] = row["beyond"] or {"gates": [], "complete": row["passed"] is not None}
    return dict(beyond["gates"]), beyond["complete"]
