"""The behaviour of simulated volunteers: their answer, its delay, their turn-out time and speed."""

import math
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

DemoAnswer = Literal["accepted", "declined"]

ACCEPTANCE = (0.287, 0.353)
"""Share of alerted people who accept: median of 12 systems (Scquizzato 2020), all of Denmark (Kragh)."""

REPLY_MEDIAN_S, REPLY_SIGMA = 25.0, 0.6
TURN_OUT_DAY_S, TURN_OUT_NIGHT_S = 102.0, 142.0
"""Medians of 4,138 responders from the alert to leaving (Ganter 2025)."""

TURN_OUT_SIGMA = 0.41
"""Fits p10 61 s and p90 174 s of Dublin's whole-time crews, the nearest published spread."""

DAY = range(7, 22)
SPEEDS_MPS = (1.8, 2.3)
"""In dense streets and over all, from 2,176 located responders (Jonsson 2020)."""
CREW_SPEED_MPS = 8.3
"""30 km/h: a crew's volunteers drive."""

ASSUMPTIONS = [
    "Acceptance: per alerted person between 28.7 % (Scquizzato 2020) and 35.3 % (Kragh), drawn uniformly.",
    "Acceptance: each person decides alone; of the others half decline and half stay silent (assumption).",
    "Reply delay: log-normal, median 25 s, sigma 0.6 (assumption: no distribution is published).",
    "Turn-out: log-normal, median 102 s from 07:00 to 22:00, 142 s by night (Ganter 2025).",
    "Turn-out: spread as in Dublin's whole-time crews, sigma 0.41 (assumption).",
    "Speed: 1.8 m/s in dense streets, 2.3 m/s over all (Jonsson 2020), half and half (assumption).",
    "Speed: volunteers of a crew drive at 30 km/h (assumption).",
]


@dataclass(frozen=True)
class Behaviour:
    """What one person does after one offer; the times have no meaning where `answer` is None."""

    answer: DemoAnswer | None
    delay_s: float
    turn_out_s: float
    speed_mps: float


def plan_reply(
    rng: Random, local_hour: int, acceptance: tuple[float, float] = ACCEPTANCE, *, drives: bool = False
) -> Behaviour:
    """Draw the behaviour of one alerted person; the number of draws is constant, so no answer shifts the next."""
    turn_out_median = TURN_OUT_DAY_S if local_hour in DAY else TURN_OUT_NIGHT_S
    behaviour = Behaviour(
        answer=_answer(rng, acceptance),
        delay_s=rng.lognormvariate(math.log(REPLY_MEDIAN_S), REPLY_SIGMA),
        turn_out_s=rng.lognormvariate(math.log(turn_out_median), TURN_OUT_SIGMA),
        speed_mps=rng.choice(SPEEDS_MPS),
    )
    return replace(behaviour, speed_mps=CREW_SPEED_MPS) if drives else behaviour


def _answer(rng: Random, acceptance: tuple[float, float]) -> DemoAnswer | None:
    accepts = rng.uniform(*acceptance)
    draw = rng.random()
    if draw < accepts:
        return "accepted"
    return "declined" if draw < (1 + accepts) / 2 else None
