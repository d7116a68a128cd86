"""Three corpora of texts as people write them, each written apart from the reader."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatch.domain.messaging.grammar import parse
from tests.support.readings import BLIND, OWN, WantedReading, read_corpus

SHARE = 0.97
BLIND_AS_WANTED = 228
"""What the blind texts have reached of 246; the others need a human, or a guess."""
BLIND_REPORTED = 34
LONG = 60


@pytest.fixture(params=["own", "real"])
def corpus(request: pytest.FixtureRequest) -> list[WantedReading]:
    """Return a corpus: that of this repository, and that of the folder of real samples."""
    if request.param == "own":
        return read_corpus(OWN)
    folder: Path = request.getfixturevalue("real_data")
    return read_corpus(folder / "texts" / "readings.tsv")


def test_no_text_is_read_as_a_yes_or_as_seen_that_is_not(corpus: list[WantedReading]) -> None:
    assert [one.text for one in corpus if one.is_unsafe] == []


def test_nearly_every_text_is_read_as_wanted(corpus: list[WantedReading]) -> None:
    otherwise = [one.text for one in corpus if not one.is_as_wanted]
    assert len(otherwise) <= (1 - SHARE) * len(corpus), otherwise


def test_no_blind_text_is_read_as_a_yes_or_as_seen_that_is_not() -> None:
    assert [one.text for one in read_corpus(BLIND) if one.is_unsafe] == []


def test_the_blind_texts_are_read_as_well_as_they_have_been() -> None:
    blind = read_corpus(BLIND)
    assert len(blind) == 246
    assert sum(one.is_as_wanted for one in blind) >= BLIND_AS_WANTED
    assert sum(bool(one.matters) and one.is_reported_as_wanted for one in blind) >= BLIND_REPORTED


def test_no_slip_of_a_finger_makes_a_yes_or_an_acknowledgement_of_something_else() -> None:
    corpora = read_corpus(OWN) + read_corpus(BLIND)
    others = [one.text for one in corpora if not one.answers & {"accepted", "acknowledged"}]
    slips = {slip for text in others if len(text) < LONG for slip in _slips(text)}
    assert [slip for slip in slips if parse(slip).answer in {"accepted", "acknowledged"}] == []


def _slips(text: str) -> Iterator[str]:
    """Yield a text with each two neighbours swapped, and with each letter twice."""
    for at in range(len(text)):
        yield text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        yield text[: at + 1] + text[at:]


def test_the_own_corpus_has_many_texts_of_each_answer() -> None:
    counts = Counter(answer for one in read_corpus(OWN) for answer in one.answers)
    assert len(read_corpus(OWN)) >= 120
    assert all(
        counts[answer] >= 5 for answer in ("accepted", "declined", "acknowledged", "stop", "start", "unclear")
    )
