"""What people are told: short enough for one text, in both languages, and never more than they may know."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from dispatch.domain.messaging import grammar, gsm, texts
from dispatch.domain.messaging.page_texts import PageFacts
from dispatch.domain.messaging.page_wording import PAGE_SENTENCES
from dispatch.domain.messaging.texts import TextFacts, distance, until
from dispatch.domain.messaging.wording import REASONS, SENTENCES
from dispatch.services.operations.auditing import DETAILS
from schemas.notifications import Purpose
from schemas.volunteers import Language

LINK = "https://renfort.example.org/a/7gJ2kQp0ZsXc4VbN1"
OFFER = TextFacts(
    "offer", "fr", title="Arrêt cardiaque", distance_m=834, until="20:01:05", code="7K", link=LINK
)
LANGUAGES: tuple[Language, ...] = ("fr", "en")
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
TITLE = {"fr": "Arrêt cardiaque", "en": "Cardiac arrest"}


OF_THE_SYSTEM = {
    "parked", "forged", "paused", "overload", "journal_differs", "candidates_differ", "duty_stop", "ambiguous_sender",
    "text_flood",
}  # fmt: skip
"""Reasons of escalations that no incident has."""


def render(facts: TextFacts) -> str:
    """Write a text as SMS carries it."""
    return gsm.fold(texts.render(facts))


def facts(purpose: Purpose, language: Language = "fr", **changes: object) -> TextFacts:
    return replace(OFFER, purpose=purpose, language=language, title=TITLE[language], **changes)  # type: ignore[arg-type]


def test_an_offer_says_what_how_far_until_when_where_and_how_to_answer() -> None:
    text = render(facts("offer"))
    for part in ("Arret cardiaque", "850 m", "20:01:05", LINK, "OUI 7K", "NON 7K"):
        assert part in text
    assert "YES 7K" in render(facts("offer", "en"))
    assert "NO 7K" in render(facts("offer", "en"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("plan", [{}, {"informs": True}, {"crew": True}])
def test_an_offer_begins_with_the_organisation_that_asks(language: Language, plan: dict[str, bool]) -> None:
    colon = {"fr": " : ", "en": ": "}[language]
    text = render(facts("offer", language, organisation="SDIS 67", drill=True, **plan))
    assert text.partition("] ")[2].startswith(f"SDIS 67{colon}{gsm.fold(TITLE[language])}")
    assert not render(facts("offer", language, **plan)).startswith(colon.strip())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("plan", [{}, {"crew": True}])
def test_a_long_name_of_an_organisation_keeps_an_offer_in_one_text_message(
    language: Language, plan: dict[str, bool]
) -> None:
    asked = facts("offer", language, organisation="Sapeurs-pompiers de Strasbourg", **plan)
    text = render(replace(asked, distance_m=1234))
    assert text.startswith("Sapeurs-pompiers de S...")
    assert gsm.parts(text) == 1, len(text)


@pytest.mark.parametrize("organisation", ["SDIS 67", "SDIS du Pas-de-Calais", "Mairie de Barr"])
@pytest.mark.parametrize(("own", "answer"), [("oui", "accepted"), ("je ne peux pas", "declined")])
def test_an_offer_that_is_quoted_is_no_part_of_the_answer(organisation: str, own: str, answer: str) -> None:
    quoted = render(facts("offer", organisation=organisation))
    assert grammar.parse(f"{own}\n{quoted}") == grammar.ParsedText(answer, "7K")  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("plan", [{}, {"informs": True}, {"crew": True}])
def test_every_message_is_written_in_both_languages_in_seven_bits(
    purpose: Purpose, language: Language, plan: dict[str, bool]
) -> None:
    text = render(facts(purpose, language, reason="uncovered", level=2, **plan))
    assert len(text) > 20
    assert gsm.fits(text)
    assert "{" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", PURPOSES)
def test_what_is_urgent_fits_one_text_message(purpose: Purpose, language: Language) -> None:
    for change in ("held", "late", "reserve", "assigned"):
        text = render(facts(purpose, language, reason="uncovered", level=2, **{change: True}))
        assert gsm.parts(text) == 1 or purpose == "stopped", (len(text), text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answers_that_a_text_proposes_are_understood(language: Language) -> None:
    yes, no, seen = {"fr": ("OUI", "NON", "VU"), "en": ("YES", "NO", "SEEN")}[language]
    offer, recall = render(facts("offer", language)), render(facts("aborted", language))
    for text, word, answer in (
        (offer, yes, "accepted"), (offer, no, "declined"), (recall, seen, "acknowledged"),
    ):  # fmt: skip
        assert f"{word} 7K" in text
        assert grammar.parse(f"{word} 7K") == grammar.ParsedText(answer, "7K")  # type: ignore[arg-type]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_drill_says_so_first(purpose: Purpose) -> None:
    assert render(facts(purpose, drill=True)).startswith("[EXERCICE] ")
    assert render(facts(purpose, "en", drill=True)).startswith("[DRILL] ")
    assert "EXERCICE" not in render(facts(purpose))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", ["offer", "assigned", "late", "stand_down", "resumed"])
def test_a_watch_member_is_never_told_where_to_go(purpose: Purpose, language: Language) -> None:
    for assigned in (False, True):
        text = render(facts(purpose, language, informs=True, assigned=assigned))
        assert "850" not in text
        for going in ("y aller", " venez", "venir", "on vous attend", "you go", "can you", "expected"):
            assert going not in text.lower()


def test_somebody_who_accepts_while_the_incident_is_held_is_told_to_wait() -> None:
    assert "ATTENDEZ" in render(facts("assigned", held=True))
    assert "ATTENDEZ" not in render(facts("assigned"))


def test_a_late_yes_that_is_seated_says_so() -> None:
    assert render(facts("assigned", late=True)).startswith("Réponse tardive bien recue. Merci")
    assert "réserve" in render(facts("assigned", reserve=True, late=True))


def test_the_end_of_a_wait_asks_again_who_had_not_answered() -> None:
    assert "OUI 7K" in render(facts("resumed"))
    assert "OUI" not in render(facts("resumed", assigned=True))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_to_stop_says_that_safety_messages_go_on(language: Language) -> None:
    assert {"fr": "sécurité", "en": "Safety"}[language] in render(facts("stopped", language))


def test_an_unclear_answer_is_asked_back_with_the_codes_it_may_have_meant() -> None:
    one, two = ("7K", "Chute"), ("4T", "Incendie")
    assert "7K" not in render(facts("ask_back"))
    assert "OUI 7K ou NON 7K" in render(facts("ask_back", pending=(one,)))
    assert "7K = Chute, 4T = Incendie" in render(facts("ask_back", pending=(one, two)))


def test_what_a_supervisor_writes_by_hand_is_passed_on() -> None:
    text = render(facts("escalation", reason="by_hand", detail="six {more} people", level=3))
    assert "demande d'un superviseur : six {more} people (Arret cardiaque)" in text
    assert "niveau 3" in text


def test_a_reason_is_told_in_the_reader_s_words_and_not_in_ours() -> None:
    text = render(facts("escalation", reason="uncovered", detail="2 seats are empty", level=2))
    assert "pas assez de monde" in text
    assert "seats" not in text
    assert "could not be processed" in render(
        facts("escalation", "en", reason="parked:incident.reports:x", detail="x")
    )
    late = render(facts("escalation", reason="outbox_late", detail="9 events wait"))
    assert "les événements ne sont pas publiés (Kafka ?) (Arret" in late
    assert "brand new : x" in render(facts("escalation", reason="brand_new", detail="x"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", sorted({*REASONS, *DETAILS, "updated_after_end"}))
def test_every_page_has_words_for_its_reason_and_says_where_to_look(reason: str, language: Language) -> None:
    about_incident = reason not in {*DETAILS, *OF_THE_SYSTEM}
    page = PageFacts(
        code="7K4C", takes=about_incident, organisation="SDIS 67", number="0197a0b2", place="12 km NE du centre"
    )  # fmt: skip
    title = TITLE[language] if about_incident else ""
    text = render(replace(facts("escalation", language, reason=reason, level=3, page=page), title=title))
    assert gsm.fold(REASONS[reason][language]) in text
    assert "OK 7K4C" in text
    assert text.endswith("dispatch watch")
    assert gsm.parts(text) <= 2, len(text)


def test_every_sentence_and_reason_exists_in_both_languages() -> None:
    for words in (*SENTENCES.values(), *PAGE_SENTENCES.values(), *REASONS.values()):
        assert set(words) == set(LANGUAGES)


def test_distances_are_said_as_people_say_them() -> None:
    assert [distance(m, "fr") for m in (3, 834, 1234)] == ["50 m", "850 m", "1,2 km"]
    assert distance(1234, "en") == "1.2 km"


def test_a_moment_is_told_on_the_reader_s_clock() -> None:
    now = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
    assert until(now + timedelta(seconds=65), "Europe/Paris", now) == "21:01:05"
    assert until(now + timedelta(minutes=30), "Europe/Paris", now) == "21:30"
    assert until(now + timedelta(hours=5), "Europe/Paris", now) == "23/11 02:00"


def test_letters_that_do_not_fit_lose_their_accents_and_other_scripts_stay() -> None:
    assert gsm.fold("Début d’été, forêt «brûlée» — ça… œuf") == 'Début d\'été, foret "brulée" - ca... oeuf'
    assert gsm.fold("Пожар") == "Пожар"
    assert gsm.parts("Пожар" * 15) == 2


def test_parts_are_counted_as_a_network_counts_them() -> None:
    assert [gsm.parts("a" * n) for n in (0, 160, 161, 306, 307)] == [1, 1, 2, 2, 3]
    assert gsm.parts("€" * 81) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answers_that_the_question_about_the_end_proposes_are_understood(language: Language) -> None:
    done, not_yet = {"fr": ("FINI 7K", "PAS FINI 7K"), "en": ("DONE 7K", "NOT DONE 7K")}[language]
    text = render(facts("overdue", language))
    assert f"{done} " in text
    assert f"{not_yet}." in text
    assert (grammar.parse(done).status, grammar.parse(not_yet).status) == ("released", "not_yet")


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("", "plus besoin de vous"),
        ("done", "plus besoin de vous"),
        ("false_alarm", "Fausse alerte"),
        ("cancelled", "annulé"),
        ("unreported", "heure de fin"),
    ],
)
def test_who_is_stood_down_is_told_what_happened(outcome: str, says: str) -> None:
    text = render(facts("stand_down", outcome=outcome))
    assert (says in text, gsm.parts(text)) == (True, 1)
    assert "terminé" in render(facts("stand_down", outcome=outcome, informs=True))


@pytest.mark.parametrize("informs", [False, True])
def test_who_is_expected_elsewhere_at_that_time_is_told_where_and_not_that_enough_come(
    *, informs: bool
) -> None:
    text = render(facts("late", "en", clash="Flood watch", informs=informs))
    assert "already expected at that time: Flood watch" in text
    assert "Flood watch" not in render(facts("stand_down", "en", clash="Flood watch"))
