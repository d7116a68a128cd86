"""The gate: compares ratios to the bound with recorded ones. Absolute times are never compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.figures import median
from tests.benchmarks.row import Better, Row

MEASURES = ("chain", "drain", "replies", "settled", "positions", "choosing")
"""The measures that are repeated; rows with a bound are compared, except those of the highest percentiles."""
TOO_FEW = ("p99", "max")
RUNS = 3
TOLERANCE = 0.25


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row's ratio beside the recorded one; `worse` is the relative deterioration."""

    measure: str
    recorded: float
    found: float
    worse: float

    @property
    def holds(self) -> bool:
        """Return whether the difference is within the usual variation."""
        return self.worse <= TOLERANCE


def ratios(runs: Sequence[Sequence[Row]]) -> dict[str, tuple[float, Better]]:
    """Return the median ratio of each row over several runs."""
    found: dict[str, list[float]] = {}
    better: dict[str, Better] = {}
    for row in (row for rows in runs for row in rows):
        if row.ratio is not None and not row.measure.endswith(TOO_FEW):
            found.setdefault(row.measure, []).append(row.ratio)
            better[row.measure] = row.better
    return {name: (median(values), better[name]) for name, values in found.items()}


def judge(recorded: Mapping[str, float], found: Mapping[str, tuple[float, Better]]) -> list[Verdict]:
    """Compare with the record, for rows that both contain."""
    return [
        Verdict(name, recorded[name], ratio, worsening(recorded[name], ratio, better))
        for name, (ratio, better) in found.items()
        if name in recorded
    ]


def worsening(recorded: float, found: float, better: Better) -> float:
    """Return by which fraction a ratio is worse than recorded; negative if it is better."""
    return found / recorded - 1 if better == "lower" else 1 - found / recorded
