"""The reference is committed as generated, and its hand-written texts cover exactly what exists."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import pytest

from dispatch.domain.commands import Action
from dispatch.domain.matching.selection import Gate
from dispatch.services.operations.auditing import DETAILS
from tests.documents import reference, state_diagram, texts
from tests.documents.reference_words import ACTS, GATES, PLAN, REASONS, SETTINGS

ROOT = Path(__file__).parents[2]
OPEN = {"/healthz", "/readyz", "/metrics", "/a/{token}", "/a/{token}/why"}
"""The routes without a key: they reveal nothing, or require a token."""


def reasons_in_code() -> Iterator[str]:
    """Find the reasons of escalations: the first argument of `escalate` or `Cause`."""
    for path in sorted((ROOT / "dispatch").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in {"escalate", "Cause"} and node.args:
                yield from _constants(node.args[0])


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _constants(argument: ast.expr) -> Iterator[str]:
    first = argument.values[0] if isinstance(argument, ast.JoinedStr) else argument
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        yield first.value.rstrip(":")


@pytest.mark.parametrize(
    ("name", "module"),
    [("reference.md", reference), ("state.svg", state_diagram), ("texts.md", texts)],
    ids=["reference", "diagram", "texts"],
)
def test_the_committed_file_is_the_generated_one(name: str, module: object) -> None:
    current = getattr(module, "current")()  # noqa: B009 - modules of one shape
    wanted = f"run: python -m {module.__name__} > docs/{name}"  # type: ignore[attr-defined]
    assert (ROOT / "docs" / name).read_text("utf-8") == current, wanted


def test_every_setting_gate_and_act_is_explained() -> None:
    assert (set(SETTINGS), set(GATES), set(ACTS)) == (
        {name.removeprefix("DISPATCH_").lower() for name, _ in reference.variables()},
        set(Gate),
        set(get_args(Action)),
    )


def test_every_field_of_a_plan_is_explained() -> None:
    assert [name for name, _ in reference.plan_fields()] == list(PLAN)


def test_every_reason_of_an_escalation_is_explained() -> None:
    assert set(reasons_in_code()) | set(DETAILS) | {"parked", "forged"} == set(REASONS)


def test_every_command_has_an_example() -> None:
    assert [
        command for command, _, example in reference.commands() if command.strip("`") not in example
    ] == []


def test_every_route_but_the_open_ones_requires_a_scope() -> None:
    assert {route.path for route in reference.routes() if not reference.scopes(route)} == OPEN


@pytest.mark.parametrize("name", sorted(reference.MACHINES))
def test_every_transition_is_drawn(name: str) -> None:
    drawn = {(arrow.before, arrow.after) for arrow in state_diagram.arrows(name)}
    table = {(before, after) for (before, _), after in reference.MACHINES[name].items()}
    assert drawn == table
    assert {status for pair in table for status in pair} == set(state_diagram.PLACES[name])


def test_the_diagram_is_well_formed() -> None:
    assert ET.fromstring(state_diagram.current()).tag.endswith("svg")
