"""Chance through the domain: what decide and evolve make of seeded dice agrees with the values known exactly.

With p the chance that one person accepts, waves of k ask k / (1 - (1 - p)^k) people on average until one accepts. In a
Poisson field of L people per km2 the nearest accepter is farther than r with the chance exp(-pi L p r^2).
Each mean may be off by four standard errors: less than once in 10,000 runs by chance, and never with these seeds.
"""

from collections import Counter
from math import exp, log, pi, sqrt
from random import Random
from statistics import fmean, median, stdev
from typing import NamedTuple

import pytest

from dispatch.domain.asking.offers import offers_wanted
from dispatch.domain.commands import Consider
from dispatch.domain.incident import Incident
from dispatch.domain.matching.selection import Found, allocate
from schemas.ids import named
from schemas.plans import Plan
from tests.domain.builders import after, answered, at, incident, passed, person, picks, plan

RUNS, ERRORS = 1_000, 4
ONE = ({"role": "helper", "skills": ("first_aid",), "count": 1},)
KM = 1000


class Waves(NamedTuple):
    """How many people a run asked, and in how many waves."""

    asked: int
    waves: int


def until_one_accepts(dice: Random, chance: float, under: Plan) -> Waves:
    """Ask in waves, of which each person accepts with a chance or lets the window end."""
    state, waves, now = incident(under), 0, 0
    while wanted := offers_wanted(state).total():
        first = state.offers_made
        state = after(state, picks(["helper"] * wanted, first), now=at(now))
        for number in range(first, first + wanted):
            if dice.random() < chance:
                state = answered(state, number, "accepted", now=at(now + 1))
        waves, now = waves + 1, now + 60
        state = passed(state, at(now))
    assert state.seated()
    return Waves(state.offers_made, waves)


@pytest.mark.parametrize(
    ("chance", "size", "any_", "asked", "waves"),
    [
        (0.287, 1, 0.287, 3.484, 3.484),
        (0.287, 3, 0.6375, 4.706, 1.569),
        (0.287, 7, 0.9063, 7.724, 1.103),
        (0.353, 3, 0.7292, 4.114, 1.371),
        (0.353, 16, 0.9991, 16.015, 1.001),
    ],
)
def test_waves_until_one_accepts_ask_as_many_as_is_known_exactly(
    chance: float, size: int, any_: float, asked: float, waves: float
) -> None:
    dice = Random(f"{chance} {size}")
    steps = ({"after_s": 600_000, "level": 3, "do": "page"},)
    under = plan(ask="wave", seats=ONE, steps=steps, offers={"open": size, "window_s": 60, "most": 2000})
    runs = [until_one_accepts(dice, chance, under) for _ in range(RUNS)]
    agrees([float(run.waves == 1) for run in runs], any_)
    agrees([run.asked for run in runs], asked)
    agrees([run.waves for run in runs], waves)


def agrees(found: list[float] | list[int], exact: float) -> None:
    """Check a mean against the exact one, which is known to three places after the point."""
    assert abs(fmean(found) - exact) <= ERRORS * stdev(found) / sqrt(len(found)) + 0.001


def nearest_accepter(dice: Random, per_km2: float, chance: float, under: Plan) -> float | None:
    """Ask the people of a field one by one as the search finds them; return the metres to the one who is seated."""
    metres = sorted(KM * sqrt(dice.random()) for _ in range(poisson(dice, per_km2 * pi)))
    field = [Found(person(number), far, 0) for number, far in enumerate(metres)]
    state = incident(under)
    for now in range(len(field)):
        asked = after(state, _search(state, field[now:]), now=at(now))
        (offer,) = asked.live_offers()
        number = next(n for n, one in enumerate(field) if one.volunteer_id == offer.volunteer_id)
        state = answered(asked, number, "accepted" if dice.random() < chance else "declined", now=at(now))
        if state.seated():
            return offer.distance_m
    return None


def _search(state: Incident, field: list[Found]) -> Consider:
    wanted = {state.id: Counter(offers_wanted(state))}
    choice = allocate([state], wanted, {state.id: {"helper": field}})[state.id]
    return Consider(named("round", state.seq), tuple(choice.picks))


def poisson(dice: Random, mean: float) -> int:
    """Draw a number of the Poisson distribution: the arrivals within one unit of time."""
    count, left = 0, dice.expovariate(mean)
    while left < 1:
        count, left = count + 1, left + dice.expovariate(mean)
    return count


@pytest.mark.parametrize(("per_km2", "middle_m", "within_1_km"), [(10, 277, 0.9999), (3, 506, 0.933)])
def test_the_nearest_accepter_in_a_poisson_field_is_as_far_as_is_known_exactly(
    per_km2: float, middle_m: float, within_1_km: float
) -> None:
    chance, dice = 0.287, Random(f"field {per_km2}")
    under = plan(ask="sequential", seats=ONE, offers={"window_s": 60, "most": 2000})
    found = [nearest_accepter(dice, per_km2, chance, under) or 2 * KM for _ in range(RUNS)]
    agrees([float(far < KM) for far in found], within_1_km)
    for metres in (100, 200, 300, 500, 800):
        agrees([float(far > metres) for far in found], exp(-pi * per_km2 * chance * (metres / KM) ** 2))
    assert KM * sqrt(log(2) / (pi * per_km2 * chance)) == pytest.approx(middle_m, abs=1)
    assert median(found) == pytest.approx(middle_m, rel=0.1)
