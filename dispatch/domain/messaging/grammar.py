"""The grammar of volunteers' text messages, in French and English.

The letters of a text become words (`reading.normalizing`, `reading.spelling`), the words kinds (`reading.lexicon`),
and the clauses what they say (`reading.clauses`, `reading.negation`). Signatures and quotations are left out first
(`reading.quotations`); `reading.meaning` makes an answer of the rest.

- A yes is clear only if every word is understood and nothing in the text speaks against it. A condition, a question,
  a joke, a later time or a word that is not known makes it unclear, and the volunteer is asked again.
- A negation anywhere excludes a yes. "Je ne peux pas" and "can't come" are a no; "non compris" and "not received"
  acknowledge nothing; two negations in one clause are unclear.
- A clear no stays one beside a clause that is not understood: "Non, je garde mes petits-enfants".
- A bare "OK", 👍, "vu" or "seen" is `acknowledged`: the message was read. That acknowledges a recall
  and never fills a seat. "OK" beside a yes is a yes, beside a no it is unclear; "vu" goes with either.
- A code such as 7K names the offer that is answered; two different codes name none and are unclear.
- STOP and its like stop messages. END, QUIT, CANCEL, REVOKE and REMOVE do so only where they are the whole text.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dispatch.domain.messaging.reading import meaning
from dispatch.domain.messaging.reading.clauses import clauses_said
from dispatch.domain.messaging.reading.code_marks import CODE
from dispatch.domain.messaging.reading.durations import ETA
from dispatch.domain.messaging.reading.kinds import Kind, Piece
from dispatch.domain.messaging.reading.lexicon import pieces
from dispatch.domain.messaging.reading.meaning import DECLINING, Answer, Status
from dispatch.domain.messaging.reading.quotations import is_reaction, unsigned, without_quotations

LONGEST = 500
LONGEST_SEARCHED = 2000
"""How much of a longer text is searched for a danger."""


@dataclass(frozen=True, slots=True)
class ParsedText:
    """What a text says.

    `answer` is for an offer or a recall, which `code` names; `minutes` is how soon the writer says to arrive.
    `status` is what the same text reports where the writer is assigned already. `partial` marks a no beside words that
    are not understood.
    """

    answer: Answer
    code: str | None = None
    minutes: int | None = None
    status: Status | None = None
    partial: bool = False


def parse(text: str) -> ParsedText:
    """Parse a text; what is not understood is unclear, never guessed."""
    if len(text) > LONGEST:
        danger = meaning.reports_danger(pieces(text[:LONGEST_SEARCHED]))
        return ParsedText("unclear", status="danger" if danger else None)
    if is_reaction(text):
        return ParsedText("unclear")
    own, quoted = without_quotations(text)
    repeated = _parsed(unsigned(quoted))
    if repeated.answer != "unclear":
        # A quotation that answers may be the writer's own answer.
        return _parsed(unsigned(text))
    parsed = _parsed(unsigned(own))
    return parsed if parsed.code else replace(parsed, code=repeated.code)


def _parsed(found: Sequence[Piece]) -> ParsedText:
    clauses = clauses_said(found)
    kinds = meaning.said_in_all(clauses, found)
    codes = {piece.words.removeprefix(CODE).upper() for piece in found if piece.kind is Kind.CODE}
    answer = meaning.answer(kinds, clauses) if len(codes) <= 1 else "unclear"
    return ParsedText(
        answer,
        codes.pop() if len(codes) == 1 else None,
        None if kinds & DECLINING else _minutes(found),
        meaning.status(kinds, found),
        partial=answer == "declined" and Kind.UNKNOWN in kinds,
    )


def _minutes(found: Sequence[Piece]) -> int | None:
    """Return the longest time that is said: "5 ou 10 min" is ten."""
    said = [int(piece.words.removeprefix(ETA)) for piece in found if piece.kind is Kind.ETA]
    return max(said, default=None)
