"""What a text means from somebody who is asked, seated, or recalled: pure rules on the offers that it may be about."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from dispatch.domain.messaging.binding import Candidate
from dispatch.domain.messaging.codes import code
from dispatch.domain.messaging.grammar import parse
from dispatch.domain.messaging.meaning import Heard, Meaning
from dispatch.domain.messaging.meaning import understand as understand_heard
from schemas.ids import named
from schemas.replies import Answer

ORGANISATION = named("organisation")
Stored = tuple[tuple[Candidate, Answer], ...]


def candidate(number: int, **facts: bool) -> Candidate:
    """Make an offer of an incident of its own."""
    known = {"waiting": False, "recalled": False} | facts
    return Candidate(_id(number), ORGANISATION, incident_id=named("incident", number), **known)  # type: ignore[arg-type]


def _id(number: int) -> UUID:
    return UUID(int=number)


ASKED = candidate(1, waiting=True)
SEAT = candidate(2, seated=True, out=True)
OTHER_SEAT = candidate(3, seated=True, out=True)
NOTICE = candidate(4, seated=True, out=True, informs=True)
BACK = candidate(5, released=True, out=True)
STOOD_DOWN = candidate(6, released=True)
RECALLED = candidate(7, seated=True, out=True, recalled=True, held=True)
ABORTED = candidate(8, released=True, recalled=True)
HELD = candidate(9, seated=True, out=True, held=True)
OVERDUE = candidate(11, seated=True, out=True, overdue=True)
HELD_OFFER = candidate(10, waiting=True, recalled=True)


def understand(words: str, candidates: Sequence[Candidate]) -> Meaning:
    return understand_heard(Heard(words, parse(words), candidates))


def stored(words: str, *candidates: Candidate) -> Stored:
    return understand(words, candidates).answers


@pytest.mark.parametrize("words", ["DANGER", "danger homme armé", "Danger !!! ne venez pas"])
def test_danger_from_a_seated_person_counts_whatever_stands_beside_it(words: str) -> None:
    assert stored(words, SEAT)[0] == (SEAT, "danger")


def test_danger_counts_for_every_incident_in_which_somebody_is_seated() -> None:
    assert stored("danger", ASKED, SEAT, OTHER_SEAT, NOTICE) == ((SEAT, "danger"), (OTHER_SEAT, "danger"))


def test_danger_counts_though_a_recall_is_unseen() -> None:
    assert stored("danger", RECALLED) == ((RECALLED, "danger"),)


def test_danger_from_somebody_who_is_back_from_the_scene_counts() -> None:
    assert stored("danger", BACK) == ((BACK, "danger"),)


@pytest.mark.parametrize("about", [NOTICE, ASKED, STOOD_DOWN])
def test_danger_from_somebody_who_is_not_out_there_reaches_a_supervisor(about: Candidate) -> None:
    assert understand("danger", [about]) == Meaning(forwards=(about,))


@pytest.mark.parametrize(
    ("words", "answer"), [("en route", "en_route"), ("sur place", "on_scene"), ("fini", "released")]
)
def test_a_status_from_a_seated_person_does_what_the_button_does(words: str, answer: Answer) -> None:
    assert stored(words, SEAT) == ((SEAT, answer),)


def test_a_status_that_may_mean_two_seats_is_asked_back_and_a_code_names_one() -> None:
    assert understand("sur place", [SEAT, OTHER_SEAT]) == Meaning(asks=True)
    assert stored(f"sur place {code(SEAT.id)}", SEAT, OTHER_SEAT) == ((SEAT, "on_scene"),)


def test_on_the_way_is_asked_back_where_it_may_answer_a_new_offer() -> None:
    assert understand("en route", [ASKED, SEAT]) == Meaning(asks=True)
    assert stored("sur place", ASKED, SEAT) == ((SEAT, "on_scene"),)


def test_nobody_leaves_by_text_while_they_must_wait_and_a_supervisor_reads_it() -> None:
    assert understand("en route", [HELD]) == Meaning(forwards=(HELD,))
    assert stored("fini", HELD) == ((HELD, "released"),)


def test_a_seated_person_who_does_not_come_any_more_leaves_the_seat() -> None:
    assert stored("accident, je ne viens plus", SEAT) == ((SEAT, "declined"),)


def test_a_no_that_may_free_a_seat_or_answer_an_offer_is_asked_back() -> None:
    assert understand("non", [ASKED, SEAT]) == Meaning(asks=True)
    assert stored("non", ASKED, NOTICE) == ((ASKED, "declined"),)


@pytest.mark.parametrize("words", ["je suis bloqué au portail", "?", "", "peut-être"])
def test_whatever_else_a_seated_person_writes_reaches_a_supervisor(words: str) -> None:
    assert understand(words, [SEAT]) == Meaning(forwards=(SEAT,))
    assert understand(words, [SEAT, NOTICE]) == Meaning(forwards=(SEAT,))
    assert understand(words, [NOTICE]) == Meaning(forwards=(NOTICE,))
    assert understand(words, [SEAT, ASKED]) == Meaning(forwards=(SEAT,))


def test_whatever_a_person_writes_who_was_just_released_reaches_a_supervisor_unless_an_offer_waits() -> None:
    assert understand("je suis bloqué", [BACK]) == Meaning(forwards=(BACK,))
    assert understand("je suis bloqué", [ASKED, BACK]) == Meaning(asks=True)
    assert understand("je suis bloqué", [ASKED]) == Meaning(asks=True)
    assert understand("je suis bloqué", []) == Meaning(asks=True)


@pytest.mark.parametrize("words", ["merci", "Merci beaucoup !", "bonne soirée", "OK", "👍"])
def test_thanks_from_a_seated_person_bother_nobody(words: str) -> None:
    assert understand(words, [SEAT]) == Meaning()
    assert understand(words, [BACK]) == Meaning()


def test_a_time_alone_from_a_seated_person_is_when_they_arrive() -> None:
    assert understand("dans 40 min", [SEAT]) == Meaning(((SEAT, "accepted"),), minutes=40)
    assert understand("dans 40 min", [ASKED]) == Meaning(asks=True)
    assert understand("dans 40 min", [SEAT, OTHER_SEAT]).forwards == (SEAT, OTHER_SEAT)


def test_the_minutes_of_a_yes_and_of_being_on_the_way_are_kept() -> None:
    assert understand("oui dans 10 min", [ASKED]) == Meaning(((ASKED, "accepted"),), minutes=10)
    assert understand("en route, dans 10 min", [SEAT]) == Meaning(((SEAT, "en_route"),), minutes=10)


@pytest.mark.parametrize("words", ["oui", "OK", "vu", "oui volontiers", "d'accord"])
@pytest.mark.parametrize("recalled", [RECALLED, ABORTED, HELD_OFFER])
def test_while_a_recall_is_unseen_a_yes_acknowledges_it_and_seats_nobody(
    words: str, recalled: Candidate
) -> None:
    for candidates in ([recalled], [ASKED, recalled], [recalled, ASKED]):
        assert stored(words, *candidates) == ((recalled, "acknowledged"),)


def test_a_yes_with_the_code_of_the_recall_seats_nobody_either() -> None:
    assert stored(f"oui {code(HELD_OFFER.id)}", HELD_OFFER, ASKED) == ((HELD_OFFER, "acknowledged"),)


def test_a_yes_that_names_another_offer_counts_while_a_recall_is_unseen() -> None:
    assert stored(f"oui {code(ASKED.id)}", ABORTED, ASKED) == ((ASKED, "accepted"),)


def test_a_yes_that_only_acknowledged_is_asked_about_the_offer_that_waits() -> None:
    assert understand("oui", [ABORTED, ASKED]).asks
    assert not understand("vu", [ABORTED, ASKED]).asks


def test_two_unseen_recalls_are_asked_back_and_a_code_names_one() -> None:
    assert understand("vu", [RECALLED, ABORTED]) == Meaning(asks=True)
    assert stored(f"vu {code(ABORTED.id)}", RECALLED, ABORTED) == ((ABORTED, "acknowledged"),)


def test_two_offers_of_one_recalled_incident_are_one_recall() -> None:
    older = Candidate(_id(20), ORGANISATION, False, True, incident_id=RECALLED.incident_id)  # noqa: FBT003
    assert stored("vu", older, RECALLED) == ((RECALLED, "acknowledged"),)


@pytest.mark.parametrize(
    "words", ["Non compris", "non reçu", "quoi ?", "", "en route", "j'arrive", "sur place"]
)
def test_what_shows_no_understanding_of_a_recall_acknowledges_nothing_and_is_asked_back(words: str) -> None:
    for recalled in (RECALLED, ABORTED):
        assert understand(words, [recalled]) == Meaning(forwards=(recalled,), asks=True)
    assert understand(words, [HELD_OFFER]) == Meaning(asks=True)


def test_a_no_while_a_recall_is_unseen_is_bound_only_where_it_means_one_thing() -> None:
    assert stored("non", RECALLED) == ((RECALLED, "declined"),)
    assert understand("non", [ASKED, RECALLED]) == Meaning(asks=True)


@pytest.mark.parametrize(
    "words", ["PAS FINI", "pas encore", "not done", "not yet", "Non, pas fini", "non", "no"]
)
def test_of_somebody_who_is_asked_whether_it_is_over_a_no_means_not_yet(words: str) -> None:
    assert stored(words, OVERDUE) == ((OVERDUE, "not_yet"),)
    assert stored(words, SEAT) != ((SEAT, "not_yet"),)


def test_of_somebody_who_is_asked_whether_it_is_over_done_is_done_and_a_bare_yes_reaches_a_supervisor() -> (
    None
):
    assert stored("FINI", OVERDUE) == stored("DONE", OVERDUE) == ((OVERDUE, "released"),)
    assert understand("oui", [OVERDUE]) == Meaning(forwards=(OVERDUE,))


def test_a_not_yet_is_not_guessed_where_two_missions_run_or_an_offer_waits() -> None:
    assert understand("pas fini", [OVERDUE, OTHER_SEAT]) == Meaning(asks=True)
    assert stored("non", ASKED, OVERDUE) == ()
    assert stored(f"pas fini {code(OVERDUE.id)}", OVERDUE, OTHER_SEAT) == ((OVERDUE, "not_yet"),)


def test_who_is_not_asked_whether_it_is_over_and_writes_not_yet_reaches_a_supervisor() -> None:
    assert understand("pas fini", [SEAT]) == Meaning(forwards=(SEAT,))
