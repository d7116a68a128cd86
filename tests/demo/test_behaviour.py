from dataclasses import replace
from random import Random
from statistics import mean, median, quantiles

import pytest

from dispatch.cli.demo.behaviour import ACCEPTANCE, Behaviour, plan_reply

DRAWS = 20_000


def drawn(hour: int, seed: int = 5) -> list[Behaviour]:
    rng = Random(seed)
    return [plan_reply(rng, hour) for _ in range(DRAWS)]


def share(behaviours: list[Behaviour], answer: str | None) -> float:
    return sum(behaviour.answer == answer for behaviour in behaviours) / len(behaviours)


def waves_until_accepted(rng: Random, size: int, p: float) -> int:
    waves = 1
    while all(plan_reply(rng, 3, (p, p)).answer != "accepted" for _ in range(size)):
        waves += 1
    return waves


def test_the_share_that_accepts_lies_within_the_published_band() -> None:
    low, high = ACCEPTANCE
    assert low < share(drawn(12), "accepted") < high
    assert share(drawn(12), "accepted") == pytest.approx((low + high) / 2, abs=0.01)


def test_those_who_do_not_accept_decline_or_stay_silent_in_equal_parts() -> None:
    assert share(drawn(12), "declined") == pytest.approx(0.34, abs=0.01)
    assert share(drawn(12), None) == pytest.approx(0.34, abs=0.01)


@pytest.mark.parametrize(("hour", "turn_out"), [(7, 102), (21, 102), (22, 142), (0, 142), (6, 142)])
def test_people_turn_out_slower_by_night(hour: int, turn_out: float) -> None:
    assert median(behaviour.turn_out_s for behaviour in drawn(hour)) == pytest.approx(turn_out, rel=0.02)


def test_the_turn_out_spreads_as_in_dublin() -> None:
    deciles = quantiles((behaviour.turn_out_s * 106 / 102 for behaviour in drawn(12)), n=10)
    assert deciles[0] == pytest.approx(61, rel=0.05)
    assert deciles[-1] == pytest.approx(174, rel=0.05)


def test_half_of_the_replies_come_within_25_seconds_and_nine_in_ten_within_a_minute() -> None:
    delays = [behaviour.delay_s for behaviour in drawn(12)]
    assert median(delays) == pytest.approx(25, rel=0.02)
    assert quantiles(delays, n=10)[-1] == pytest.approx(54, rel=0.05)
    assert min(delays) > 0


def test_people_travel_at_one_of_the_two_published_speeds() -> None:
    speeds = [behaviour.speed_mps for behaviour in drawn(12)]
    assert set(speeds) == {1.8, 2.3}
    assert mean(speeds) == pytest.approx(2.05, abs=0.01)


def test_the_people_of_a_crew_drive_and_behave_alike_otherwise() -> None:
    walking, driving = plan_reply(Random(5), 12), plan_reply(Random(5), 12, drives=True)
    assert replace(driving, speed_mps=walking.speed_mps) == walking
    assert driving.speed_mps == pytest.approx(30 / 3.6, abs=0.05)


def test_the_same_seed_gives_the_same_behaviour() -> None:
    assert drawn(3, seed=9)[:100] == drawn(3, seed=9)[:100]
    assert drawn(3, seed=9)[:100] != drawn(3, seed=10)[:100]


def test_the_hour_changes_the_turn_out_and_nothing_else() -> None:
    day, night = drawn(12)[:100], drawn(3)[:100]
    assert [(b.answer, b.delay_s, b.speed_mps) for b in day] == [
        (b.answer, b.delay_s, b.speed_mps) for b in night
    ]
    assert all(n.turn_out_s > d.turn_out_s for d, n in zip(day, night, strict=True))


@pytest.mark.parametrize(
    ("p", "size", "p_any", "alerts", "waves"),
    [
        (0.287, 1, 0.287, 3.484, 3.484),
        (0.287, 3, 0.6375, 4.706, 1.569),
        (0.287, 7, 0.9063, 7.724, 1.103),
        (0.353, 3, 0.7292, 4.114, 1.371),
        (0.353, 16, 0.9991, 16.015, 1.001),
    ],
)
def test_waves_of_alerts_end_as_the_exact_formula_says(
    p: float, size: int, p_any: float, alerts: float, waves: float
) -> None:
    assert 1 - (1 - p) ** size == pytest.approx(p_any, abs=1e-4)
    rng = Random(21)
    runs = [waves_until_accepted(rng, size, p) for _ in range(3000)]
    assert sum(run == 1 for run in runs) / len(runs) == pytest.approx(p_any, abs=0.03)
    assert mean(runs) == pytest.approx(waves, rel=0.04)
    assert size * mean(runs) == pytest.approx(alerts, rel=0.04)


def test_waves_at_the_drawn_acceptance_follow_the_middle_of_the_band() -> None:
    rng = Random(4)
    waves = [[plan_reply(rng, 3).answer for _ in range(3)] for _ in range(5000)]
    assert sum("accepted" in wave for wave in waves) / len(waves) == pytest.approx(1 - 0.68**3, abs=0.02)
