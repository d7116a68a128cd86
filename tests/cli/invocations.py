"""Commands that run inside the test process, their results, and files that they read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

ID = UUID("0197a0b2-0000-7000-8000-000000000000")


@dataclass
class Done:
    """The result of a command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        return orjson.loads(self.out)


Dispatch = Callable[..., Awaitable[Done]]


def sheet(folder: Path, text: str, name: str = "sheet.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def states(done: Done) -> dict[str, str]:
    return {found["what"]: found["state"] for found in done.json()}
