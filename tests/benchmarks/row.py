"""One row of the benchmark's table: a figure beside the best that the machine can achieve."""

from dataclasses import dataclass
from typing import Literal

Better = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True)
class Row:
    """A figure, its bound of the same run, and its goal; `limit` names the present bottleneck.

    `met` is None where there is no goal to meet. `ratio` is what later runs are compared by.
    """

    measure: str
    value: float
    unit: str
    better: Better
    bound: float | None = None
    bound_is: str = ""
    goal: str = ""
    met: bool | None = None
    limit: str = ""

    @property
    def ratio(self) -> float | None:
        """Return value / bound."""
        return self.value / self.bound if self.bound else None
