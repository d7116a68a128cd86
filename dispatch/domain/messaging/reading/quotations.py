"""What a text repeats or adds without saying it: quoted requests, and the signatures of people and phones."""

import re
from collections.abc import Collection, Sequence

from dispatch.domain.messaging.reading.clauses import clauses_said
from dispatch.domain.messaging.reading.kinds import Kind, Piece
from dispatch.domain.messaging.reading.lexicon import pieces

_REACTION = re.compile(
    r"^\s*(?:(?:un)?liked|(?:un)?loved|disliked|laughed at|emphasized|questioned|reacted\b.{0,20}\bto|"
    r"removed\b.{0,40}\bfrom|a aimé|a adoré|n.a pas aimé|a ri(?: de)?|a trouvé.{0,20}|a mis en \w{1,9}|"
    r"a réagi\b.{0,20}|[^\w\s]{1,6}\s{1,3}(?:to|à))\s*[«“\"]",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"^[ \t]*(?:(?:le|on)\b[^\n]{0,120}\b(?:a [ée]crit|wrote)\s*:?|(?:de|from)[ \t]*:[ \t]*\S[^\n]*|"
    r"-{2,}[ \t]*(?:original message|message d.origine|message original|forwarded|message transf)[^\n]*)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED_LINE = re.compile(r"^[ \t]*>[^\n]*$", re.MULTILINE)
_REQUEST = re.compile(
    r"\b(?:oui|yes)\s+(?P<code>[2-9]\w{1,3})\b.{3,120}?\b(?:non|no)\s+(?P=code)\b", re.IGNORECASE
)
_IN_MARKS = re.compile(r"[«“\"][^«»“”\"]{0,400}[»”\"]")
_BEFORE_ARROW = re.compile(r"^[^\n]{0,400}?(?:=+>|-+>|→|⇒)")
_SENTENCE_END = re.compile(r"[.?!:,]")
_SPOKEN_AGAINST = {Kind.NO, Kind.NOT, Kind.HALF_NOT, Kind.REASON, Kind.SORRY, Kind.UNREAD}
_LONGER_THAN_AN_ANSWER = 40
_SIGNATURE_LINE = re.compile(r"^[ \t]*(?:--+|__+|—)[ \t]*$", re.MULTILINE)
_NAME = re.compile(
    r"^[ \t]*[A-ZÀ-Þ](?=\S*[a-zà-ÿ])[\w’'-]+(?: (?:de|du|la|le|van|von|[A-ZÀ-Þ][\w’'.-]*)){1,3}[ \t]*$"
)
_WORD = re.compile(r"[^\W\d_]{3,}")
_OF_NO_MEANING = {
    Kind.UNKNOWN, Kind.FILLER, Kind.COURTESY, Kind.THING, Kind.PLACE, Kind.NEAR, Kind.BECAUSE, Kind.SIGNATURE,
    Kind.NUMBER, Kind.CODE, Kind.MARK, Kind.LINE,
}  # fmt: skip


def is_reaction(text: str) -> bool:
    """Return whether a phone wrote the text itself: a thumb on our own message, which it quotes."""
    return _REACTION.search(text) is not None


def without_quotations(text: str) -> tuple[str, str]:
    """Return what a text says in its own words, and what it quotes."""
    header = _HEADER.search(text)
    own, quoted = (text[: header.start()], [text[header.start() :]]) if header else (text, [])
    quoted += _QUOTED_LINE.findall(own)
    own = _QUOTED_LINE.sub("", own)
    for repeated in (_IN_MARKS, _BEFORE_ARROW):
        quoted += [part for part in repeated.findall(own) if _REQUEST.search(part)]
        own = repeated.sub(lambda part: "" if _REQUEST.search(part[0]) else part[0], own)
    lines = [line for line in own.split("\n") if line.strip()]
    requests = [line for line in lines if _is_request(line)]
    # A request that is the whole text is no quotation: nobody says what they think of it.
    if requests and len(requests) < len(lines):
        quoted += requests
        own = "\n".join(line for line in own.split("\n") if line not in requests)
    return own, "\n".join(quoted)


def _is_request(line: str) -> bool:
    """Return whether a line is a request of ours, with nothing of a no in front."""
    if len(line) <= _LONGER_THAN_AN_ANSWER or not _REQUEST.search(line):
        return False
    title = pieces(_SENTENCE_END.split(line, maxsplit=1)[0])
    return not _SPOKEN_AGAINST.intersection(piece.kind for piece in title)


def unsigned(text: str) -> list[Piece]:
    """Return the pieces of a text without a signature: below dashes, a name on a line, or "Sent from"."""
    line = _SIGNATURE_LINE.search(text)
    if line and _is_signature(text[line.end() :]):
        text = text[: line.start()]
    return _without_sent_from(pieces(_without_name(text)))


def _is_signature(lines: str) -> bool:
    """Return whether lines say nothing, or say "no" only in a proper name such as No Limit."""
    found = pieces(lines)
    proper = all(word[0].isupper() for word in _WORD.findall(lines))
    named = proper and all(Kind.UNKNOWN in clause for clause in clauses_said(found) if Kind.NO in clause)
    return _says_nothing(found, _OF_NO_MEANING | ({Kind.NO} if named else set()))


def _says_nothing(found: Sequence[Piece], allowed: Collection[Kind] = _OF_NO_MEANING) -> bool:
    return all(piece.kind in allowed for piece in found)


def _without_name(text: str) -> str:
    first, *rest = text.strip().split("\n")
    name = next((at for at, line in enumerate(rest) if _NAME.match(line)), None)
    if name is None or not _says_nothing(pieces("\n".join(rest[name:]))):
        return text
    return "\n".join([first, *rest[:name]])


def _without_sent_from(found: list[Piece]) -> list[Piece]:
    start = next((at for at, piece in enumerate(found) if piece.kind is Kind.SIGNATURE), None)
    if start is None:
        return found
    end = next((at for at in range(start, len(found)) if found[at].kind is Kind.LINE), len(found))
    return found[:start] + found[end:] if _says_nothing(found[start:end]) else found
