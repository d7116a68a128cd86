"""Parameters of webhook calls: each is decoded by the character set that its bytes prove or the call declares.

Gateways pass on texts in UTF-8, or as the phone network spelt them. What is in no known character set stays in its
bytes, as lone surrogates, for the gateway to reject: a letter that is replaced may turn a no into something else.
"""

from collections.abc import Mapping
from email.message import Message
from urllib.parse import parse_qsl

from fastapi import Request

URLENCODED = "application/x-www-form-urlencoded"
# Phones write typographic apostrophes, which Windows has and ISO 8859-1 has not: the rest of both is the same.
CHARACTER_SETS = {
    **dict.fromkeys(("iso-8859-1", "iso_8859-1", "latin1", "latin-1", "windows-1252", "cp1252"), "cp1252"),
    **dict.fromkeys(("iso-8859-15", "iso_8859-15", "latin9", "latin-9"), "iso8859-15"),
}
"""The codecs of the character sets that a call may declare beside UTF-8."""
FRENCH = frozenset("àâäçéèêëîïôöùûüÿœæÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸŒÆ’‘“”«»…€–—°\u00a0")
"""What a text in cp1252 holds beyond ASCII, where the call declares nothing: any other letter speaks against it."""


def read_query(request: Request) -> dict[str, str]:
    """Return the parameters that stand in the address of a call."""
    return _decoded(_parsed(request.scope["query_string"]), "")


async def read_parameters(request: Request) -> dict[str, str]:
    """Return the parameters of a call, from its query and its form."""
    pairs = _parsed(request.scope["query_string"])
    if request.method != "POST":
        return _decoded(pairs, "")
    media, charset = _content_type(request)
    if media == URLENCODED:
        return _decoded(pairs | _parsed(await request.body()), charset)
    async with request.form(max_files=0) as form:
        values = {name: value for name, value in form.items() if isinstance(value, str)}
    return _decoded(pairs, charset) | values


def _content_type(request: Request) -> tuple[str, str]:
    message = Message()
    message["content-type"] = request.headers.get("content-type", "")
    return message.get_content_type(), str(message.get_param("charset", "") or "")


def _parsed(encoded: bytes) -> dict[str, bytes]:
    """Return the values of an encoded query by name, each in its bytes."""
    pairs = parse_qsl(encoded.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return {_text(name.encode("latin-1"), ""): value.encode("latin-1") for name, value in pairs}


def _decoded(pairs: Mapping[str, bytes], charset: str) -> dict[str, str]:
    declared = pairs.get("charset", b"").decode("ascii", "replace") or charset
    return {name: _text(value, declared.strip().lower()) for name, value in pairs.items()}


def _text(value: bytes, declared: str) -> str:
    """Decode a value: valid UTF-8 beyond ASCII is UTF-8, whatever is declared."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        codec = CHARACTER_SETS.get(declared) if declared else "cp1252"
    try:
        text = value.decode(codec or "utf-8")
    except UnicodeDecodeError:
        return value.decode("utf-8", "surrogateescape")
    if not declared and not all(letter.isascii() or letter in FRENCH for letter in text):
        return value.decode("utf-8", "surrogateescape")
    return text
