"""Commands that run inside the test process, their results, and files that they read."""

import re
import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

ID = UUID("0197a0b2-0000-7000-8000-000000000000")
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Done:
    """The result of a command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        return orjson.loads(self.out)


Dispatch = Callable[..., Awaitable[Done]]


async def follow(page: str, dispatch: Dispatch, places: Mapping[str, Path]) -> str:
    """Run the commands of a page, with its places elsewhere; return what they print, on both streams."""
    typed = "".join(COMMANDS.findall(page))
    for place, here in places.items():
        typed = typed.replace(place, str(here))
    said = ""
    for line in typed.splitlines():
        done = await dispatch(*shlex.split(line)[1:])
        assert done.code == 0, (line, done.out, done.err)
        said += done.out + done.err
    return said


def sheet(folder: Path, text: str, name: str = "sheet.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def states(done: Done) -> dict[str, str]:
    return {found["what"]: found["state"] for found in done.json()}
