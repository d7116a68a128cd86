"""Corpora of texts with the readings that are wanted of them."""

from pathlib import Path
from typing import NamedTuple

from dispatch.domain.messaging.grammar import parse

OWN = Path(__file__).parents[1] / "domain" / "readings.tsv"
BLIND = OWN.with_name("readings_blind.tsv")
"""Texts that were written, and read a first time, before anybody who works on the reader had seen them."""


class WantedReading(NamedTuple):
    """A text with the answers that may be read in it, and the one other field that matters, as `minutes=20`."""

    text: str
    answers: frozenset[str]
    matters: str = ""

    @property
    def is_as_wanted(self) -> bool:
        """Return whether the grammar reads what is wanted."""
        return parse(self.text).answer in self.answers

    @property
    def is_reported_as_wanted(self) -> bool:
        """Return whether the field that matters, if one does, is read as wanted."""
        field, _, wanted = self.matters.partition("=")
        return not field or str(getattr(parse(self.text), field)) == wanted

    @property
    def is_unsafe(self) -> bool:
        """Return whether a yes or an acknowledgement is read that nobody wants."""
        return not self.is_as_wanted and parse(self.text).answer in {"accepted", "acknowledged"}


def read_corpus(path: Path) -> list[WantedReading]:
    r"""Read a table of texts, wanted answers and what else matters; `\n` in a text is a line break."""
    rows = [line.split("\t") for line in path.read_text("utf-8").rstrip("\n").split("\n")[1:]]
    return [
        WantedReading(text.replace("\\n", "\n"), frozenset(wanted.split("|")), *matters)
        for text, wanted, *matters in rows
    ]
