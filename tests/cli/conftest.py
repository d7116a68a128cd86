"""The commands on an empty database, with one organisation, and with volunteers."""

import asyncio
import os
import sys
from pathlib import Path

import asyncpg
import pytest

from dispatch.cli import output
from dispatch.cli.main import main
from dispatch.clock import MovableClock
from tests.cli.invocations import Dispatch, Done
from tests.support.world import World


@pytest.fixture
def dispatch(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Dispatch:
    for name in [name for name in os.environ if name.startswith("DISPATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DISPATCH_POSTGRES", database)
    monkeypatch.setenv("DISPATCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(output.screen, "width", 200)

    def typed(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["dispatch", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 0
        out, err = capsys.readouterr()
        return Done(code, out, err)

    async def run(*words: object) -> Done:
        return await asyncio.to_thread(typed, *words)

    return run


@pytest.fixture
async def organisation(dispatch: Dispatch) -> str:
    """Make the only organisation."""
    made = await dispatch("organisations", "create", "SDIS 67", "--area", "48.1,6.9,49.1,8.3", "--json")
    return str(made.json()["id"])


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    world = await World(pool, clock).create()
    await world.add_people(3)
    await world.add_people(1, first_m=150, skills=("watch",))
    return world
