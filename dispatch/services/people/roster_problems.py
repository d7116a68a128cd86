"""What is wrong with a roster, or odd: each thing once, with all the lines that it concerns."""

from collections import defaultdict
from dataclasses import dataclass, field

from dispatch.services.core.csv_tables import line_ranges


@dataclass(frozen=True, slots=True)
class RosterProblem:
    """A mistake and the lines that it is on (`2-41, 50`), the first as `line`; never repeats a line's content."""

    line: int
    field: str
    message: str
    lines: str
    count: int


@dataclass(slots=True)
class Problems:
    """The mistakes found so far."""

    _lines: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, line: int, column: str, message: str) -> None:
        """Note a mistake; the same one on other lines is listed once."""
        self._lines[column, message].append(line)

    def listed(self) -> list[RosterProblem]:
        """Return the mistakes in the order of their first lines."""
        found = [
            RosterProblem(min(lines), column, message, line_ranges(lines), len(set(lines)))
            for (column, message), lines in self._lines.items()
        ]
        return sorted(found, key=lambda problem: (problem.line, problem.field))

    def lines(self) -> set[int]:
        """Return every line with a mistake."""
        return {line for lines in self._lines.values() for line in lines}
