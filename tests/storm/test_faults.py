"""The list of faults is complete, its names are unique, and docs/storm.md describes each."""

from pathlib import Path

from tests.storm.faults import ALL, PAIRS
from tests.storm.rig.workers import ROLES

PAGE = (Path(__file__).parents[2] / "docs" / "storm.md").read_text("utf-8")


def test_each_role_is_killed_and_frozen_and_eight_pairs_follow() -> None:
    names = [fault.name for fault in ALL]
    assert len(set(names)) == len(names)
    assert {f"{role} {what}" for role in ROLES for what in ("killed", "frozen")} <= set(names)
    assert [len(fault.conditions) for fault in PAIRS] == [2] * 8


def test_the_documentation_names_each_fault() -> None:
    assert [fault.name for fault in ALL if fault.name not in PAGE] == []
