"""Where people gather: at the scene, at a named point, or at the stations of which they are members, in an order."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from dispatch.domain.commands import Pick
from dispatch.domain.incident import Incident
from dispatch.domain.matching.geo import distance_m
from schemas.base import MusterPoint, Position
from schemas.incidents import Widened
from schemas.plans import MOST_STATIONS, SCENE, STATION, Plan


class KnownPoint(Struct, frozen=True):
    """A muster point of an organisation; a `station` is one with members."""

    point: MusterPoint
    station: bool


def musters_of(plan: Plan, position: Position | None, known: Iterable[KnownPoint]) -> tuple[MusterPoint, ...]:
    """Return the points where people gather, in the order in which they are used; none where they go to the scene."""
    if plan.muster == SCENE:
        return ()
    if plan.muster != STATION:
        return tuple(one.point for one in known if one.point.name == plan.muster)
    stations = [one.point for one in known if one.station]
    if plan.stations:
        by_name = {station.name: station for station in stations}
        return tuple(by_name[name] for name in plan.stations if name in by_name)
    return _by_distance(stations, position)[:MOST_STATIONS]


def placed(incident: Incident, position: Position | None) -> tuple[MusterPoint, ...]:
    """Return the points once an incident gets its first position: its stations by their distance to it."""
    moves = incident.position is None and position is not None
    if not (moves and incident.by_station) or incident.plan.stations:
        return incident.musters
    return _by_distance(incident.musters, position)


def _by_distance(stations: Sequence[MusterPoint], position: Position | None) -> tuple[MusterPoint, ...]:
    ordered = sorted(stations, key=lambda one: one.name)
    if position is not None:
        ordered.sort(key=lambda one: distance_m(position, one.position))
    return tuple(ordered)


def ring_of(incident: Incident, event: Widened) -> int:
    """Return the ring to which the search was widened: that of a station, or of a radius."""
    if event.muster is None:
        return incident.plan.search.radii_m.index(event.radius_m)
    return [one.name for one in incident.musters].index(event.muster)


def point_of(incident: Incident, pick: Pick) -> str | None:
    """Return the name of the point to which somebody is asked to come; None for the scene."""
    if incident.by_station or not incident.musters:
        return pick.muster
    return incident.musters[0].name
