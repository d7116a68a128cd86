"""The gate: what was once as near to its bound must stay so. Only ratios of one run are compared, never seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.figures import median
from tests.benchmarks.row import Better, Row

MEASURES = ("chain", "drain", "replies", "positions", "choosing")
"""What is measured again; each row that has a bound is held to it, but for those of the few slowest."""
TOO_FEW = ("p99", "max")
RUNS = 3
TOLERANCE = 0.25


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a row's ratio compares with the one on record; `worse` is the part by which it fell back."""

    measure: str
    recorded: float
    found: float
    worse: float

    @property
    def holds(self) -> bool:
        """Tell whether it is within what a machine varies by."""
        return self.worse <= TOLERANCE


def ratios(runs: Sequence[Sequence[Row]]) -> dict[str, tuple[float, Better]]:
    """Take the median ratio of each row over several runs."""
    found: dict[str, list[float]] = {}
    better: dict[str, Better] = {}
    for row in (row for rows in runs for row in rows):
        if row.ratio is not None and not row.measure.endswith(TOO_FEW):
            found.setdefault(row.measure, []).append(row.ratio)
            better[row.measure] = row.better
    return {name: (median(values), better[name]) for name, values in found.items()}


def judge(recorded: Mapping[str, float], found: Mapping[str, tuple[float, Better]]) -> list[Verdict]:
    """Compare with the record, as far as both know a row."""
    return [
        Verdict(name, recorded[name], ratio, worsening(recorded[name], ratio, better))
        for name, (ratio, better) in found.items()
        if name in recorded
    ]


def worsening(recorded: float, found: float, better: Better) -> float:
    """Give the part by which a ratio is worse than on record; below zero it is better."""
    return found / recorded - 1 if better == "lower" else 1 - found / recorded
