"""Incidents as the searches for volunteers take them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from dispatch.domain.incident import Incident
from dispatch.domain.matching.geo import appearances, curvature, mercator, projected_reach
from dispatch.domain.matching.selection import asked_since
from schemas.base import Lane, Position


class SearchArea(NamedTuple):
    """An incident as the searches take it: where, how far, and what its policy asks of a volunteer.

    `x`, `y` and `reach` are projected metres; `east` and `north` turn them into metres on the ground, as `radius` is.
    """

    incident_id: UUID
    organisation: UUID
    lane: Lane
    x: float
    y: float
    reach: float
    radius: float
    east: float
    north: float
    rested_since: datetime
    fresh_since: datetime
    availability: str
    drill: bool
    asked_since: datetime | None


def place_of(incident: Incident) -> Position:
    """Return the place around which people are searched; raises ValueError for an incident that is nowhere."""
    if incident.place is None:
        msg = "an incident without a position is never searched around"
        raise ValueError(msg)
    return incident.place


def areas_of(incident: Incident, now: datetime) -> Iterator[SearchArea]:
    """Yield the area around an incident; where it crosses the 180th meridian also as seen from the other side."""
    policy, place = incident.plan.search, place_of(incident)
    at_x, y = mercator(place.lat, place.lon)
    reach = projected_reach(place.lat, incident.radius_m)
    for x in appearances(at_x, reach):
        yield SearchArea(
            incident.id, incident.organisation, incident.lane, x, y, reach, incident.radius_m,
            *curvature(place.lat),
            now - timedelta(seconds=policy.rest_s), now - timedelta(seconds=policy.position_max_age_s),
            ",".join(policy.availability), incident.mode != "actual", asked_since(incident, now),
        )  # fmt: skip
