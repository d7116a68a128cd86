"""Write the page on texts: `python -m tests.documents.texts > docs/texts.md`."""

import sys
from collections.abc import Iterable, Iterator, Sequence

from dispatch.domain.messaging.grammar import ParsedText, parse
from tests.support.readings import BLIND, OWN, WantedReading, read_corpus

INTRODUCTION = """\
# How texts are read

Volunteers answer in their own words, in French or English. `dispatch/domain/messaging/grammar.py` reads each text for
an answer, the code of the offer, the minutes until arrival, and what the writer reports if they are assigned already.
A text that is not understood is `unclear`: the volunteer is asked again, and what an assigned person writes reaches a
supervisor.

This page is generated: each row is what the grammar reads.
"""

EXAMPLES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "A yes",
        "Every word must be understood. Politeness, equipment and haste change nothing.",
        (
            "OUI 7K", "Oui j'arrive je prends mes bottes", "jarrive", "Pas de problème, j'arrive", "dispnible",
            "ouiii 👍", "Désolé du retard. J'arrive.", "on my way", "OK", "OK j'arrive",
        ),
    ),
    (
        "A yes that is none",
        "A condition, a question, a joke, a place, another person or a word that is not known makes it unclear.",
        (
            "oui si on me remplace", "oui mais je suis à Lyon", "oui ?", "oui 😂", "peut-être", "mon mari arrive",
            "je pourrais venir", "oui non", "oui zorglub", "pas impossible",
        ),
    ),
    (
        "A no",
        "A negation, a refusal or a reason. A clear no stays one beside a clause that is not understood.",
        (
            "NON 7K", "je ne pourrai pas", "Sorry, can't", "pas ce soir", "je suis au travail",
            "j'aimerais bien mais je travaille",
            "accident, je ne viens plus",
            "Non, je garde mes petits-enfants", "bien reçu, pas dispo", "❌",
        ),
    ),
    (
        "Read, or not understood",
        "An acknowledgement answers a recall and never fills a seat. A negation of it acknowledges nothing.",
        ("VU 7K", "compris je rentre", "reçu 5/5", "👍", "non compris", "non reçu", "didn't get it", "compris ?"),
    ),
    (
        "Times",
        "Minutes are kept. A time of the clock or a day is unclear.",
        (
            "oui dans 10 min", "dispo dans 60 min", "j'arrive d'ici 1h30", "yes in an hour", "dans 5 ou 10 min oui",
            "dans 10 min", "oui à 22h15", "oui demain",
        ),
    ),
    (
        "Codes",
        "A code counts also where a phone has put a space into it. Two codes name no offer.",
        ("oui 7 K", "7k 4 oui", "OUI (7K)", "oui sept k", "OUI 7K ou NON 7K", "oui 7K 8K", "7K"),
    ),
    (
        "What an assigned person reports",
        "The same as the buttons of the page. Danger is reported also by a text that is otherwise not understood.",
        (
            "en route", "parti", "sur place", "je suis arrivé", "fini", "rentré", "pas fini", "pas encore", "not done",
            "DANGER", "danger homme armé", "danger, je ne viens plus", "pas de danger", "sur place, porte fermée",
        ),
    ),
    (
        "Short spelling and jargon",
        "A laugh takes a yes back and leaves a no. What suits the writer is a yes; what is fine is only seen.",
        (
            "jv venir", "jpe po dsl", "mdr non", "oui mdr", "ça marche", "ça marche pour moi", "je décale", "SLL",
            "fin d'inter, retour dispo", "reçu fort et clair", "câble au sol", "yes eta 1h15", "je viendrai point",
        ),
    ),
    (
        "Signatures and quotations",
        "They are left out. A quoted request may still name the offer.",
        (
            "Oui\n\nEnvoyé de mon iPhone", "Non\n-- \nJean Dupont", "oui\n> Chute à 200 m. Répondez OUI 7K ou NON 7K",
            "👎 to “Cardiac arrest”", "OUI 7K ou NON 7K => NON",
        ),
    ),
    (
        "Stop and start",
        "END, QUIT, CANCEL, REVOKE and REMOVE stop messages only where they are the whole text.",
        (
            "STOP", "ARRET", "STOPALL", "UNSUBSCRIBE", "OPTOUT", "QUIT", "END", "CANCEL", "REVOKE",
            "ne m'envoyez plus de SMS", "CANCEL 7K", "annuler", "arrêt cardiaque", "START", "réabonnez-moi",
        ),
    ),
)  # fmt: skip

