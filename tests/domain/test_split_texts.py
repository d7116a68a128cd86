"""Halves of a text: a yes that the next text takes back is in doubt; a no may be read from halves, a yes never."""

import pytest

from dispatch.domain.messaging.grammar import parse
from dispatch.domain.messaging.split_texts import Half, Reading, read
from schemas.ids import named
from tests.domain.builders import at

OFFER = named("offer")


def half(text: str, seconds: float = 0, answer: str | None = None, sent: float | None = None) -> Half:
    return Half(
        text, at(seconds), None if sent is None else at(sent), answer, None, OFFER if answer else None
    )


def reading(text: str, *before: Half, seconds: float = 5) -> Reading:
    return read(half(text, seconds), parse(text), list(reversed(before)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("je peux", "pas venir"),
        ("Je peux", "PAS VENIR"),
        ("je viens", "pas"),
        ("oui je peux", "pas y aller"),
        ("i can", "not"),
        ("i can", "not come"),
    ],
)
def test_a_yes_that_the_other_half_takes_back_is_in_doubt(first: str, second: str) -> None:
    assert reading(second, half(first, answer="accepted")).doubted == OFFER


def test_a_text_in_three_parts_is_in_doubt_from_the_second_on() -> None:
    yes = half("je peux", 0, "accepted")
    assert reading("pas", yes).doubted == OFFER
    doubt = Half("pas", at(3), None, "declined", "doubtful", OFFER)
    assert reading("venir", yes, doubt, seconds=6).doubted == OFFER


@pytest.mark.parametrize(
    "second", ["non", "NON désolé", "je ne peux pas venir", "pas disponible", "oui", "ok", "merci"]
)
def test_what_is_clear_by_itself_is_no_doubt(second: str) -> None:
    assert reading(second, half("oui", answer="accepted")) == Reading(parse(second))


@pytest.mark.parametrize("second", ["haha", "je prends mon sac", "?", "pas de souci", "no problem"])
def test_a_text_without_any_negation_casts_no_doubt(second: str) -> None:
    assert reading(second, half("oui", answer="accepted")).doubted is None


def test_a_text_that_names_another_offer_casts_no_doubt() -> None:
    assert reading("pas venir 9X9X", half("oui", answer="accepted")).doubted is None


def test_halves_are_at_most_fifteen_seconds_apart() -> None:
    yes = half("je peux", answer="accepted")
    assert reading("pas venir", yes, seconds=15).doubted == OFFER
    assert reading("pas venir", yes, seconds=16).doubted is None


def test_halves_that_the_network_delays_are_as_far_apart_as_they_were_sent() -> None:
    yes = half("je peux", 0, "accepted", sent=-1)
    late = half("pas venir", 50, sent=4)
    assert read(late, parse("pas venir"), [yes]).doubted == OFFER


@pytest.mark.parametrize(
    ("first", "second"),
    [("je ne", "peux pas"), ("je ne", "viens pas"), ("i am not", "available"), ("je", "peux pas")],
)
def test_two_halves_that_are_a_no_together_are_a_no(first: str, second: str) -> None:
    assert reading(second, half(first)).parsed.answer == "declined"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("pas venir", "je peux"),
        ("je ne", "je viens"),
        ("impossible de", "venir"),
        ("pas", "je viens"),
    ],
)
def test_a_yes_after_a_negation_that_was_not_understood_seats_nobody(first: str, second: str) -> None:
    assert reading(second, half(first)).parsed.answer != "accepted"


def test_halves_that_arrive_in_the_wrong_order_seat_nobody() -> None:
    no = Half("pas venir", at(0), None, "declined", None, OFFER)
    assert reading("je peux", no).parsed.answer == "unclear"


def test_a_yes_after_words_that_said_nothing_is_a_yes() -> None:
    assert reading("oui", half("attendez")).parsed.answer == "accepted"


def test_a_yes_is_never_read_from_halves() -> None:
    assert parse("je viens").answer == "accepted"
    assert reading("viens", half("je")).parsed == parse("viens")


def test_a_clear_answer_between_halves_parts_them() -> None:
    no = Half("non", at(2), None, "declined", None, OFFER)
    assert reading("pas venir", half("je peux", answer="accepted"), no).doubted is None


def test_the_first_text_of_a_sender_is_read_alone() -> None:
    assert reading("oui") == Reading(parse("oui"))
