"""The order in which a plan asks people within its radius: by groups, and in them by distance, by turn or by lot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from schemas.plans import SearchPolicy

NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""Stands for the last assignment of those who had none: they have waited longest."""


class Standing(NamedTuple):
    """What the order of one person rests on; `last_assigned_at` is known only where people are asked in turn."""

    availability: str
    listed: bool
    barred: bool
    last_assigned_at: datetime | None


class Place(NamedTuple):
    """One person's place in an order: their group, and in turn when they were last assigned.

    The groups of one station come before those of the next.
    """

    volunteer_id: UUID
    group: int
    last_assigned_at: datetime | None


class Draw(NamedTuple):
    """What lots are drawn from: an incident, and one round of its search."""

    incident_id: UUID
    round_id: UUID


@dataclass(frozen=True)
class Ranking:
    """All who may be asked, in the order of the plan."""

    choose: str
    places: tuple[Place, ...]

    @cached_property
    def ranks(self) -> Mapping[UUID, int]:
        """Return the number of each place, from 0."""
        return {place.volunteer_id: number for number, place in enumerate(self.places)}

    def group(self, volunteer_id: UUID) -> int:
        """Return the group of somebody who may be asked."""
        return self.places[self.ranks[volunteer_id]].group


def rank(
    policy: SearchPolicy,
    draw: Draw,
    metres: Mapping[UUID, float],
    standings: Mapping[UUID, Standing],
    stations: Mapping[UUID, int] = MappingProxyType({}),
) -> Ranking:
    """Return those whose distance is given in the order of a plan; `stations` has the place of each one's station."""
    last = len(policy.order)
    groups = {
        who: stations.get(who, 0) * (last + 1) + policy.groups.get(standings[who].availability, last)
        for who in metres
    }
    places = [Place(who, groups[who], standings[who].last_assigned_at) for who in metres]
    if policy.choose == "nearest":
        ordered = sorted(places, key=lambda one: (one.group, metres[one.volunteer_id]))
    else:
        ordered = recomputed(policy.choose, draw, places)
    return Ranking(policy.choose, tuple(ordered))


def recomputed(choose: str, draw: Draw, places: Iterable[Place]) -> list[Place]:
    """Return people in turn, or as lots are drawn; also from what was stored of them, in whatever order.

    In turn, equals are ordered by a lot that is the same in each round.
    """
    drawn = draw.round_id if choose == "lot" else draw.incident_id
    return sorted(
        places, key=lambda one: (one.group, one.last_assigned_at or NEVER, lot(drawn, one.volunteer_id))
    )


def lot(drawn: UUID, volunteer_id: UUID) -> bytes:
    """Return a person's lot: whoever has the smallest comes first. Anybody can compute it again."""
    return sha256(drawn.bytes + volunteer_id.bytes).digest()
