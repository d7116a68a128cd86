"""The response plans of a deployment: YAML files, read with every error named, and chosen by kind."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ValidationError

from dispatch.services.plans.yaml_source import LARGEST, FaultyError, Marked, Place, read
from schemas.plans import OfferPolicy, Plan, SearchPolicy, SeatNeed, Step

SHIPPED = Path(__file__).parents[2] / "plans"
DEFAULT = "default"
SUFFIXES = (".yaml", ".yml")
MOST_FILES = 200

_KIND = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}|[a-z0-9][a-z0-9_.-]{0,61}\.\*")
_SECTIONS: dict[object, type[BaseModel]] = {
    "seats": SeatNeed, "offers": OfferPolicy, "search": SearchPolicy, "steps": Step,
}  # fmt: skip
_ABOUT = {"watch": ("informs",), "step": ("steps",), "radii_m": ("search", "radii_m")}
"""By a word of the message: the field to look at first where a rule spans several."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct, and where."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """Write it as compilers do, so that editors can jump there."""
        return ": ".join(part for part in (f"{self.file}:{self.line}", self.field, self.message) if part)


class PlansError(Exception):
    """The plans cannot be used; `problems` names everything that has to be corrected."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Say each problem on a line of its own."""
        self.problems = sorted(problems, key=lambda problem: (problem.file, problem.line))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class PlanBook:
    """The plans in force."""

    plans: tuple[Plan, ...]

    def choose(self, kind: str) -> Plan:
        """Give the plan for a kind: its own, else that of the longest pattern, else the default."""
        fits = [(pattern, plan) for plan in self.plans for pattern in plan.kinds if _fits(pattern, kind)]
        if not fits:
            return next(plan for plan in self.plans if plan.name == DEFAULT)
        return max(fits, key=lambda fit: (not fit[0].endswith("*"), len(fit[0])))[1]


@dataclass(frozen=True, slots=True)
class _Source:
    """A plan and the file that it stands in."""

    file: str
    marked: Marked
    plan: Plan

    def problem(self, place: Place, message: str) -> Problem:
        return Problem(self.file, self.marked.line(place), _name(place), message)


def load(folder: Path | None) -> PlanBook:
    """Read the plans of a folder, or those that are shipped; raises PlansError with all that is wrong."""
    folder = folder or SHIPPED
    problems: list[Problem] = []
    files = _files(folder)
    sources = [source for path in files if (source := _load(path, problems)) is not None]
    problems += _across(sources)
    if DEFAULT not in {source.plan.name for source in sources} | {path.stem for path in files}:
        problems.append(Problem(str(folder), 1, "name", f"no plan here has the name `{DEFAULT}`"))
    if problems:
        raise PlansError(problems)
    return PlanBook(tuple(source.plan for source in sources))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise PlansError([Problem(str(folder), 1, "", "there is no such folder")])
    found = [path for path in folder.iterdir() if path.suffix in SUFFIXES and not path.name.startswith(".")]
    if len(found) > MOST_FILES:
        raise PlansError([Problem(str(folder), 1, "", f"more than {MOST_FILES} plans")])
    return sorted(found)


def _load(path: Path, problems: list[Problem]) -> _Source | None:
    file = str(path)
    try:
        marked = read(_content(path))
    except FaultyError as error:
        problems.append(Problem(file, error.line, "", str(error)))
        return None
    except OSError as error:
        problems.append(Problem(file, 1, "", f"the file cannot be read: {error.strerror}"))
        return None
    problems += [Problem(file, fault.line, _name(fault.place), fault.message) for fault in marked.faults]
    try:
        plan = Plan.model_validate_json(json.dumps(marked.data, default=str), strict=True)
    except ValidationError as error:
        problems += _invalid(file, marked, error)
        return None
    source = _Source(file, marked, plan)
    problems += _unfit(source)
    return source


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise FaultyError(1, "this is no file")
    with path.open("rb") as opened:
        return opened.read(LARGEST + 1)


def _invalid(file: str, marked: Marked, error: ValidationError) -> Iterator[Problem]:
    for detail in error.errors(include_url=False, include_input=False):
        place = tuple(part for part in detail["loc"] if part != "[key]")
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "value_error":
            place = next((about for word, about in _ABOUT.items() if word in message), place)
        if detail["type"] == "extra_forbidden":
            message = f"unknown field{_meant(place)}"
        yield Problem(file, marked.line(place), _name(place), message)


def _meant(place: Place) -> str:
    model = _SECTIONS.get(place[0], Plan) if len(place) > 1 else Plan
    close = get_close_matches(str(place[-1]), model.model_fields, 1)
    return f"; is `{close[0]}` meant?" if close else ""


def _unfit(source: _Source) -> Iterator[Problem]:
    """Find what one plan alone may not say, beyond its model."""
    plan = source.plan
    for number, kind in enumerate(plan.kinds):
        if not _KIND.fullmatch(kind):
            message = "a kind is written as `medical.fall`, or as `medical.*` for all that begins so"
            yield source.problem(("kinds", number), message)
    if not plan.kinds and plan.name != DEFAULT:
        yield source.problem(("kinds",), "a plan without kinds is never chosen")
    roles = Counter[str]()
    for number, seat in enumerate(plan.seats):
        roles[seat.role] += 1
        if roles[seat.role] > 1:
            yield source.problem(("seats", number, "role"), "the role stands twice: raise its count instead")


def _across(sources: Iterable[_Source]) -> Iterator[Problem]:
    """Find what two plans may not both claim."""
    first: dict[tuple[object, str], tuple[str, Place]] = {}
    for source in sources:
        claims: list[tuple[Place, str]] = [(("name",), source.plan.name)]
        claims += [(("kinds", number), kind) for number, kind in enumerate(source.plan.kinds)]
        for place, claim in claims:
            holder = first.setdefault((place[0], claim), (source.file, place))
            if holder != (source.file, place):
                yield source.problem(place, f"`{claim}` is taken already, in {holder[0]}")


def _fits(pattern: str, kind: str) -> bool:
    return kind.startswith(pattern[:-1]) if pattern.endswith(".*") else kind == pattern


def _name(place: Place) -> str:
    """Write a place as `seats[0].role`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
