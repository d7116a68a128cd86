"""The question of an incident to the search, and what was found for it: each candidate judged for each role."""

from calendar import isleap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from uuid import UUID

from dispatch.domain.asking.clearances import needed_until
from dispatch.domain.asking.offers import seats_by_role
from dispatch.domain.incident import Incident
from dispatch.domain.matching.ranking import Standing
from dispatch.domain.matching.selection import OVERFETCH, Found, Gate, combined, list_gates
from dispatch.storage.search_areas import areas_of

Wanted = Mapping[UUID, Mapping[str, int]]
Near = tuple[float, UUID, int, int, str, float]
"""A candidate: metres, id, gates except those of skill and age, birth date in days since `DAY_ZERO`, stored skills,
projected metres."""

NEAREST = 60
"""The number of volunteers around an incident that are returned whatever their gates."""
RANKED = 5_000
"""The same for a plan that does not simply ask the nearest: nobody farther is considered but who is on its list."""
SKILL, AGE = int(Gate.SKILL), int(Gate.AGE)
DAY_ZERO = date(2000, 1, 1)
"""The day from which Postgres counts days."""
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class Question:
    """The search for one incident, and the volunteers found so far by role, nearest first.

    Everybody is known up to `edge`, in projected metres; it is `complete` where that is the whole area.
    """

    def __init__(self, incident: Incident, wanted: Mapping[str, int], now: datetime) -> None:
        self.incident = incident
        self.areas = list(areas_of(incident, now))
        self.roles = sorted(role for role, count in wanted.items() if count > 0)
        self.seats = seats_by_role(incident, self.roles)
        self.born_before = {role: years_before(now, self.seats[role].min_age or 0) for role in self.roles}
        self.needed_until = needed_until(incident, now)
        self.most = {role: wanted[role] * OVERFETCH + 10 for role in self.roles}
        self.ranked = incident.plan.search.ranks
        self.nearest = RANKED if self.ranked else NEAREST
        self.found: dict[str, list[Found]] = {}
        self.edge, self.complete = 0.0, False
        self.projected: dict[UUID, float] = {}
        """The projected metres of those who are known, where the search is not complete."""
        self.standings: Mapping[UUID, Standing] = {}
        """What the order of those who are known rests on, where the plan does not simply ask the nearest."""

    def add_nearest(self, near: list[Near], reach: float) -> None:
        """Take the nearest, everybody of whom is known up to a projected distance."""
        if len(near) > self.nearest:
            near.sort(key=itemgetter(5, 1))
            reach = near[self.nearest - 1][5]
            del near[self.nearest :]
        self.edge, self.complete = reach, reach >= self.areas[0].reach
        self.found = self.judged(near)
        if not self.complete:
            self.projected = {one[1]: one[5] for one in near if one[0] <= self.incident.radius_m}

    def judged(self, near: Sequence[Near]) -> dict[str, list[Found]]:
        """Return for every role who is within the radius; the roles differ in the gates of skill and age only."""
        radius = self.incident.radius_m
        within = sorted(one for one in near if one[0] <= radius)
        valid = {skills: valid_skills(skills, self.needed_until) for skills in {one[4] for one in within}}
        found = {}
        for role in self.roles:
            lacking = {held: self.skill_gate(role, skills) for held, skills in valid.items()}
            latest = (self.born_before[role] - DAY_ZERO).days
            found[role] = [
                Found(who, metres, gates | lacking[held] | (AGE if born > latest else 0))
                for metres, who, gates, born, held, _ in within
            ]
        return found

    def add_members(self, members: Mapping[str, list[Near]]) -> None:
        """Take the members of each station that is asked, in the stations' order; shut out whoever else is near."""
        stations = [(one.name, members.get(one.name, [])) for one in self.incident.stations]
        everybody = {one[1] for _, near in stations for one in near}
        judged = [(name, self.judged(near)) for name, near in stations]
        for role, near_by in self.found.items():
            mine = [one._replace(muster=name) for name, found in judged for one in found[role]]
            others = [one for one in near_by if one.volunteer_id not in everybody]
            self.found[role] = mine + [one._replace(gates=one.gates | Gate.STATION) for one in others]

    def looks_for_listed(self) -> bool:
        """Return whether somebody on the list of the plan may be farther than everybody who is known."""
        return self.incident.plan.search.only is not None and not (self.complete or self.incident.by_station)

    def add_listed(self, near: Sequence[Near]) -> None:
        """Take people on the list of the plan who were not known yet."""
        new = [one for one in near if one[1] not in self.projected]
        self.projected |= {one[1]: one[5] for one in new if one[0] <= self.incident.radius_m}
        for role, more in self.judged(new).items():
            self.found[role] = sorted([*self.found[role], *more], key=itemgetter(1))

    def add_standings(self, standings: Mapping[UUID, Standing]) -> None:
        """Take the standings of those who are known; shut out whom the lists of the plan do."""
        self.standings, policy = standings, self.incident.plan.search
        # Who has left the roster since the search has no standing.
        left = dict.fromkeys(self.people() - standings.keys(), Gate.LEFT)
        self.shut(left | {who: list_gates(policy, one) for who, one in standings.items()})

    def skill_gate(self, role: str, skills: Sequence[str]) -> int:
        """Return the gate that these valid skills leave shut for a role, if any."""
        return 0 if self.seats[role].fits(skills) else SKILL

    def people(self) -> set[UUID]:
        """Return everybody who is known to be within the radius."""
        return {one.volunteer_id for found in self.found.values() for one in found}

    def passing(self) -> dict[UUID, float]:
        """Return the metres of everybody who fits a role and may be asked."""
        return {
            one.volunteer_id: one.metres for found in self.found.values() for one in found if not one.gates
        }

    def stations(self) -> dict[UUID, int]:
        """Return the place in the plan's order of the station of each member; nobody for who goes to the scene."""
        places = {one.name: place for place, one in enumerate(self.incident.stations)}
        found = (one for each in self.found.values() for one in each)
        return {one.volunteer_id: places[one.muster] for one in found if one.muster in places}

    def shut(self, gates: Mapping[UUID, int]) -> None:
        """Shut people out of every role."""
        if any(gates.values()):
            for role, found in self.found.items():
                self.found[role] = [
                    one._replace(gates=one.gates | gates.get(one.volunteer_id, 0)) for one in found
                ]

    def _goes_on(self) -> bool:
        """Return whether people farther off may be asked who are not known yet."""
        return not (self.complete or self.ranked or self.incident.by_station)

    def short(self) -> Iterator[tuple[str, int]]:
        """Yield the roles with too few who pass, and how many to find from the edge on."""
        for role, found in self.found.items() if self._goes_on() else ():
            passing = [one for one in found if not one.gates]
            at_edge = sum(self.projected[one.volunteer_id] == self.edge for one in passing)
            missing = self.most[role] - len(passing) + at_edge
            if missing > at_edge:
                yield role, missing

    def add_farther(self, farther: Mapping[str, Sequence[tuple[Found, float]]]) -> None:
        """Take those who pass beyond the edge, by role."""
        for role, more in farther.items():
            known = {one.volunteer_id for one in self.found[role]}
            new = [(one, projected) for one, projected in more if one.volunteer_id not in known]
            self.found[role] = sorted([*self.found[role], *(one for one, _ in new)], key=itemgetter(1))
            self.projected |= {one.volunteer_id: projected for one, projected in new}

    def remember(self, roles: Mapping[str, Sequence[Found]], near: Sequence[Near]) -> None:
        """Take people who were read later, for the sake of their reasons."""
        self.found = {role: [*found, *roles[role]] for role, found in self.found.items()}
        projected = {one[1]: one[5] for one in near}
        self.projected |= {one.volunteer_id: projected[one.volunteer_id] for one in roles[self.roles[0]]}

    @property
    def otherwise(self) -> Gate:
        """Return why somebody was not asked who fits a role, is free, and was not read with the nearest."""
        return Gate.FARTHER if self.incident.plan.search.only is None else Gate.LIST

    def gates_of(self, who: UUID) -> int:
        """Return the gates of somebody who is known, for all roles together."""
        return combined(
            [one.gates for found in self.found.values() for one in found if one.volunteer_id == who]
        )


def valid_skills(skills: str, now: datetime) -> list[str]:
    """Return the skills that are valid at a time, from the text in which they are stored."""
    elapsed = (now - EPOCH) // MICROSECOND
    held = (one.partition("@") for one in skills.split(","))
    return [skill for skill, _, until in held if not until or int(until) > elapsed]


def years_before(now: datetime, years: int) -> date:
    """Return the latest birth date of a person of so many years; 29 February becomes 28 in a year without it."""
    year = now.year - years
    day = 28 if (now.month, now.day) == (2, 29) and not isleap(year) else now.day
    return date(year, now.month, day)
