"""The page on plans: each plan on it is one that loads beside the shipped ones, and its commands do what it says."""

import re
import shutil
from pathlib import Path

import pytest

from dispatch.cli import output
from dispatch.services.plans.plan_files import load
from tests.cli.invocations import Dispatch, follow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plans.md").read_text("utf-8")
PLAN = re.compile(r"^```yaml\n(name: (\S+)\n.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of the shipped plans and those of the page, saved as the page says."""
    plans = shutil.copytree(ROOT / "dispatch" / "plans", tmp_path / "plans")
    for text, name in PLAN.findall(PAGE):
        (plans / f"{name}.yaml").write_text(text, "utf-8")
    return plans


def test_each_plan_of_the_page_loads_beside_the_shipped_ones(folder: Path) -> None:
    kinds = {"creche-seat": "creche.seat", "clean-up": "clean_up.day", "fire-crew": "fire.house"}
    assert PAGE.count("```yaml") == len(PLAN.findall(PAGE)) == len(kinds)
    book = load(folder)
    assert {name: book.choose(kind).name for name, kind in kinds.items()} == {name: name for name in kinds}


def test_the_plans_of_the_page_have_the_shapes_that_it_names(folder: Path) -> None:
    book = load(folder)
    creche, clean_up, crew = map(book.choose, ("creche.seat", "clean_up.day", "fire.house"))
    assert (creche.ask, creche.search.choose, creche.search.only) == ("sequential", "turn", "creche-parents")
    assert (clean_up.ask, clean_up.lane, clean_up.muster) == ("broadcast", "planned", "Place de la Mairie")
    assert (crew.engagement, crew.muster, crew.late_seat) == ("crew", "station", "asked_again")


@pytest.mark.usefixtures("organisation")
async def test_the_commands_of_the_page_work_as_they_are_written(dispatch: Dispatch, folder: Path) -> None:
    places = {"/srv/plans": folder, "docs/examples": ROOT / "docs" / "examples"}
    said = await follow(PAGE, dispatch, places)
    assert "there is no list" not in said
    assert "no muster point is named" not in said


async def test_the_check_shows_how_each_plan_asks_and_what_its_steps_do(
    dispatch: Dispatch, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output.screen, "width", 400)
    shown = (await dispatch("plans", "check", folder)).out
    assert "sequential, turn, only creche-parents, 7200 s to answer" in shown
    assert "86400 s: refer, level 3" in shown
