"""Whether anything can be sent to the volunteers of a batch's incidents: nobody is asked who would get nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.incident import Incident
from dispatch.domain.matching.selection import Found, Gate
from dispatch.storage import outages
from dispatch.storage.outages import EVERY, Obstacle
from schemas.base import SEVERITY_RANK

FoundByRole = dict[str, list[Found]]


class Sendable:
    """What can be sent for the incidents of a batch; `held_back` are those for which somebody was left out."""

    def __init__(
        self, incidents: Sequence[Incident], obstacles: Mapping[UUID, Obstacle], probing: frozenset[UUID]
    ) -> None:
        """Take the incidents, the obstacles by organisation, and the incidents that make one offer nevertheless."""
        self._incidents = {incident.id: incident for incident in incidents}
        self._obstacles = obstacles
        self._probing = probing
        self.held_back = {i.id for i in incidents if i.id in probing or EVERY in self._channels(i)}

    @classmethod
    async def read(
        cls, connection: asyncpg.Connection, incidents: Sequence[Incident], now: datetime
    ) -> "Sendable":
        """Read the outages of the incidents' organisations, and claim the probes that are due."""
        if not incidents:
            return cls([], {}, frozenset())
        found = await outages.obstacles(connection, (i.organisation for i in incidents), now)
        failing = [organisation for organisation, one in found.items() if one.channels and not one.paused]
        first: dict[UUID, UUID] = {}
        for organisation in await outages.claim_probes(connection, failing, now):
            first[organisation] = min((i for i in incidents if i.organisation == organisation), key=_turn).id
        return cls(incidents, found, frozenset(first.values()))

    def is_paused(self, incident: Incident) -> bool:
        """Return whether the incident's organisation has paused new offers."""
        obstacle = self._obstacles.get(incident.organisation)
        return obstacle is not None and obstacle.paused

    def may_search(self, incident: Incident) -> bool:
        """Return whether volunteers are searched for the incident at all."""
        return not self.is_paused(incident) and (
            incident.id in self._probing or EVERY not in self._channels(incident)
        )

    def limit(self, incident: Incident, wanted: Counter[str]) -> Counter[str]:
        """Return how many offers the incident may make: one, where it probes whether messages leave again."""
        if incident.id not in self._probing:
            return wanted
        return Counter([next(role for role, count in wanted.items() if count > 0)])

    async def gate(self, connection: asyncpg.Connection, found: Mapping[UUID, FoundByRole]) -> None:
        """Shut out those who can be reached on failing channels only."""
        for name, roles in found.items():
            incident = self._incidents[name]
            failing = self._channels(incident)
            if failing and name not in self._probing:
                passing = sorted(
                    {one.volunteer_id for each in roles.values() for one in each if not one.gates}
                )
                reached = await outages.reachable(connection, incident.organisation, passing, failing)
                self._shut(name, roles, set(passing) - reached)

    def _shut(self, name: UUID, roles: FoundByRole, unreachable: set[UUID]) -> None:
        if not unreachable:
            return
        self.held_back.add(name)
        for role, each in roles.items():
            roles[role] = [_shut_out(one) if one.volunteer_id in unreachable else one for one in each]

    def _channels(self, incident: Incident) -> frozenset[str]:
        obstacle = self._obstacles.get(incident.organisation)
        return obstacle.channels if obstacle else frozenset()


def _turn(incident: Incident) -> tuple[int, datetime, UUID]:
    return SEVERITY_RANK[incident.severity], incident.opened_at, incident.id


def _shut_out(one: Found) -> Found:
    return Found(one.volunteer_id, one.metres, one.gates | Gate.UNSENDABLE)
