"""Texts in halves: `je peux` and `pas venir` within seconds from one phone are one text, which means no.

A no is read from halves, a yes never: the next half may be its negation. A yes that is taken back by words that are
no clear answer by themselves is in doubt, neither kept nor lost without a question.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dispatch.domain.messaging.codes import code
from dispatch.domain.messaging.grammar import ParsedText, parse
from schemas.replies import DOUBTFUL

WITHIN = timedelta(seconds=15)
"""The longest time between two halves of a text."""

NEGATIONS = frozenset(
    ("pas", "ne", "non", "jamais", "impossible", "not", "no", "never", "cannot", "cant", "wont", "dont")
)
_HARMLESS = re.compile(r"\bpas (?:de )?(?:soucis?|probleme|grave)\b|\bno (?:problem|worries)\b")
_FRAGMENT = re.compile(
    r"(?:ne )?(?:pas|plus|jamais|not|never)"
    r"(?: (?:y|en|me|le|la|pouvoir|vraiment|able|to|be|make|gonna))*"
    r"(?: (?:venir|aller|pouvoir|etre|partir|intervenir|deplacer|faire|prendre|passer|come|go|it|there))?"
)
"""The end of a negated sentence: no answer by itself, though a reader of single texts may take it for a no."""


@dataclass(frozen=True, slots=True)
class Half:
    """A text of the same sender shortly before, with the answer that it was read as, if any."""

    text: str
    received_at: datetime
    sent_at: datetime | None
    answer: str | None
    reason: str | None
    offer_id: UUID | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says together with the texts before it; `doubted` is the offer whose yes is in doubt."""

    parsed: ParsedText
    doubted: UUID | None = None


def read(text: Half, parsed: ParsedText, before: Sequence[Half]) -> Reading:
    """Return what a text says, given the texts before it, the latest first."""
    halves = _joined(text, before)
    if not halves:
        return Reading(parsed)
    if halves[0].answer == "accepted":
        doubted = halves[0].offer_id if _takes_back(text, parsed, halves) else None
        return Reading(parsed, doubted)
    return Reading(_after_unclear(text, parsed, halves))


def _joined(text: Half, before: Sequence[Half]) -> list[Half]:
    """Return the halves that a text may continue, in their order: from the last yes on, or those without an answer."""
    found: list[Half] = []
    for half in before:
        if _apart(half, text if not found else found[0]) > WITHIN:
            break
        if half.answer == "accepted":
            return [half, *found]
        if half.reason != DOUBTFUL and _is_whole(half):
            break
        found.insert(0, half)
    return found


def _is_whole(half: Half) -> bool:
    """Return whether a text is a clear answer by itself, whether or not it was known for which offer."""
    clear = half.answer is not None or parse(half.text).answer != "unclear"
    return clear and not _is_fragment(half)


def _is_fragment(half: Half) -> bool:
    return _FRAGMENT.fullmatch(" ".join(_words(half.text))) is not None


def _apart(first: Half, second: Half) -> timedelta:
    if first.sent_at and second.sent_at:
        return abs(second.sent_at - first.sent_at)
    return abs(second.received_at - first.received_at)


def _takes_back(text: Half, parsed: ParsedText, halves: Sequence[Half]) -> bool:
    """Return whether words that follow a yes, and are no clear answer by themselves, turn it into a no."""
    yes = halves[0]
    if (
        parsed.status is not None
        or parsed.answer not in ("unclear", "declined")
        or (yes.offer_id is not None and parsed.code not in (None, code(yes.offer_id)))
    ):
        return False
    if _is_fragment(text):
        return True
    whole = parse(" ".join([*(half.text for half in halves), text.text]))
    negated = any(_negates(half.text) for half in [*halves[1:], text])
    return parsed.answer == "unclear" and (
        whole.answer == "declined" or (negated and whole.answer != "accepted")
    )


def _after_unclear(text: Half, parsed: ParsedText, halves: Sequence[Half]) -> ParsedText:
    """Return what a text says after others that said nothing: a no of all together, a yes where none negates."""
    if parsed.answer not in ("accepted", "unclear"):
        return parsed
    first = " ".join(half.text for half in halves)
    whole = parse(f"{first} {text.text}")
    if whole.answer == "declined":
        return whole
    # Whoever names the code answers the question that came back, and not their own words before it.
    negated = _negates(first) or parse(f"{text.text} {first}").answer == "declined"
    return ParsedText("unclear") if negated and parsed.code is None else parsed


def _negates(text: str) -> bool:
    """Return whether a negation stands in a text, other than in "pas de souci"."""
    words = _HARMLESS.sub("", " ".join(_words(text))).split()
    return not NEGATIONS.isdisjoint(words)


def _words(text: str) -> list[str]:
    letters = unicodedata.normalize("NFD", text.casefold().replace("'", "").replace("\u2019", ""))
    return re.findall(r"[a-z]+", "".join(c for c in letters if unicodedata.category(c) != "Mn"))
