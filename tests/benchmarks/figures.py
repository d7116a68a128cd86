"""The little statistics that benchmarks need."""

import math
from collections.abc import Sequence
from itertools import pairwise

Sample = tuple[float, float]
"""When, and how much there was by then."""


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def median(values: Sequence[float]) -> float:
    """Give the value in the middle; of two, the mean."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def moment(samples: Sequence[Sample], amount: float) -> float:
    """Tell when there was so much, on straight lines between samples."""
    for (start, before), (end, after) in pairwise(samples):
        if after >= amount > before:
            return start + (end - start) * (amount - before) / (after - before)
    return samples[0][0]


def rate(samples: Sequence[Sample], total: float) -> float:
    """Give the rate between 10 and 90 % of the total: neither the start nor the last stragglers count."""
    return 0.8 * total / (moment(samples, 0.9 * total) - moment(samples, 0.1 * total))
