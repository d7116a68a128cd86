"""Texts as people write them: what a negation, a signature, a quotation or a typo changes, and what it must not."""

from itertools import groupby
from time import process_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dispatch.domain.messaging.grammar import ParsedText, parse
from dispatch.domain.messaging.reading import words_answering, words_around, words_explaining, words_reporting
from dispatch.domain.messaging.reading.lexicon import PHRASES
from dispatch.domain.messaging.reading.normalizing import words_and_marks
from dispatch.domain.messaging.reading.spelling import expand, squeezed
from tests.support.readings import BLIND, OWN, read_corpus

ANSWERS = [
    *(
        "oui",
        "Oui j'arrive",
        "J'arrive tout de suite",
        "je suis disponible",
        "yes",
        "I'm coming",
        "heading out",
        "d'accord, j'y vais",
    ),
    *(
        "non",
        "Je ne peux pas",
        "désolé, impossible ce soir",
        "no",
        "I can't come",
        "not available",
        "pas dispo",
        "je suis au travail",
    ),
    *("vu", "bien reçu", "compris", "STOP", "start"),
]
ANSWER = st.sampled_from(ANSWERS)
SIGNATURES = [
    "\n\nEnvoyé de mon iPhone", " Sent from my Galaxy S23", "\nEnvoyé depuis l'application Mail Orange",
    "\nGet Outlook for iOS",
    "\n-- \nJean Dupont\nTél. 06 12 34 56 78", "\n--\nTom Baker, No Limit Fitness", "\nMarie Durand",
    "\nPhilippe Noël\nPlombier",
]  # fmt: skip
REQUEST = "Arrêt cardiaque à 350 m. Venez-vous ? Répondez OUI 7K ou NON 7K avant 20:01:05 https://x.org/a/7gJ"
QUOTATIONS = [
    f"\n> {REQUEST}", f"\n{REQUEST}", f"\n\nLe 3 nov. 2026 à 20:00, Renfort <r@x.org> a écrit :\n> {REQUEST}",
    f"\n-----Message d'origine-----\n{REQUEST}",
    "\n\nOn 3 Nov 2026, Renfort wrote:\n> Can you go? Reply YES 7K or NO 7K",
]  # fmt: skip
POLITE = [
    "Bonjour, {}",
    "Bonsoir Madame, {}",
    "{} merci",
    "{}, bon courage",
    "{} svp",
    "Hello, {}",
    "{} thanks",
    "{} 🙏",
]
NEGATIONS = [
    "non",
    "Non,",
    "no",
    "pas",
    "ne",
    "not",
    "jamais",
    "never",
    "je ne peux pas",
    "I can't",
    "👎",
    "nope.",
]
NO_WORDS = [
    "zorglub", "Kirikou", "bibliothèque", "hirondelle", "kangaroo", "umbrella", "фото", "نعم",
    "17 rhinocéros", "🦄", "§", "xyzzy",
]  # fmt: skip


def answer(text: str) -> str:
    return parse(text).answer


@given(ANSWER, st.sampled_from(SIGNATURES))
def test_a_signature_never_changes_an_answer(text: str, signature: str) -> None:
    assert answer(text + signature) == answer(text)


@given(ANSWER, st.sampled_from(QUOTATIONS))
def test_a_quotation_never_changes_an_answer(text: str, quotation: str) -> None:
    assert answer(text + quotation) == answer(text)


def test_a_quotation_names_the_offer_where_the_answer_does_not() -> None:
    assert parse(f"oui\n> {REQUEST}") == ParsedText("accepted", "7K")
    assert parse(f"oui 9T\n> {REQUEST}") == ParsedText("accepted", "9T")


@given(ANSWER, st.sampled_from(POLITE))
def test_politeness_never_changes_an_answer(text: str, polite: str) -> None:
    assert answer(polite.format(text)) == answer(text)


@given(ANSWER, st.sampled_from("’‘ʼ`´′"))
def test_accents_case_and_the_kind_of_apostrophe_never_change_an_answer(text: str, apostrophe: str) -> None:
    bare = text.translate(str.maketrans("éèêàçôî", "eeeacoi"))
    assert {
        answer(text.upper()),
        answer(bare),
        answer(text.replace("'", apostrophe)),
        answer(bare.title()),
    } == {answer(text)}


