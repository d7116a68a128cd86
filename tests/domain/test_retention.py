"""How long things are kept: one table, bounds that nobody can leave, and what other promises ask of it."""

from datetime import timedelta

import pytest

from dispatch.domain.retention import EXPIRING, RULES, periods
from dispatch.services.access import idempotency
from dispatch.services.messaging import tokens
from producers.kafka.topics import SEGMENTS
from schemas.topics import TOPICS

BY_NAME = {rule.name: rule for rule in RULES}


def test_a_table_belongs_to_one_rule() -> None:
    tables = [table for rule in RULES for table in rule.tables]
    assert len(tables) == len(set(tables))


def test_a_period_lies_between_its_bounds() -> None:
    assert all(0 < rule.least <= (rule.days or 0) <= rule.most for rule in EXPIRING)


def test_a_setting_changes_only_the_tables_that_it_names() -> None:
    assert periods("report_texts=90, rounds = 30") == periods() | {"report_texts": 90, "rounds": 30}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("diary=3", "'diary' has no period; there are: positions, "),
        ("journal=3", "'journal' has no period"),
        ("inbox=8", "inbox=8: must be from 9 to 365 days"),
        ("report_texts=366", "report_texts=366: must be from 1 to 365 days"),
        ("report_texts", "report_texts=: must be from 1"),
        ("report_texts=soon", "report_texts=soon: must be from 1"),
    ],
)
def test_an_invalid_setting_is_rejected_with_the_valid_names(changes: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"must be from|has no period") as raised:
        periods(changes)
    assert words in str(raised.value)


@pytest.mark.parametrize("name", ["inbox", "parking"])
def test_inbox_and_parking_are_retained_longer_than_any_topic(name: str) -> None:
    longest = max(timedelta(milliseconds=topic.retention_ms) for topic in TOPICS)
    # A message lives until its segment, which others may still be added to, is old enough.
    assert longest + longest / SEGMENTS < timedelta(days=BY_NAME[name].least)


def test_a_link_that_opens_something_is_known() -> None:
    assert timedelta(days=BY_NAME["tokens"].least) >= tokens.VALID_AFTER_END


def test_an_answer_that_may_be_asked_for_again_is_known() -> None:
    assert timedelta(days=BY_NAME["idempotency_keys"].least) >= idempotency.STORED_FOR
