"""What duty contacts are told: how to answer a page, what stands when they do, and what they may have meant."""

from typing import get_args

import pytest

from dispatch.domain.messaging import gsm, page_reading, texts
from dispatch.domain.messaging.page_texts import EscalationState, PageFacts, Standing, standing
from dispatch.domain.messaging.texts import TextFacts
from schemas.notifications import Purpose
from schemas.volunteers import Language

LANGUAGES: tuple[Language, ...] = ("fr", "en")
ME, OTHER = "duty:me", "duty:other"
KNOWN = PageFacts(
    "7K4C", takes=True, who="Anne Weber", until="03:15", organisation="SDIS 67",
    pages=(("7K4C", "danger (Chute)"), ("3D5F", "demande")),
)  # fmt: skip


def render(purpose: Purpose, page: PageFacts, language: Language = "fr", **more: object) -> str:
    facts = TextFacts(purpose, language, reason="uncovered", level=2, page=page, **more)  # type: ignore[arg-type]
    return gsm.fold(texts.render(facts))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answers_that_a_page_proposes_are_understood(language: Language) -> None:
    text = render("escalation", KNOWN, language)
    takes = {"fr": "JE PRENDS", "en": "TAKING IT"}[language]
    for words, act in (("OK 7K4C", "acknowledge"), (f"{takes} 7K4C", "take_over")):
        assert words in text
        assert (page_reading.read(words).act, page_reading.read(words).code) == (act, "7K4C")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_that_cannot_be_taken_over_proposes_no_takeover(language: Language) -> None:
    text = render("escalation", PageFacts("7K4C"), language)
    assert "OK 7K4C" in text
    assert "JE PRENDS" not in text
    assert "TAKING" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", get_args(Standing))
def test_what_stands_fits_one_text_message(state: Standing, language: Language) -> None:
    page = PageFacts("7K4C", takes=True, standing=state, who="Anne Weber", until="03:15:00")
    text = render("escalation_status", page, language, title="Arrêt cardiaque")
    assert gsm.parts(text) == 1, (len(text), text)
    assert "{" not in text


@pytest.mark.parametrize(
    ("state", "stands"),
    [
        (EscalationState("raised", None, "open", None), ("raised", "")),
        (EscalationState("acknowledged", ME, "open", None), ("acknowledged_by_you", ME)),
        (EscalationState("acknowledged", OTHER, "open", None), ("acknowledged", OTHER)),
        (EscalationState("handed_over", ME, "taken_over", ME), ("taken_by_you", ME)),
        (EscalationState("handed_over", OTHER, "taken_over", OTHER), ("taken", OTHER)),
        (EscalationState("handed_over", OTHER, "held", OTHER), ("taken", OTHER)),
        (EscalationState("handed_over", OTHER, "open", None), ("resolved", "")),
        (EscalationState("resolved", None, "open", None), ("resolved", "")),
        (EscalationState("resolved", None, "closed", OTHER), ("ended", "")),
        (EscalationState("resolved", None, None, None), ("resolved", "")),
        (EscalationState("acknowledged", OTHER, None, None), ("acknowledged", OTHER)),
    ],
)
def test_how_an_escalation_stands_depends_on_the_reader(
    state: EscalationState, stands: tuple[Standing, str]
) -> None:
    assert standing(state, ME) == stands


def test_an_unclear_answer_is_asked_back_with_the_pages_that_wait() -> None:
    assert "Aucune alerte" in render("ask_back", PageFacts())
    one = PageFacts(pages=(("7K4C", "danger (Chute)"),))
    assert "OK 7K4C (vu) ou JE PRENDS 7K4C" in render("ask_back", one)
    assert "7K4C = danger (Chute), 3D5F = demande" in render("ask_back", KNOWN)


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_may_have_meant_a_page_or_an_offer_is_asked_which(language: Language) -> None:
    page = PageFacts(pages=(("7K4C", "danger"),), recalls=(("4T", "Incendie"),), offers=(("7K", "Chute"),))
    text = render("ask_back", page, language)
    words = {"fr": ("OK ou JE PRENDS", "VU", "OUI ou NON"), "en": ("OK or TAKING IT", "SEEN", "YES or NO")}
    for part in (*words[language], "7K4C = danger", "4T = Incendie", "7K = Chute"):
        assert part in text
    assert "NON" not in render("ask_back", PageFacts(recalls=(("4T", "Incendie"),)), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_to_stop_says_that_pages_go_on(language: Language) -> None:
    text = render("stopped", KNOWN, language)
    assert "SDIS 67" in text
    assert {"fr": "continuent", "en": "continue"}[language] in text
    assert text != render("stopped", PageFacts(organisation="SDIS 67", alone=True), language)
