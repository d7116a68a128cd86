from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dispatch.domain.messaging.codes import CODE_DIGITS, CODE_LETTERS, code_for
from dispatch.domain.messaging.grammar import ParsedText, parse

YES = [
    "oui",
    "OUI",
    "Oui.",
    "O",
    "yes",
    "Y",
    "yeah",
    "ouais",
    "j'arrive",
    "J’ARRIVE !",
    "en route",
    "on my way",
]
NO = ["non", "NON", "No!", "N", "nope", "nan", "Je ne peux pas", "can't", "pas dispo", "👎", "❌"]
READ = ["vu", "Reçu", "recu", "SEEN", "bien noté"]
OK = ["OK", "ok.", "O.K.", "d'accord", "D’accord", "👍", "👍🏽", "✔️", "✅"]


def answer(text: str) -> str:
    return parse(text).answer


def offer_answer(text: str) -> ParsedText:
    """Return what a text says to an offer, without the time and the report that it may say too."""
    return replace(parse(text), minutes=None, status=None)


@pytest.mark.parametrize(
    "text", [*YES, "oui oui", "Oui j’arrive, merci", "Bonjour, oui", "oui 👍", "  oui\n", "ÔUI"]
)
def test_a_yes_is_accepted(text: str) -> None:
    assert offer_answer(text) == ParsedText("accepted")


@pytest.mark.parametrize(
    "text", [*NO, "non non", "Non merci", "Non, désolé", "no sorry", "I can not", "Je viens pas"]
)
def test_a_no_is_declined(text: str) -> None:
    assert parse(text) == ParsedText("declined")


@pytest.mark.parametrize("text", [*READ, *OK, "OK vu", "ok merci"])
def test_having_read_is_not_having_accepted(text: str) -> None:
    assert parse(text) == ParsedText("acknowledged")


@pytest.mark.parametrize("text", ["OK j'arrive", "oui ok", "Vu, oui", "d'accord, en route"])
def test_a_yes_that_also_says_ok_is_accepted(text: str) -> None:
    assert answer(text) == "accepted"


def test_a_no_may_say_that_the_message_was_seen() -> None:
    assert answer("Vu, je ne peux pas") == "declined"


@pytest.mark.parametrize("text", ["STOP", "stop.", "Arrêt", "ARRET", "stop sms", "Stop svp", "unsubscribe"])
def test_stop_words_stop(text: str) -> None:
    assert parse(text) == ParsedText("stop")


@pytest.mark.parametrize("text", ["START", "Reprendre", "start please"])
def test_start_words_start(text: str) -> None:
    assert parse(text) == ParsedText("start")


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "...", "😀", "bonjour", "merci"),
        *("oui non", "o/n", "oui / non", "ok non", "👍👎", "no yes", "n'y", "N° 7"),
        *(
            "oui mais",
            "not yes",
            "no problem I'm not sure",
            "pas de problème si je peux",
            "oui si je peux partir",
        ),
        *(
            "j'arrive pas à ouvrir",
            "je viens peut-être plus",
            "bien sûr que oui que non",
            "pourquoi pas",
            "yes man",
            "oui da нет",
            "نعم oui",
        ),
        *("oui ?", "non?", "ok ?", "oui 🤔", "stop?"),
        *("non stop", "stop oui", "start stop", "je m'arrête chez moi"),
        *("non dans 10 min", "10 min", "oui 8h", "oui demain"),
    ],
)
def test_what_is_ambiguous_is_unclear(text: str) -> None:
    assert answer(text) == "unclear"


@pytest.mark.parametrize(
    "text", ["oui dans 10 min", "J'arrive, 5 mn", "yes in 12 minutes", "oui 10min", "yes 7K in 5 min"]
)
def test_a_yes_may_say_how_soon(text: str) -> None:
    assert answer(text) == "accepted"


