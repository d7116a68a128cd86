"""The page for a town hall: its commands, run in their order on a new installation, do what it says."""

import re
import shutil
from pathlib import Path

import pytest

from dispatch.domain.messaging.wording import REASONS
from tests.cli.invocations import Dispatch, follow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "town-hall.md").read_text("utf-8")
SENTENCE = re.compile(r"^\| ([a-zà-ü', ]+) \| ", re.MULTILINE)


@pytest.mark.usefixtures("organisation")
async def test_the_commands_of_the_page_work_as_they_are_written(
    dispatch: Dispatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = shutil.copytree(ROOT / "dispatch" / "plans", tmp_path / "plans")
    shutil.copy(ROOT / "docs" / "examples" / "flood.yaml", plans)
    monkeypatch.setenv("DISPATCH_PLANS", str(plans))
    said = await follow(PAGE, dispatch, {"/opt/renfort": ROOT, "/srv/renfort/plans": plans})
    assert "notified in this order: Anne Weber, Paul Klein" in said
    assert "4 volunteers on the roster" in said
    assert "nobody has the skill `porte_a_porte`" not in said
    assert "no plan names the kind" not in said
    assert "Mairie de Barr" in said


def test_what_pages_say_is_quoted_as_they_say_it() -> None:
    table = PAGE.partition("| the text says |")[2].partition("\n\n")[0]
    quoted = set(SENTENCE.findall(table))
    assert len(quoted) >= 6
    assert quoted <= {words["fr"].partition(" : ")[0] for words in REASONS.values()}
