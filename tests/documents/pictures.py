"""Draw the pictures of the README from real output: `python -m tests.documents.pictures [watch] [demo]`."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from dispatch.cli.watch.screen import Size, picture
from dispatch.clock import MovableClock
from dispatch.embedded.postgres import EmbeddedPostgres
from dispatch.services.console.overview import Overview
from dispatch.storage import write_generation
from dispatch.storage.migrate import migrate
from dispatch.storage.pool import open_pool
from schemas.generations import GENERATION
from tests.cli.night import Night, prepare

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
WIDTH = 80
EVENING = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
_FONTS = re.compile(r"@font-face \{\{.*?\}\}\s*|<!--.*?-->\s*", re.DOTALL)
PROGRESS = re.compile(r"\d\d:\d\d  \d| {7}\d")
"""The counts while the demo runs, which its picture leaves out."""
FORMAT = _FONTS.sub("", CONSOLE_SVG_FORMAT)
"""Rich's picture of a terminal without its web fonts: a reader's browser must ask no other host."""


def svg(name: str, command: str, lines: Iterable[Text], width: int = WIDTH) -> str:
    """Return lines as the picture of a terminal in which a command ran."""
    console = Console(record=True, width=width, file=StringIO(), force_terminal=True, highlight=False)
    for line in lines:
        console.print(line, soft_wrap=True)
    return console.export_svg(title=command, code_format=FORMAT, unique_id=name)


def watch() -> str:
    """Return the screen of `dispatch watch` in the prepared night of the tests."""

    async def seen() -> Overview:
        async with _night() as night:
            return await night.seen()

    return svg("watch", "dispatch watch", picture(asyncio.run(seen()), Size(WIDTH, 24), "en"))


def demo() -> str:
    """Run the demo, for some minutes, and return what it prints of its story and in the end."""
    command = Path(sys.executable).with_name("dispatch")
    done = subprocess.run([command, "demo"], check=True, capture_output=True, text=True)
    lines = (line for line in done.stdout.splitlines() if not PROGRESS.match(line))
    return svg("demo", "make demo", map(Text, lines))


@asynccontextmanager
async def _night() -> AsyncIterator[Night]:
    write_generation.current = GENERATION
    with TemporaryDirectory() as folder:
        async with EmbeddedPostgres(Path(folder), fsync=False) as server:
            url = server.url("postgres")
            await migrate(url)
            pool = await open_pool(url, application="pictures")
            yield await prepare(pool, MovableClock(EVENING))
            pool.terminate()


PICTURES: dict[str, Callable[[], str]] = {"watch": watch, "demo": demo}


def main(names: list[str]) -> None:
    """Write the pictures that are named, or all, to docs/pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name in names or PICTURES:
        (FOLDER / f"{name}.svg").write_text(PICTURES[name](), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