@given(ANSWER, st.integers(0, 40), st.integers(1, 4))
@example("Je ne peux pas", 13, 1)
def test_a_letter_written_more_often_never_changes_an_answer(text: str, at: int, times: int) -> None:
    at %= len(text)
    more = text[:at] + (text[at] * times if text[at].isalpha() else "") + text[at:]
    assert answer(more) == answer(text)


@pytest.mark.parametrize("negation", NEGATIONS)
def test_no_text_is_a_yes_behind_a_negation(negation: str) -> None:
    for one in read_corpus(OWN) + read_corpus(BLIND):
        assert answer(f"{negation} {one.text}") != "accepted", one.text


@pytest.mark.parametrize(
    "negation", ["non", "pas", "not", "jamais", "n'ai pas", "haven't", "didn't", "aucun message", "no"]
)
@pytest.mark.parametrize(
    "seen", ["compris", "reçu", "lu", "vu", "bien reçu", "received", "understood", "read", "seen"]
)
def test_what_was_not_read_or_understood_acknowledges_nothing(negation: str, seen: str) -> None:
    assert answer(f"{negation} {seen}") == "unclear"
    assert answer(f"{negation}-{seen}") == "unclear"


@given(st.lists(st.sampled_from(NO_WORDS), min_size=1).map(" ".join))
def test_a_text_without_a_known_word_is_no_answer(text: str) -> None:
    assert answer(text) == "unclear"


@settings(deadline=None)
@given(
    st.text(max_size=700)
    | st.lists(st.sampled_from([*ANSWERS, *NEGATIONS, *NO_WORDS, "in", "dans", "1 h", ">", "\n"])).map(
        " ".join
    )
)
@example("ﷺ" * 499)
@example("in " * 530)
def test_any_text_is_read_in_a_quarter_of_a_second(text: str) -> None:
    started = process_time()
    parse(text)
    assert process_time() - started < 0.25


@pytest.mark.parametrize(
    "text", ["in ", "> ", "\n", "j'", "a.b.", "7 k ", "oui 7k ", "«", "o", "1", "pas ", "-", "le "]
)
def test_a_text_of_1600_characters_is_read_in_a_quarter_of_a_second(text: str) -> None:
    started = process_time()
    assert answer(text * (1600 // len(text))) == "unclear"
    assert process_time() - started < 0.25


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("dispo dans 60 min", 60), ("oui dans 90 min", 90), ("oui dans 1h30", 90), ("j'arrive d'ici 1h30", 90),
        ("yes in an hour", 60), ("oui dans une heure et demie", 90), ("available in 45 minutes", 45),
        ("oui 10 min", 10),
        ("j'arrive ds 20 mn", 20), ("yes in 2 hours", 120), ("oui, dans un quart d'heure", 15),
        ("there in 15", 15),
        ("oui dans dix minutes", 10), ("j'arrive dans quarante-cinq minutes", 45), ("oui dans 10-15 min", 15),
        ("oui dans 5 ou 10 min", 10), ("sur place dans 8 min", 8), ("yes, but it will take me 50 minutes", 50),
    ],
)  # fmt: skip
def test_a_yes_tells_in_how_many_minutes(text: str, minutes: int) -> None:
    assert (answer(text), parse(text).minutes) == ("accepted", minutes)


@pytest.mark.parametrize(
    "text",
    [
        "oui à 22h15",
        "oui vers 20h",
        "dispo d'ici 22h",
        "yes at 8 pm",
        "oui demain",
        "oui dans 2 jours",
        "oui 8h",
    ],
)
def test_a_time_of_the_clock_or_a_day_is_unclear_and_no_minutes(text: str) -> None:
    assert parse(text) == ParsedText("unclear")


def test_minutes_alone_answer_nothing_and_are_kept() -> None:
    assert parse("dans 10 min") == ParsedText("unclear", minutes=10)
    assert parse("non, pas dans 10 min").minutes is None


@pytest.mark.parametrize("text", ["7 K", "7k", "(7K)", "7.K", "7-K", "n°7K", "#7K", "sept k"])
def test_a_code_is_read_however_a_phone_writes_it(text: str) -> None:
    assert parse(f"oui {text}") == ParsedText("accepted", "7K")
    assert parse(f"NON {text} désolé") == ParsedText("declined", "7K")


@pytest.mark.parametrize(
    ("text", "code"), [("oui 7k 4", "7K4"), ("oui 7 K 4 F", "7K4F"), ("oui 7k4 f", "7K4F")]
)
def test_a_longer_code_is_joined_across_its_spaces(text: str, code: str) -> None:
    assert parse(text) == ParsedText("accepted", code)


