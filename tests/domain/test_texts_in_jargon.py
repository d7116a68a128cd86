"""Texts in the spelling of short messages, in firefighters' jargon, dictated, and with a quoted request inside."""

import pytest

from dispatch.domain.messaging.grammar import ParsedText, parse

REQUEST = "Incendie à 3 km. Venez-vous ? Répondez OUI 7K ou NON 7K"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("jv venir", "accepted"), ("tqt jariv", "accepted"), ("c bn jvien", "accepted"), ("wesh oui", "accepted"),
        ("jpe po dsl", "declined"), ("nn c mort", "declined"), ("g pa le tps", "declined"), ("jpx pa soz", "declined"),
        ("jv pas", "declined"), ("o boulot", "declined"), ("cant rn", "declined"),
    ],
)  # fmt: skip
def test_the_spelling_of_short_messages_is_read(text: str, answer: str) -> None:
    assert parse(text).answer == answer


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("je décale", ParsedText("accepted", status="en_route")),
        ("je rallie", ParsedText("accepted", status="en_route")),
        ("SLL", ParsedText("unclear", status="on_scene")),
        ("on est sur les lieux", ParsedText("unclear", status="on_scene")),
        ("fin d'inter, retour dispo", ParsedText("unclear", status="released")),
        ("désengagé", ParsedText("unclear", status="released")),
        ("pas encore désengagé", ParsedText("unclear", status="not_yet")),
        ("remisage", ParsedText("unclear", status="released")),
        ("indispo opérationnelle", ParsedText("declined")),
        ("déjà engagé avec le VSAV", ParsedText("declined")),
        ("reçu fort et clair", ParsedText("acknowledged")),
        ("pas reçu fort et clair", ParsedText("unclear")),
        ("read, stood down", ParsedText("acknowledged")),
        ("not stood down", ParsedText("unclear")),
        ("on se fait caillasser, ils caillassent", ParsedText("unclear", status="danger")),
        ("câble au sol", ParsedText("unclear", status="danger")),
        ("le plafond tombe", ParsedText("unclear", status="danger")),
        ("pas de caillassage", ParsedText("unclear")),
    ],
)
def test_the_jargon_of_firefighters_is_read(text: str, reading: ParsedText) -> None:
    assert parse(text) == reading


@pytest.mark.parametrize(
    "text",
    [
        "le camion décale", "je décale mon rdv", "je décale à demain", "ça démarre", "la voiture démarre pas",
        "le VSAV rallie", "mon frérot arrive", "my bro is coming", "on y monte demain", "oui j'attends votre feu vert",
        "ça marche pas pour moi", "ça marche pour moi demain", "je ne manquerai pas de venir demain", "oui mdr",
        "non je rigole j'arrive", "je viendrai point", "je viens point", "rien ne m'empêche", "oui, c'est grave",
        "pas moyen de ne pas venir", "I'll pass by and bring it", "au stop",
    ],
)  # fmt: skip
def test_the_same_words_of_another_or_of_a_later_time_are_unclear(text: str) -> None:
    assert parse(text).answer == "unclear"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ça marche", "acknowledged"), ("ça marche pour moi", "accepted"), ("d'accord pour moi", "accepted"),
        ("works for me", "accepted"),
    ],
)  # fmt: skip
def test_what_suits_the_writer_is_a_yes_and_not_only_seen(text: str, answer: str) -> None:
    assert parse(text).answer == answer


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("oui compte 3/4 d'heure", 45), ("yes eta 1h15", 75), ("oui une vingtaine de minutes", 20),
        ("oui virgule dans dix minutes point", 10),
    ],
)  # fmt: skip
def test_times_as_they_are_spoken_are_minutes(text: str, minutes: int) -> None:
    assert (parse(text).answer, parse(text).minutes) == ("accepted", minutes)


@pytest.mark.parametrize("text", ["yes eta 22h", "oui dans une quinzaine", "oui compte 3/4"])
def test_a_clock_or_a_number_without_a_unit_is_no_minutes(text: str) -> None:
    assert parse(text) == ParsedText("unclear")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (f"« {REQUEST} » : OUI", "accepted"), (f"« {REQUEST} » non", "declined"), (f"{REQUEST} => NON", "declined"),
        (f"{REQUEST} -> OUI", "accepted"), (f"« {REQUEST} »", "unclear"), (f"{REQUEST} =>", "unclear"),
        (f"non « {REQUEST} » oui", "unclear"), (f"{REQUEST} → peut-être", "unclear"), ("OUI 7K => NON 7K", "unclear"),
    ],
)  # fmt: skip
def test_an_answer_beside_a_quoted_request_is_read_with_its_code(text: str, answer: str) -> None:
    assert (parse(text).answer, parse(text).code) == (answer, "7K")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("mdr non", "declined"), ("Je suis à Lyon donc non", "declined"), ("retirez mon oui", "declined"),
        ("I'll pass", "declined"), ("trop tard pour moi", "declined"), ("stop au 36111", "stop"),
        ("merci de me retirer de vos fichiers", "stop"), ("me retirer définitivement de vos fichiers", "stop"),
    ],
)  # fmt: skip
def test_a_no_and_an_opt_out_in_idioms_are_read(text: str, answer: str) -> None:
    assert parse(text).answer == answer
