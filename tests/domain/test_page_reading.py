"""A duty contact's answer to a page: read whole or not at all, and bound to one page or to none."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from dispatch.domain.messaging.codes import code, page_code
from dispatch.domain.messaging.grammar import parse
from dispatch.domain.messaging.page_reading import (
    Addressee,
    Concern,
    Page,
    addressee,
    bind,
    read,
    sent_before,
)

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
SINCE = NOW - timedelta(minutes=30)


def page(status: str = "raised", subject: UUID | None = None, minutes_ago: float = 1) -> Page:
    sent_at = NOW - timedelta(minutes=minutes_ago)
    return Page(uuid4(), uuid4(), subject or uuid4(), status, sent_at, sent_at)


def concern(*, recalled: bool = False, seated: bool = False) -> Concern:
    return Concern(uuid4(), "Arrêt cardiaque", recalled, seated)


def about(text: str, pages: list[Page], concerns: list[Concern]) -> Addressee:
    return addressee(read(text), parse(text), pages, concerns, SINCE)


@pytest.mark.parametrize(
    "text", ["OK", "ok merci", "Vu", "vu 7K4C", "bien reçu", "Seen", "noted, thanks", "👍"]
)
def test_ok_and_seen_acknowledge(text: str) -> None:
    assert read(text).act == "acknowledge"


@pytest.mark.parametrize(
    "text",
    [
        "je prends", "Je prends !", "JE PRENDS 7K4C", "ok je prends", "Ok, je prends la main.", "oui je prends",
        "j'y suis", "J’y suis", "je m'en occupe", "je m´en occupe merci", "vu, je m'en occupe", "je le prends",
        "taking it", "I'm taking it", "I'll take over", "I’ll take over, thanks", "ok taking over", "on it",
    ],
)  # fmt: skip
def test_who_says_that_they_take_it_takes_over(text: str) -> None:
    assert read(text).act == "take_over"


@pytest.mark.parametrize(
    "text",
    [
        "je prends ma voiture et je viens", "je prends la voiture", "je prends le sac",
        "je ne prends pas", "je prends pas", "non je prends pas", "je ne peux pas prendre", "qui prend ?",
        "je prends ?", "tu prends", "je m'en occupe pas", "je prends dans 10 min", "je prends ma voiture",
        "I can't take it", "not taking it", "who is taking it?", "are you taking over", "can you take over",
        "non", "oui", "pas vu", "non reçu", "non compris", "clos", "je prends et je ferme", "annulez", "abort",
        "stop", "", "7K4C",
    ],
)  # fmt: skip
def test_whatever_is_not_understood_whole_is_no_answer(text: str) -> None:
    assert read(text).act is None


def test_a_negated_takeover_in_two_sentences_is_no_takeover() -> None:
    assert read("je prends. non finalement pas").act is None


@pytest.mark.parametrize("text", ["OK 7K4C", "ok 7k4c", "7K4C ok", "je prends 7K4C", "7k4c je prends svp"])
def test_a_code_of_four_characters_is_read_beside_the_answer(text: str) -> None:
    assert read(text).code == "7K4C"


def test_a_code_of_a_page_is_never_one_of_an_offer() -> None:
    names = [uuid4() for _ in range(500)]
    assert {len(page_code(name, names[0])) for name in names} == {4}
    assert {len(code(name)) for name in names} == {2}


def test_the_pages_of_two_contacts_about_one_escalation_have_codes_of_their_own() -> None:
    escalation, anne, paul = uuid4(), uuid4(), uuid4()
    assert page_code(escalation, anne) == page_code(escalation, anne)
    pairs = [(page_code(uuid4(), anne), page_code(uuid4(), paul)) for _ in range(50)]
    assert any(one != other for one, other in pairs)


def test_without_a_code_the_only_open_page_is_meant() -> None:
    waiting, done = page(), page("resolved")
    assert bind(read("ok"), [done, waiting]) == waiting
    assert bind(read("je prends"), [done, waiting]) == waiting


@pytest.mark.parametrize("text", ["ok", "je prends"])
def test_without_a_code_and_with_two_open_pages_none_is_meant(text: str) -> None:
    assert bind(read(text), [page(), page()]) is None


def test_a_code_names_the_page_among_several() -> None:
    first, second = page(), page()
    assert bind(read(f"ok {second.code}"), [first, second]) == second
    assert bind(read(f"je prends {first.code.lower()}"), [first, second]) == first


def test_an_unknown_code_names_no_page_though_only_one_is_open() -> None:
    (waiting,) = pages = [page()]
    other = next(found for found in ("2C2C", "3D3D") if found != waiting.code)
    assert bind(read(f"ok {other}"), pages) is None


def test_ok_is_about_the_page_that_nobody_has_acknowledged_yet() -> None:
    seen, waiting = page("acknowledged"), page()
    assert bind(read("ok"), [waiting, seen]) == waiting
    assert bind(read("je prends"), [waiting, seen]) is None


def test_two_pages_about_one_incident_are_taken_over_by_one_answer() -> None:
    incident = uuid4()
    assert bind(read("je prends"), [page(subject=incident), page(subject=incident)]) is not None
    assert bind(read("ok"), [page(subject=incident), page(subject=incident)]) is None


def test_a_delayed_text_without_a_code_is_about_no_page_that_was_sent_after_it() -> None:
    older, newer = page(minutes_ago=20), page(minutes_ago=1)
    said_at = NOW - timedelta(minutes=10)
    assert sent_before(read("ok"), [newer, older], said_at) == [older]
    assert sent_before(read(f"ok {newer.code}"), [newer, older], said_at) == [newer, older]
    assert sent_before(read("ok"), [newer, older], NOW) == [newer, older]


def test_when_no_page_is_open_the_latest_is_answered_with_what_stands() -> None:
    latest, older = page("handed_over"), page("resolved", minutes_ago=60)
    assert bind(read("ok"), [latest, older]) == latest
    assert bind(read("ok"), []) is None


@pytest.mark.parametrize("text", ["OK", "VU", "je prends", "oui", "non", "j'y suis"])
@pytest.mark.parametrize("what", [{}, {"recalled": True}, {"seated": True}])
def test_what_may_be_for_the_page_or_for_the_volunteer_is_asked_back(
    text: str, what: dict[str, bool]
) -> None:
    assert about(text, [page()], [concern(**what)]) == "either"


def test_a_code_says_whether_the_page_or_the_offer_is_meant() -> None:
    paged, asked = page(), concern()
    assert about(f"OK {paged.code}", [paged], [asked]) == "page"
    assert about(f"je prends {paged.code}", [paged], [asked]) == "page"
    assert about(f"oui {code(asked.offer_id)}", [paged], [asked]) == "volunteer"
    assert about(f"je prends {code(asked.offer_id)}", [paged], [asked]) == "volunteer"


def test_who_was_not_paged_answers_as_a_volunteer() -> None:
    assert about("je prends", [], [concern()]) == "volunteer"
    assert about("je prends", [page("resolved", minutes_ago=31)], [concern()]) == "volunteer"
    assert about("oui", [], []) == "volunteer"


def test_who_was_asked_nothing_as_a_volunteer_answers_the_page() -> None:
    assert about("je prends", [page()], []) == "page"
    assert about("oui", [page()], []) == "page"


def test_a_page_that_was_resolved_a_moment_ago_may_still_be_meant() -> None:
    assert about("je prends", [page("handed_over")], [concern()]) == "either"


@pytest.mark.parametrize("text", ["danger", "danger homme armé", "sur place", "il y a le feu partout"])
def test_what_a_responder_reports_is_never_held_back_by_a_question(text: str) -> None:
    assert about(text, [page()], [concern(seated=True)]) == "volunteer"