def test_two_codes_side_by_side_are_not_joined_and_a_letter_of_a_word_is_none() -> None:
    assert parse("oui 7k 8k") == ParsedText("unclear")
    assert parse("oui dans 7 d'accord").code is None
    assert answer("oui dans 4 j") == "unclear"


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("en route", ParsedText("accepted", status="en_route")),
        ("J'arrive dans 10 min", ParsedText("accepted", minutes=10, status="en_route")),
        ("je pars dans 10 min", ParsedText("accepted", minutes=10)),
        ("parti", ParsedText("unclear", status="en_route")),
        ("oui", ParsedText("accepted")),
        ("Sur place", ParsedText("unclear", status="on_scene")),
        ("Je suis arrivé", ParsedText("unclear", status="on_scene")),
        ("arrived", ParsedText("unclear", status="on_scene")),
        ("sur place ?", ParsedText("unclear")),
        ("pas encore arrivé", ParsedText("unclear")),
        ("sur place, porte fermée à clé", ParsedText("unclear")),
        ("fini", ParsedText("unclear", status="released")),
        ("Mission terminée, merci", ParsedText("unclear", status="released")),
        ("rentré", ParsedText("unclear", status="released")),
        ("pas fini", ParsedText("unclear", status="not_yet")),
        ("DANGER", ParsedText("unclear", status="danger")),
        ("danger homme armé", ParsedText("unclear", status="danger")),
        ("il y a un homme avec un couteau dans l'escalier", ParsedText("unclear", status="danger")),
        ("pas de danger", ParsedText("unclear")),
        ("no danger", ParsedText("unclear")),
        ("danger, je ne viens plus", ParsedText("declined", status="danger")),
        ("accident, je ne viens plus", ParsedText("declined")),
        ("bloqué dans les bouchons", ParsedText("unclear")),
        ("je n'ai pas la clé", ParsedText("unclear")),
        ("il est là", ParsedText("unclear")),
        ("rien ici", ParsedText("unclear")),
        ("je viens d'arriver", ParsedText("unclear", status="on_scene")),
        ("j'y suis presque", ParsedText("unclear")),
        ("il est agressif, aidez-moi", ParsedText("unclear", status="danger")),
        ("je ne peux pas entrer", ParsedText("unclear")),
        ("no answer at the door", ParsedText("unclear")),
        ("pas de contact", ParsedText("unclear")),
        ("massage en cours", ParsedText("unclear")),
        ("non, ce n'est pas la bonne adresse", ParsedText("declined", partial=True)),
    ],
)
def test_a_text_reports_what_the_buttons_of_the_page_report(text: str, reading: ParsedText) -> None:
    assert parse(text) == reading


def test_a_danger_is_found_in_a_text_that_is_too_long_to_be_read() -> None:
    assert parse("oui " * 200 + "danger") == ParsedText("unclear", status="danger")
    assert parse("oui " * 200) == ParsedText("unclear")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "STOP",
            "STOPALL",
            "Unsubscribe",
            "ARRET",
            "Arrêt",
            "ARRETE",
            "OPTOUT",
            "opt out",
            "désabonnez-moi",
            "résilier",
        ),
        *(
            "END",
            "Quit.",
            "CANCEL",
            "revoke",
            "Remove please",
            "ne m'envoyez plus de SMS",
            "je ne veux plus recevoir de messages",
        ),
        *("Non. STOP.", "stop ces messages", "please remove me", "Arrêtez de m'envoyer des messages"),
    ],
)
def test_the_opt_out_words_of_carriers_and_of_both_languages_stop(text: str) -> None:
    assert answer(text) == "stop"


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("CANCEL 7K", "declined"), ("I cancel", "declined"), ("annuler", "declined"), ("j'annule", "declined"),
        ("the end", "unclear"), ("END 7K", "unclear"), ("en arrêt maladie", "declined"),
        ("je m'arrête chez moi", "unclear"),
        ("arrêt cardiaque", "unclear"), ("pas de contact", "unclear"), ("n'envoyez plus personne",
        "unclear"), ("non stop", "unclear"),
    ],
)  # fmt: skip
def test_the_same_words_beside_others_take_an_answer_back_or_are_unclear(text: str, reading: str) -> None:
    assert answer(text) == reading


