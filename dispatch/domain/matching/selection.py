"""The choice among volunteers who were found: across a batch, most severe incidents first, nearest people first."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntFlag
from functools import reduce
from operator import and_, attrgetter, or_
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from dispatch.domain.commands import Pick
from dispatch.domain.incident import Incident
from dispatch.domain.matching.ranking import Ranking, Standing
from schemas.base import SEVERITY_RANK
from schemas.plans import SearchPolicy

OVERFETCH = 3
"""The multiple of the wanted number that is fetched: two incidents at one place find the same people."""

ASKED_MOST, ASKED_WITHIN = 6, timedelta(hours=1)
"""So many offers in a lane within an hour are enough for one person; a life-threatening one is always made."""


class Gate(IntFlag):
    """Why a volunteer is not asked, as the search returns it and as rounds store it.

    A new gate takes the next bit. A bit never changes its meaning and is never used again: stored rounds have it.
    """

    SKILL = 1
    AVAILABILITY = 2
    CONSENT = 4
    AGE = 8
    REST = 16
    POSITION = 32
    OFFER = 64
    ENGAGED = 128
    ASKED = 256
    LEFT = 512
    DRILL = 1024
    OFTEN = 2048
    # Set by the allocation and the claim, not by the search.
    FARTHER = 4096
    ELSEWHERE = 8192
    HELD = 16384
    # Set while nothing can be sent on the channels to which the volunteer has consented.
    UNSENDABLE = 32768
    # Set where only the members of some stations are asked.
    STATION = 65_536
    # Set for plans that name lists of people, and for people who must not meet.
    LIST = 131_072
    NEVER = 262_144
    APART = 524_288
    # Set by the allocation for plans that do not ask the nearest first.
    WAITED_LESS = 1_048_576
    NOT_DRAWN = 2_097_152
    LATER_GROUP = 4_194_304


SENSITIVE = Gate.AGE | Gate.LEFT | Gate.CONSENT | Gate.NEVER | Gate.APART
"""Gates that read "not eligible" to anybody who asks why."""


BEHIND = {"nearest": Gate.FARTHER, "turn": Gate.WAITED_LESS, "lot": Gate.NOT_DRAWN}
"""Why somebody is not asked although they may be, by how a plan chooses."""


class Found(NamedTuple):
    """A volunteer near one role of one incident; `muster` is their station, where stations are asked."""

    volunteer_id: UUID
    metres: float
    gates: int
    muster: str | None = None


@dataclass(slots=True)
class Choice:
    """The volunteers picked for an incident, and why the others within the radius were passed over.

    `passed_over` names the nearest, and everybody who is nearer than the farthest pick; `beyond` counts the others by
    their gates, all of them unless `counted` is false. `ranking` is the order, where the nearest are not simply first.
    """

    picks: list[Pick] = field(default_factory=list)
    passed_over: dict[UUID, tuple[float, int]] = field(default_factory=dict)
    beyond: Counter[int] = field(default_factory=Counter)
    counted: bool = True
    contended: bool = False
    ranking: Ranking | None = None

    def drop(self, volunteer_id: UUID, gate: Gate) -> None:
        """Remove a pick that could not be claimed, and record the reason."""
        pick = next(p for p in self.picks if p.volunteer_id == volunteer_id)
        self.picks.remove(pick)
        self.passed_over[volunteer_id] = (pick.distance_m, gate)
        self.contended = True

    def shut(self) -> dict[str, int]:
        """Return the number of those passed over, by gate; a sensitive gate is not named."""
        return by_word(Counter(gates for _, gates in self.passed_over.values()) + self.beyond)

    def last_group(self) -> int | None:
        """Return the last group of which somebody was picked; None where nobody was, or nobody is ranked."""
        if self.ranking is None:
            return None
        return max((self.ranking.group(pick.volunteer_id) for pick in self.picks), default=None)


def list_gates(policy: SearchPolicy, standing: Standing) -> Gate:
    """Return the gates that the lists of a plan shut for somebody."""
    unlisted = policy.only is not None and not standing.listed
    return (Gate.LIST if unlisted else Gate(0)) | (Gate.NEVER if standing.barred else Gate(0))


def asked_since(incident: Incident, now: datetime) -> datetime | None:
    """Return the time since which offers count towards `ASKED_MOST`; None if the limit does not apply."""
    return None if incident.severity == "life_threatening" else now - ASKED_WITHIN


def readable(gates: int) -> list[str]:
    """Return gates as words that may be shown; a sensitive one reads "not eligible"."""
    if gates & SENSITIVE:
        return ["not eligible"]
    return [gate.name.lower() for gate in Gate(gates) if gate.name]


def by_word(people: Mapping[int, int]) -> dict[str, int]:
    """Return numbers of people by each word for their gates, from their numbers by gates."""
    counts: Counter[str] = Counter()
    for gates, number in people.items():
        for word in readable(gates):
            counts[word] += number
    return dict(counts)


def allocate(
    incidents: Sequence[Incident],
    wanted: Mapping[UUID, Counter[str]],
    found: Mapping[UUID, Mapping[str, Sequence[Found]]],
    rankings: Mapping[UUID, Ranking] = MappingProxyType({}),
) -> dict[UUID, Choice]:
    """Choose for each incident, most severe and then oldest first; nobody is chosen twice in a lane but the planned.

    The nearest are chosen, or those who are first in the incident's ranking.
    """
    taken: dict[object, set[UUID]] = defaultdict(set)
    choices: dict[UUID, Choice] = {}
    for incident in sorted(incidents, key=lambda i: (SEVERITY_RANK[i.severity], i.opened_at, i.id)):
        roles, ranking = found.get(incident.id, {}), rankings.get(incident.id)
        # Planned missions stand in nobody's way.
        rivals = incident.id if incident.lane == "planned" else incident.lane
        choices[incident.id] = _choose(wanted[incident.id], roles, taken[rivals], ranking)
    return choices


def _choose(
    wanted: Counter[str],
    roles: Mapping[str, Sequence[Found]],
    taken: set[UUID],
    ranking: Ranking | None,
) -> Choice:
    """Fill the scarcest role first: a driver is not used for a seat that any volunteer could fill."""
    choice = Choice(ranking=ranking)
    mine: set[UUID] = set()
    for role in sorted(wanted, key=lambda role: (sum(1 for f in roles.get(role, ()) if not f.gates), role)):
        room = wanted[role]
        for one in _in_order(roles.get(role, ()), ranking):
            if room == 0:
                break
            if not one.gates and one.volunteer_id not in taken:
                choice.picks.append(Pick(one.volunteer_id, role, round(one.metres), one.muster))
                taken.add(one.volunteer_id)
                mine.add(one.volunteer_id)
                room -= 1
        else:
            # The search may have left out farther people in favour of nearer ones whom other incidents then took.
            others = taken - mine
            choice.contended |= any(not f.gates and f.volunteer_id in others for f in roles.get(role, ()))
    _record_passed_over(choice, roles, mine, taken)
    return choice


def _in_order(found: Sequence[Found], ranking: Ranking | None) -> Sequence[Found]:
    """Return people as found, the nearest first, or in the order of a ranking, then those who are not in it."""
    if ranking is None:
        return found
    return sorted(found, key=lambda one: ranking.ranks.get(one.volunteer_id, len(ranking.ranks)))


def _record_passed_over(
    choice: Choice, roles: Mapping[str, Sequence[Found]], mine: set[UUID], taken: set[UUID]
) -> None:
    """Record why the others were not chosen, the nearest first."""
    last = choice.last_group()
    for one in for_any_role(roles):
        if one.volunteer_id not in mine:
            gates = one.gates or (
                Gate.ELSEWHERE if one.volunteer_id in taken else _behind(choice.ranking, last, one)
            )
            choice.passed_over[one.volunteer_id] = (one.metres, gates)


def _behind(ranking: Ranking | None, last: int | None, one: Found) -> Gate:
    """Return why somebody who may be asked comes after those who were picked, the last of them of a group."""
    if ranking is None:
        return Gate.FARTHER
    later = last is not None and ranking.group(one.volunteer_id) > last
    return Gate.LATER_GROUP if later else BEHIND[ranking.choose]


def for_any_role(roles: Mapping[str, Sequence[Found]]) -> Sequence[Found]:
    """Return everybody found, the nearest first, with the gates that shut each out of every role."""
    if len(roles) == 1:
        return next(iter(roles.values()))
    metres: dict[UUID, float] = {}
    gates: dict[UUID, list[int]] = defaultdict(list)
    for one in (one for found in roles.values() for one in found):
        metres[one.volunteer_id] = one.metres
        gates[one.volunteer_id].append(one.gates)
    return sorted((Found(who, metres[who], combined(gates[who])) for who in metres), key=attrgetter("metres"))


def combined(gates: Sequence[int]) -> int:
    """Return the gates that shut somebody out of every role: those that all roles share, else all; 0 who fits one."""
    return 0 if 0 in gates else reduce(and_, gates) or reduce(or_, gates)