FIRST_RUN = (172, 1, 16)
"""What the first run of the blind texts read as wanted, unsafely, and of status and time as wanted."""
ANSWERS = ("accepted", "declined", "acknowledged", "stop", "start", "unclear")


def current() -> str:
    """Return the whole page."""
    return "\n".join((INTRODUCTION, *_examples(), *_figures(), *_blind_figures()))


def _examples() -> Iterator[str]:
    for heading, rule, texts in EXAMPLES:
        yield f"## {heading}\n\n{rule}\n"
        yield from _table(
            ("text", "answer", "with", "if assigned"), (_row(text, parse(text)) for text in texts)
        )


def _row(text: str, read: ParsedText) -> Sequence[str]:
    shown = text.replace("\n", " ⏎ ")
    with_it = [f"code {read.code}"] if read.code else []
    with_it += [f"{read.minutes} min"] if read.minutes is not None else []
    return f"`{shown}`", read.answer, ", ".join(with_it), (read.status or "").replace("_", " ")


def _figures() -> Iterator[str]:
    corpus = read_corpus(OWN)
    yield "## Quality\n"
    yield f"The {len(corpus)} texts of `tests/domain/readings.tsv` were written apart from the grammar, with the"
    yield "readings wanted of them. Unsafe is a yes or an acknowledgement that nobody meant. A text of which two"
    yield "readings are allowed counts in both rows. The tests demand no unsafe reading and 97 % as wanted.\n"
    rows = [(answer, [one for one in corpus if answer in one.answers]) for answer in ANSWERS]
    yield from _table(
        ("wanted", "texts", "as wanted", "unsafe"), (_counts(*row) for row in [*rows, ("all", corpus)])
    )


def _blind_figures() -> Iterator[str]:
    blind = read_corpus(BLIND)
    reported = [one for one in blind if one.matters]
    yield f"The {len(blind)} texts of `tests/domain/readings_blind.tsv` were read a first time before anybody who works"
    yield "on the grammar had seen them: that run is the quality to expect of texts that are new. They have been looked"
    yield f"at since, so the present figure says less. {len(reported)} of them want a status or a time of arrival, too."
    yield "Most of what is left needs a human or a guess, and the reader does not guess. The tests demand no unsafe"
    yield "reading, and no fewer as wanted than now.\n"
    now = sum(one.is_as_wanted for one in blind)
    reported_now = sum(one.is_reported_as_wanted for one in reported)
    unsafe = sum(one.is_unsafe for one in blind)
    rows = (("first run", FIRST_RUN), ("now", (now, unsafe, reported_now)))
    yield from _table(
        ("blind texts", "as wanted", "unsafe", "status or time as wanted"),
        (
            (when, _share(wanted, blind), unsafe, _share(fields, reported))
            for when, (wanted, unsafe, fields) in rows
        ),
    )


def _share(count: int, of: Sequence[object]) -> str:
    return f"{count} ({count / len(of):.1%})".replace("%", " %")


def _counts(answer: str, texts: Sequence[WantedReading]) -> Sequence[object]:
    as_wanted, unsafe = (sum(one.is_as_wanted for one in texts), sum(one.is_unsafe for one in texts))
    return answer, len(texts), f"{as_wanted / len(texts):.1%}".replace("%", " %"), unsafe


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    for row in (columns, ["---"] * len(columns), *rows):
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(current())