@pytest.mark.parametrize(
    "text", ["START", "unstop", "subscribe", "Opt in", "reprendre", "réabonnez-moi", "je veux reprendre"]
)
def test_the_opt_in_words_start(text: str) -> None:
    assert answer(text) == "start"


@pytest.mark.parametrize(
    "text",
    [
        "oui j'arrive je prends mes bottes", "Oui, le temps de m'habiller et j'arrive",
        "pas de problème j'arrive",
        "no problem, on my way", "je ne suis pas loin, j'arrive", "Yes! Getting in the car",
        "Désolé du retard. J'arrive.",
        "I was busy but I'm free now, coming", "C'est bon pour moi, j'arrive", "oui je n'ai rien de prévu",
    ],
)  # fmt: skip
def test_harmless_words_beside_a_yes_leave_it_a_yes(text: str) -> None:
    assert answer(text) == "accepted"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "oui mais je suis à Lyon",
            "oui si on me remplace",
            "oui mais pas avant demain",
            "oui lol",
            "oui :(",
            "oui ?",
            "peut-être oui",
        ),
        *(
            "oui je suis à Lyon",
            "oui je suis en intervention",
            "no wait",
            "Non, attendez-moi",
            "oui je suis au bureau",
            "mon mari arrive",
            "l'ambulance arrive",
            "le camion arrive",
            "the AED is available",
            "can I come",
        ),
        *(
            "je viens de rentrer",
            "je suis en cours",
            "please confirm",
            "peu disponible",
            "I could come",
            "j'étais dispo",
            "pas impossible",
        ),
        *(
            "je ne peux pas ne pas venir",
            "I can't not come",
            "un available",
            "in dispo",
            "on my way home",
            "je vais essayer",
        ),
    ],
)
def test_words_that_turn_a_yes_round_make_it_unclear(text: str) -> None:
    assert answer(text) == "unclear"


@pytest.mark.parametrize(
    "text",
    [
        "j'arrive pas",
        "je viens plus",
        "bien sûr que non",
        "ne comptez pas sur moi",
        "ni ce soir ni demain",
        "I would love to but I can't",
    ],
)
def test_a_negated_yes_is_a_no(text: str) -> None:
    assert answer(text) == "declined"


@pytest.mark.parametrize(
    "text", ["dispnible", "disponibel", "arirve", "volontier", "availabel", "j'accpete", "oiu", "dsipo"]
)
def test_a_typo_in_a_yes_is_understood(text: str) -> None:
    assert answer(text) == "accepted"


@pytest.mark.parametrize("text", ["ndisponible", "navailable", "manger", "adresse"])
def test_a_typo_that_may_be_two_words_of_different_meaning_is_not_understood(text: str) -> None:
    assert answer(text) == "unclear"


@pytest.mark.parametrize(
    "text",
    ["👎 to “Cardiac arrest”", "Liked “Can you go?”", "A aimé « Venez-vous ? »", "👍 à « Venez-vous ? »"],
)
def test_a_reaction_of_a_phone_to_our_own_message_is_no_answer(text: str) -> None:
    assert parse(text) == ParsedText("unclear")


def test_a_crossed_out_word_is_not_said() -> None:
    assert [answer(text) for text in ("o̶u̶i̶", "~~oui~~", "≠ dispo", "-oui")] == ["unclear"] * 4
    assert answer("o̶u̶i̶ non") == "declined"


def test_every_phrase_has_one_kind_and_survives_its_own_spelling() -> None:
    kinds: dict[tuple[str, ...], set[str]] = {}
    for words in (words_answering.WORDS, words_around.WORDS, words_explaining.WORDS, words_reporting.WORDS):
        for kind, phrases in words.items():
            for phrase in phrases.split(","):
                kinds.setdefault(tuple(expand(words_and_marks(" ".join(phrase.split())))), set()).add(kind)
    assert {phrase: found for phrase, found in kinds.items() if len(found) > 1 or "," in phrase} == {}


def test_words_that_only_doubled_letters_tell_apart_say_the_same_or_nothing() -> None:
    single = sorted((squeezed(words[0]), kind) for words, kind in PHRASES.items() if len(words) == 1)
    apart = {
        spelling
        for spelling, group in groupby(single, key=lambda one: one[0])
        if len({kind for _, kind in group}) > 1
    }
    assert apart <= {"c"}
