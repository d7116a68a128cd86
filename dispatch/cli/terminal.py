"""What is printed in a terminal: texts that others wrote must not control it, nor turn the writing round."""

import json
import re
import unicodedata
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment


def harmless(text: str) -> str:
    """Return a text whose control and direction characters are escaped; spaces of any width stay."""
    if text.isprintable():
        return text
    return "".join(c if _is_plain(c) else ascii(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """Return a text that others wrote on one line, without anything that could control the terminal."""
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")


def harmless_json(text: str) -> str:
    """Return JSON with the same value, in which control and direction characters are escaped."""
    return re.sub(
        r"[^ -~\n]", lambda found: found[0] if _is_plain(found[0]) else json.dumps(found[0])[1:-1], text
    )


def _is_plain(character: str) -> bool:
    return character.isprintable() or character in "\n\t" or unicodedata.category(character) == "Zs"


class Terminal(Console):
    """A console that escapes what it is given to print, wherever that comes from: tables, sentences and screens."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of what is printed; those that move the cursor are the console's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)
