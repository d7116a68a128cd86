"""Percentile, median and rate."""

import math
from collections.abc import Sequence
from itertools import pairwise

Sample = tuple[float, float]
"""A time, and the amount reached by then."""


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that `percent` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the middle value; the mean of two."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def moment(samples: Sequence[Sample], amount: float) -> float:
    """Return when an amount was reached, by linear interpolation between samples."""
    for (start, before), (end, after) in pairwise(samples):
        if after >= amount > before:
            return start + (end - start) * (amount - before) / (after - before)
    return samples[0][0]


def rate(samples: Sequence[Sample], total: float) -> float:
    """Return the rate between 10 and 90 % of the total, which excludes the start and the last stragglers."""
    return 0.8 * total / (moment(samples, 0.9 * total) - moment(samples, 0.1 * total))
