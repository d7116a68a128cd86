"""The search, computed in Python from the tables that the candidate rows repeat."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import atan, degrees, sinh
from typing import Any
from uuid import UUID

import asyncpg

from dispatch.domain.asking.offers import seats_by_role
from dispatch.domain.incident import Incident
from dispatch.domain.matching.geo import MERCATOR_M, distance_m
from dispatch.domain.matching.selection import ASKED_MOST, Gate, asked_since
from schemas.base import Position

CHANNELS = {"sms", "voice", "push", "email"}
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Sources:
    """All rows of the tables that the gates ask."""

    tables: dict[str, Rows]

    @classmethod
    async def read(cls, pool: asyncpg.Pool) -> "Sources":
        """Read the tables."""
        names = ("memberships", "member_positions", "skills", "offers", "assignments")
        return cls({name: [dict(row) for row in await pool.fetch(f"SELECT * FROM {name}")] for name in names})

    def of(self, table: str, who: UUID) -> Iterator[dict[str, Any]]:
        """Yield the rows of a person."""
        return (row for row in self.tables[table] if row["volunteer_id"] == who)

    def around(self, incident: Incident, role: str, now: datetime) -> list[tuple[float, UUID, int]]:
        """Return metres, person and gates of everybody within the radius, the nearest first."""
        found = []
        for member in self.tables["memberships"]:
            metres, stale = self._place(member, incident, now)
            if member["organisation"] == incident.organisation and metres <= incident.radius_m:
                gates = self._gates(member, incident, role, now) | (Gate.POSITION if stale else 0)
                found.append((metres, member["volunteer_id"], int(gates)))
        return sorted(found)

    def _place(self, member: dict[str, Any], incident: Incident, now: datetime) -> tuple[float, bool]:
        """Return the distance of a member, infinite for one without a place, and whether the place is outdated."""
        mine = self.of("member_positions", member["volunteer_id"])
        places = {row["kind"]: row for row in mine if row["organisation"] == member["organisation"]}
        fresh_since = now - timedelta(seconds=incident.plan.search.position_max_age_s)
        live, at_work = places.get("live"), member["availability"] == "at_work"
        base = places.get("work") if at_work else None
        base = base or places.get("home")
        if live and live["recorded_at"] >= fresh_since:
            return _metres(live, incident), False
        if base:
            return _metres(base, incident), False
        if live and places.keys() == {"live"}:
            return _metres(live, incident), True
        return float("inf"), False

    def _gates(self, member: dict[str, Any], incident: Incident, role: str, now: datetime) -> Gate:
        who, policy = member["volunteer_id"], incident.plan.search
        seat = seats_by_role(incident, [role])[role]
        consent, offers = set(member["consent"]), list(self.of("offers", who))
        in_lane = [row for row in offers if row["lane"] == incident.lane]
        # Planned missions stand in nobody's way before people are claimed.
        rivals = incident.lane != "planned"
        assignments = list(self.of("assignments", who))
        rested, since = now - timedelta(seconds=policy.rest_s), asked_since(incident, now)
        shut = {
            Gate.SKILL: not seat.fits(self._skills(who, incident.organisation, now)),
            Gate.AVAILABILITY: member["availability"] not in policy.availability,
            Gate.CONSENT: not consent & CHANNELS,
            Gate.AGE: not member["birth_date"] or _age(member["birth_date"], now) < (seat.min_age or 0),
            Gate.REST: any(a["reason"] == "done" and a["released_at"] > rested for a in assignments),
            Gate.OFFER: rivals and any(offer["status"] == "extended" for offer in in_lane),
            Gate.ENGAGED: rivals
            and any(a["lane"] == incident.lane and a["status"] != "released" for a in assignments),
            Gate.ASKED: any(offer["incident_id"] == incident.id for offer in offers),
            Gate.LEFT: bool(member["left_at"] or member["stopped_at"]),
            Gate.DRILL: incident.mode != "actual" and "drills" not in consent,
            Gate.OFTEN: bool(since) and sum(offer["extended_at"] > since for offer in in_lane) >= ASKED_MOST,
        }
        return Gate(sum(gate for gate, is_shut in shut.items() if is_shut))

    def _skills(self, who: UUID, organisation: UUID, now: datetime) -> set[str]:
        mine = (row for row in self.of("skills", who) if row["organisation"] == organisation)
        return {row["skill"] for row in mine if row["expires_at"] is None or row["expires_at"] > now}


def _age(born: date, now: datetime) -> int:
    """Return the age in years; nobody here is born on 29 February."""
    return now.year - born.year - ((now.month, now.day) < (born.month, born.day))


def _metres(place: dict[str, Any], incident: Incident) -> float:
    """Return the geodesic distance to a place, from its projected coordinates."""
    assert incident.position is not None
    at = place["at"]
    lat = degrees(atan(sinh(at.y / MERCATOR_M)))
    return distance_m(incident.position, Position(lat=lat, lon=degrees(at.x / MERCATOR_M)))
