"""The mistakes in a file: each is named once, with all its lines."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class FileProblem(NamedTuple):
    """Why a line was rejected; `value` is the cell, which the message does not repeat."""

    line: int
    field: str
    message: str
    value: str = ""


class LineError(Exception):
    """A line is no report."""

    def __init__(self, problems: list[FileProblem]) -> None:
        super().__init__()
        self.problems = problems


def by_message(problems: Iterable[FileProblem]) -> list[str]:
    """Return each mistake once, with all its lines, the field and an example."""
    same: dict[tuple[str, str], list[FileProblem]] = {}
    for problem in problems:
        same.setdefault((problem.field, problem.message), []).append(problem)
    return [_described(found) for found in same.values()]


def _described(found: Sequence[FileProblem]) -> str:
    one = found[0]
    example = f" (such as {one.value!r})" if one.value else ""
    parts = (lines_text([problem.line for problem in found]), one.field, one.message + example)
    return ": ".join(part for part in parts if part)


def lines_text(lines: Iterable[int]) -> str:
    """Return line numbers as `3, 7-12, 40`."""
    spans: list[list[int]] = []
    for line in sorted(set(lines)):
        if spans and line == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], line]
        else:
            spans.append([line])
    return ", ".join("-".join(map(str, span)) for span in spans)
