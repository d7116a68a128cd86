"""The response plans of an installation: YAML files, with every error in them reported, chosen by kind."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dispatch.services.plans.plan_examples import example_of
from dispatch.services.plans.renamed_fields import renamed
from dispatch.services.plans.yaml_source import MAX_BYTES, FieldPath, YamlSource, YamlSourceError, parse
from schemas.invalid_fields import sentence
from schemas.plans import OfferPolicy, Plan, PlanRuleError, SearchPolicy, SeatNeed, Step

SHIPPED = Path(__file__).parents[2] / "plans"
DEFAULT = "default"
SUFFIXES = (".yaml", ".yml")
MAX_FILES = 200

_KIND = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}|[a-z0-9][a-z0-9_.-]{0,61}\.\*")
_SECTIONS: dict[object, type[BaseModel]] = {
    "seats": SeatNeed, "offers": OfferPolicy, "search": SearchPolicy, "steps": Step,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """One error in a plan file, with its line and field."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """Return it in the format of compiler messages, which editors understand."""
        return ": ".join(part for part in (f"{self.file}:{self.line}", self.field, self.message) if part)


class PlansError(Exception):
    """The plans cannot be used; `problems` has every error found."""

    def __init__(self, problems: Iterable[PlanProblem]) -> None:
        self.problems = sorted(problems, key=lambda problem: (problem.file, problem.line))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class PlanBook:
    """The plans in force."""

    plans: tuple[Plan, ...]

    def choose(self, kind: str) -> Plan:
        """Return the plan that names the kind, else the one with the longest matching pattern, else the default."""
        fits = [(pattern, plan) for plan in self.plans for pattern in plan.kinds if _matches(pattern, kind)]
        if not fits:
            return next(plan for plan in self.plans if plan.name == DEFAULT)
        return max(fits, key=lambda fit: (not fit[0].endswith("*"), len(fit[0])))[1]


@dataclass(frozen=True, slots=True)
class _PlanFile:
    """A valid plan with the file that it was read from."""

    file: str
    source: YamlSource
    plan: Plan

    def problem(self, path: FieldPath, message: str) -> PlanProblem:
        return PlanProblem(self.file, self.source.line(path), _format(path), message)


def load(folder: Path | None) -> PlanBook:
    """Read the plans of a folder, or the shipped ones; raises PlansError with every error found."""
    folder = folder or SHIPPED
    problems: list[PlanProblem] = []
    paths = _paths(folder)
    files = [file for path in paths if (file := _load(path, problems)) is not None]
    problems += _duplicate_claims(files)
    if DEFAULT not in {file.plan.name for file in files} | {path.stem for path in paths}:
        problems.append(PlanProblem(str(folder), 1, "name", f"no plan here has the name `{DEFAULT}`"))
    if problems:
        raise PlansError(problems)
    return PlanBook(tuple(file.plan for file in files))


def _paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise PlansError([PlanProblem(str(folder), 1, "", "there is no such folder")])
    found = [path for path in folder.iterdir() if path.suffix in SUFFIXES and not path.name.startswith(".")]
    if len(found) > MAX_FILES:
        raise PlansError([PlanProblem(str(folder), 1, "", f"more than {MAX_FILES} plans")])
    return sorted(found)


def _load(path: Path, problems: list[PlanProblem]) -> _PlanFile | None:
    name = str(path)
    try:
        source = parse(_content(path))
    except YamlSourceError as error:
        problems.append(PlanProblem(name, error.line, "", str(error)))
        return None
    except OSError as error:
        problems.append(PlanProblem(name, 1, "", f"the file cannot be read: {error.strerror}"))
        return None
    problems += [PlanProblem(name, fault.line, _format(fault.path), fault.message) for fault in source.faults]
    try:
        plan = Plan.model_validate_json(json.dumps(source.data, default=str), strict=True)
    except ValidationError as error:
        problems += _invalid_fields(name, source, error)
        return None
    file = _PlanFile(name, source, plan)
    problems += _plan_problems(file)
    return file


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise YamlSourceError(1, "this is not a file")
    with path.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def _invalid_fields(name: str, source: YamlSource, error: ValidationError) -> Iterator[PlanProblem]:
    for detail in error.errors(include_url=False):
        path, message = _path_and_message(detail)
        yield PlanProblem(name, source.line(path), _format(path), message)


def _path_and_message(detail: ErrorDetails) -> tuple[FieldPath, str]:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    rule = detail.get("ctx", {}).get("error")
    if isinstance(rule, PlanRuleError):
        return (*path, rule.field), str(rule)
    if detail["type"] == "extra_forbidden":
        return path, renamed(path) or f"unknown field{_suggestion(path)}"
    return path, sentence(detail, example=example_of(path), shown=True)


def _suggestion(path: FieldPath) -> str:
    model = _SECTIONS.get(path[0], Plan) if len(path) > 1 else Plan
    close = get_close_matches(str(path[-1]), model.model_fields, 1)
    return f"; is `{close[0]}` meant?" if close else ""


def _plan_problems(file: _PlanFile) -> Iterator[PlanProblem]:
    """Yield the errors in one plan that its model accepts."""
    plan = file.plan
    for number, kind in enumerate(plan.kinds):
        if not _KIND.fullmatch(kind):
            message = "write a kind as `medical.fall`, or as `medical.*` for every kind that begins so"
            yield file.problem(("kinds", number), message)
    if not plan.kinds and plan.name != DEFAULT:
        yield file.problem(("kinds",), "a plan without kinds is never chosen")
    roles = Counter[str]()
    for number, seat in enumerate(plan.seats):
        roles[seat.role] += 1
        if roles[seat.role] > 1:
            yield file.problem(("seats", number, "role"), "the role is given twice: raise its count instead")


def _duplicate_claims(files: Iterable[_PlanFile]) -> Iterator[PlanProblem]:
    """Yield the names and kinds that an earlier plan has already."""
    first: dict[tuple[object, str], tuple[str, FieldPath]] = {}
    for file in files:
        claims: list[tuple[FieldPath, str]] = [(("name",), file.plan.name)]
        claims += [(("kinds", number), kind) for number, kind in enumerate(file.plan.kinds)]
        for path, claim in claims:
            holder = first.setdefault((path[0], claim), (file.file, path))
            if holder != (file.file, path):
                yield file.problem(path, f"`{claim}` is taken already, in {holder[0]}")


def _matches(pattern: str, kind: str) -> bool:
    return kind.startswith(pattern[:-1]) if pattern.endswith(".*") else kind == pattern


def _format(path: FieldPath) -> str:
    """Return a path as `seats[0].role`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
