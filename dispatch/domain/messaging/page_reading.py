"""The grammar of a duty contact's answer to a page, and the binding of it to the page that it is about.

OK, VU or SEEN acknowledges the escalation; "je prends" or "taking it" takes the incident over. Beside these words
only a code and politeness may stand: "je prends ma voiture" and "je ne prends pas" are no answers, and the contact is
asked again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from dispatch.domain.messaging import grammar
from dispatch.domain.messaging.binding import SKEW
from dispatch.domain.messaging.codes import code, page_code
from dispatch.domain.messaging.grammar import ParsedText
from dispatch.domain.messaging.reading.kinds import Kind, Piece
from dispatch.domain.messaging.reading.lexicon import pieces
from dispatch.domain.messaging.reading.quotations import unsigned, without_quotations

PageAct = Literal["acknowledge", "take_over"]
Addressee = Literal["page", "volunteer", "either"]

_TAKING = """
    je prends, je prend, je le prends, je la prends, je prends la main, je prends le relais, je prends ça,
    je prends en charge, je le prends en charge, je prends l'incident, je reprends, je reprends la main, je m'en occupe,
    je m'en charge, j'y suis, je suis dessus, je gère, c'est pour moi,
    taking it, I'm taking it, I take it, I'll take it, I will take it, taking over, I'm taking over, I take over,
    I'll take over, I will take over, I've got this, on it, I'm on it, dealing with it, I'm dealing with it
"""
_BESIDE = {Kind.OK, Kind.SEEN, Kind.COURTESY, Kind.CODE, Kind.MARK, Kind.LINE}
_YES = {"oui", "yes"}


@dataclass(frozen=True, slots=True)
class PageText:
    """What a text says as the answer to a page, None where it is no such answer, and the code that it names."""

    act: PageAct | None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """An escalation of which texts told a duty contact, from `first_at` to `paged_at`, with its status.

    `text_id` is the last of these texts; `named` is whether one of them named its subject, or each only counted it.
    """

    contact_id: UUID
    escalation_id: UUID
    subject_id: UUID
    status: str
    first_at: datetime
    paged_at: datetime
    text_id: UUID | None = None
    named: bool = True

    @property
    def answered_with(self) -> tuple[UUID, UUID]:
        """Return what it has in common with the pages that one answer is about: their subject and their text."""
        return self.subject_id, self.text_id or self.escalation_id

    @property
    def code(self) -> str:
        """Return the code that its messages carry."""
        return page_code(self.escalation_id, self.contact_id)

    @property
    def open(self) -> bool:
        """Return whether a supervisor still has to handle the escalation."""
        return self.status in ("raised", "acknowledged")


@dataclass(frozen=True, slots=True)
class Concern:
    """What a volunteer's text may be about: an offer that waits for an answer, an unseen recall, or a seat."""

    offer_id: UUID
    title: str
    recalled: bool
    seated: bool


def read(text: str) -> PageText:
    """Read a text as the answer to a page; what is not understood whole is no answer."""
    parsed = grammar.parse(text)
    if parsed.answer == "acknowledged":
        return PageText("acknowledge", parsed.code)
    own, _ = without_quotations(text[: grammar.LONGEST])
    return PageText("take_over" if _words(unsigned(own)) in _TAKES else None, parsed.code)


def _words(found: Iterable[Piece]) -> str:
    """Return the words of a text without those that may stand beside a takeover."""
    return " ".join(one.words for one in found if one.kind not in _BESIDE and one.words not in _YES)


_TAKES = frozenset(_words(pieces(one.strip())) for one in _TAKING.split(","))


def sent_before(text: PageText, pages: Sequence[Page], said_at: datetime) -> list[Page]:
    """Return the pages that a text may be about: without a code, none that was sent after it was said."""
    return [page for page in pages if text.code is not None or page.first_at <= said_at + SKEW]


def bind(text: PageText, pages: Sequence[Page]) -> Page | None:
    """Find the one page that a text answers, given the latest first; None where it could be none or several.

    With a code it is the page of that code. Without, it is the only one that waits; where none does, the latest, whose
    state is all that can be answered. What a text only counted is never meant without a code, and several escalations
    of one subject in one text are answered as one.
    """
    if text.code is not None:
        meant = [page for page in pages if page.code == text.code]
    else:
        named = [page for page in pages if page.named]
        waiting = [page for page in named if page.open]
        if text.act == "acknowledge":
            waiting = [page for page in waiting if page.status == "raised"] or waiting
        meant = waiting or named[:1]
    if text.act == "take_over" and len({page.subject_id for page in meant}) == 1:
        # To take an incident over is the same act, whichever of its escalations is named.
        return meant[0]
    return meant[0] if len({page.answered_with for page in meant}) == 1 else None


def addressee(
    text: PageText, parsed: ParsedText, pages: Sequence[Page], concerns: Sequence[Concern], since: datetime
) -> Addressee:
    """Return whether a text of one who is a duty contact and a volunteer answers a page or concerns the volunteer.

    Nothing is guessed: what may be either, since it names no code, is asked back. A text may be about a page that was
    sent after `since`, though its escalation is resolved.
    """
    if text.code is not None and text.code in {page.code for page in pages}:
        return "page"
    if parsed.code is not None and parsed.code in {code(concern.offer_id) for concern in concerns}:
        return "volunteer"
    current = [page for page in pages if page.open or page.paged_at > since]
    if not concerns:
        return "page" if current else "volunteer"
    if not current or _reports(text, parsed, concerns):
        return "volunteer"
    return "either"


def _reports(text: PageText, parsed: ParsedText, concerns: Sequence[Concern]) -> bool:
    """Return whether a responder says something that no page asks: it is never held back by a question."""
    seated = any(concern.seated for concern in concerns)
    return seated and text.act is None and (parsed.status is not None or parsed.answer == "unclear")
