"""Kannel's webhook calls: the escapes that make Kannel fill them in, and how to read the result."""

from datetime import UTC, datetime
from enum import IntFlag

from dispatch.services.messaging.gateway import (
    InboundText,
    Parameters,
    Receipt,
    ReceiptStatus,
    detail,
    message_id,
    parameter,
    words,
)


class DeliveryReport(IntFlag):
    """The bits of a delivery report; 34 (expired) and 66 (unknown to the network) hold FAILED."""

    DELIVERED = 1
    FAILED = 2
    BUFFERED = 4
    SUBMITTED = 8
    REJECTED = 16
    INTERMEDIATE = 32


# Kannel fills in %d (status), %A (the provider's words), %I (id), %q (sender), %a (text), %C (charset), %T (when the
# text was sent, in seconds since 1970).
RECEIPT_QUERY = "message={message_id}&status=%d&reply=%A"
INBOUND_QUERY = "id=%I&from=%q&text=%a&charset=%C&sent=%T"

# BUFFERED is left out: a phone that is switched off would report it again and again.
WANTED_REPORTS = (
    DeliveryReport.DELIVERED | DeliveryReport.FAILED | DeliveryReport.SUBMITTED | DeliveryReport.REJECTED
)

LONGEST_DETAIL = 120
MOST_DIGITS = 10


def read_receipt(query: Parameters) -> Receipt:
    """Read a delivery report; they may come in any order. Raises ValueError that names the bad parameter."""
    return Receipt(message_id(query, "message"), _status(query), _detail(query))


def read_inbound(query: Parameters) -> InboundText:
    """Read a person's text, which may be empty. Raises ValueError that names the bad parameter."""
    if query.get("charset", "").upper().startswith("UTF-16"):
        raise ValueError("charset: Kannel must recode texts to UTF-8 (mo-recode = true in its smsbox group)")
    return InboundText(
        provider_id=parameter(query, "id"),
        channel="sms",
        sender=parameter(query, "from"),
        text=words(query, "text"),
        sent_at=_sent_at(query),
    )


def _sent_at(query: Parameters) -> datetime | None:
    """Return the sending time; None where Kannel reports none, or no time: it only orders texts."""
    seconds = query.get("sent", "")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= MOST_DIGITS):
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


def _status(query: Parameters) -> ReceiptStatus:
    number = parameter(query, "status")
    report = DeliveryReport(int(number)) if number.isascii() and number.isdecimal() else DeliveryReport(0)
    if report & DeliveryReport.DELIVERED:
        return "delivered"
    if report & (DeliveryReport.FAILED | DeliveryReport.REJECTED):
        return "failed"
    if report & (DeliveryReport.SUBMITTED | DeliveryReport.BUFFERED | DeliveryReport.INTERMEDIATE):
        return "sent"
    raise ValueError("status: not a delivery report of Kannel's")


def _detail(query: Parameters) -> str:
    """Return the provider's words up to "text:", where SMPP providers repeat the message itself."""
    said = detail(query, "reply")
    repeated = said.casefold().find("text:")
    return said[: repeated if repeated >= 0 else None][:LONGEST_DETAIL].strip(" /")
