"""Corpora of texts with the readings that are wanted of them."""

from pathlib import Path
from typing import NamedTuple

from dispatch.domain.messaging.grammar import parse

OWN = Path(__file__).parents[1] / "domain" / "readings.tsv"


class WantedReading(NamedTuple):
    """A text with the answers that may be read in it."""

    text: str
    answers: frozenset[str]

    @property
    def is_as_wanted(self) -> bool:
        """Return whether the grammar reads what is wanted."""
        return parse(self.text).answer in self.answers

    @property
    def is_unsafe(self) -> bool:
        """Return whether a yes or an acknowledgement is read that nobody wants."""
        return not self.is_as_wanted and parse(self.text).answer in {"accepted", "acknowledged"}


def read_corpus(path: Path) -> list[WantedReading]:
    r"""Read a table of texts and wanted answers; `\n` in a text is a line break."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()[1:]]
    return [WantedReading(text.replace("\\n", "\n"), frozenset(wanted.split("|"))) for text, wanted in rows]