@pytest.mark.parametrize(
    "text", ["OUI 7K", "oui 7k", "7K oui", "oui,7k!", "OUI7K", "Oui 7K 7k merci", "O 7K"]
)
def test_a_code_names_the_offer_that_is_answered(text: str) -> None:
    assert parse(text) == ParsedText("accepted", "7K")


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("NON 7K4", ParsedText("declined", "7K4")),
        ("ok 7K4F", ParsedText("acknowledged", "7K4F")),
        ("7K", ParsedText("unclear", "7K")),
        ("oui mais 7K", ParsedText("unclear", "7K")),
        ("STOP 7K", ParsedText("stop", "7K")),
    ],
)
def test_a_code_never_changes_the_answer(text: str, reply: ParsedText) -> None:
    assert parse(text) == reply


@pytest.mark.parametrize("text", ["oui 7K 8K", "oui 10", "oui 7B", "oui 12345", "oui K7", "oui 7K4F9"])
def test_two_codes_or_what_is_no_code_are_unclear(text: str) -> None:
    assert parse(text) == ParsedText("unclear")


def test_a_text_is_read_up_to_five_hundred_characters() -> None:
    assert answer("oui" + " " * 497) == "accepted"
    assert answer("oui" + " " * 498) == "unclear"


def test_no_code_holds_characters_that_look_alike() -> None:
    assert not set(CODE_DIGITS + CODE_LETTERS) & set("01OILSZBGUEAYMNH")
    assert len(set(CODE_DIGITS + CODE_LETTERS)) == 20


@pytest.mark.parametrize(("length", "values"), [(2, 96), (3, 768), (4, 9216)])
def test_numbers_in_a_row_give_different_codes(length: int, values: int) -> None:
    assert len({code_for(number, length) for number in range(values)}) == values


@given(number=st.integers(min_value=0), length=st.integers(2, 4), yes=st.sampled_from(YES))
def test_every_code_is_read_back(number: int, length: int, yes: str) -> None:
    code = code_for(number, length)
    assert offer_answer(f"{yes} {code.lower()}") == ParsedText("accepted", code)


@settings(deadline=None)
@given(
    st.text(max_size=600)
    | st.lists(st.sampled_from([*YES, *NO, *OK, *READ, "7K", "?", "stop"])).map(" ".join)
)
@example("\ud800 oui")
@example("o" * 500)
@example("1" * 500)
def test_any_text_is_understood_or_unclear_and_always_the_same(text: str) -> None:
    assert parse(text) == parse(text)
    assert answer(text) in {"accepted", "declined", "acknowledged", "stop", "start", "unclear"}


YES_WORD = st.sampled_from(["oui", "o", "yes", "y", "ouais", "yep", "ok"])
NO_WORD = st.sampled_from(["non", "no", "n", "nan", "nope", "👎"])
ANY_WORDS = st.lists(
    st.sampled_from([*YES, *NO, *OK, *READ, "merci", "7K", "désolé", "dans 5 min"]) | st.text(max_size=9)
)


@given(
    st.tuples(YES_WORD, NO_WORD, ANY_WORDS).flatmap(
        lambda words: st.permutations([words[0], words[1], *words[2]])
    ),
    st.sampled_from([" ", ", ", "\n", " - ", "/"]),
)
def test_no_text_with_both_a_yes_and_a_no_is_an_answer(words: list[str], separator: str) -> None:
    assert answer(separator.join(words)) not in {"accepted", "declined"}


@given(st.sampled_from(YES + NO), st.text(alphabet="bdghqwz", min_size=3, max_size=9), st.booleans())
def test_a_word_that_is_not_known_makes_its_clause_unclear(known: str, unknown: str, first: bool) -> None:  # noqa: FBT001
    known = known.rstrip("!.")
    text = f"{unknown} {known}" if first else f"{known} {unknown}"
    assert answer(text) == "unclear"


@pytest.mark.parametrize("text", ["non bdgh", "bdgh non", "je ne peux pas bdgh"])
def test_a_no_is_clear_beside_a_clause_that_is_not_known_but_not_within_one(text: str) -> None:
    assert answer(text) == "unclear"
    assert parse(f"Non, {text}") == ParsedText("declined", partial=True)
