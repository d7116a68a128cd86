"""What Kannel says by webhook, in our words: the escapes that make it say it, and how to read the result."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
import structlog

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents.parking_alerts import raise_parking_alerts
from dispatch.services.messaging.gateway import Inbound, Receipt, ReceiptStatus
from dispatch.storage import parking
from schemas.decoding import Unreadable
from schemas.envelope import pack


class Report(IntFlag):
    """The bits of a delivery report; 34 (expired) and 66 (unknown to the network) hold FAILED."""

    DELIVERED = 1
    FAILED = 2
    BUFFERED = 4
    SUBMITTED = 8
    REJECTED = 16
    INTERMEDIATE = 32


# Kannel fills in %d (status), %A (the provider's words), %I (id), %q (sender), %a (text), %C (charset).
RECEIPT_QUERY = "message={message_id}&status=%d&reply=%A"
INBOUND_QUERY = "id=%I&from=%q&text=%a&charset=%C"

# BUFFERED is left out: a phone that is switched off would report it again and again.
WANTED_REPORTS = Report.DELIVERED | Report.FAILED | Report.SUBMITTED | Report.REJECTED

LONGEST_DETAIL = 120
SECRETS = {"key"}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Call:
    """One webhook call, `inbound` or `receipts`, and the organisation whose key came with it."""

    organisation: UUID
    gateway: str
    path: str
    values: Mapping[str, str]


def receipt_from(query: Mapping[str, str]) -> Receipt:
    """Read a delivery report; they may come in any order. Raises ValueError that names the bad parameter."""
    return Receipt(_message_id(query), _status(query), _detail(query))


def inbound_from(query: Mapping[str, str]) -> Inbound:
    """Read a person's text, which may be empty. Raises ValueError that names the bad parameter."""
    if query.get("charset", "").upper().startswith("UTF-16"):
        raise ValueError("charset: Kannel must recode texts to UTF-8 (mo-recode = true in its smsbox group)")
    return Inbound(
        provider_id=_required(query, "id"),
        sender=_required(query, "from"),
        text=query.get("text", "").replace("\0", "").strip(),
    )


async def park(uow: UnitOfWork, call: Call, reason: str) -> None:
    """Keep a call that makes no sense, without its key, and tell a supervisor; the same call counts once."""
    body = urlencode([item for item in call.values.items() if item[0] not in SECRETS]).encode()
    item = Unreadable(reason, call.gateway, call.organisation, None, pack([]), body)

    async def work(connection: asyncpg.Connection, now: datetime) -> None:
        topic = f"gateways/{call.path}"
        await raise_parking_alerts(
            connection, await parking.park(connection, "webhooks", topic, [item], now), now
        )

    await uow.transact(work)
    log.error("webhook call parked", gateway=call.gateway, path=call.path, reason=reason)


def _required(query: Mapping[str, str], name: str) -> str:
    if value := query.get(name, "").replace("\0", "").strip():
        return value
    raise ValueError(f"{name}: missing")


def _message_id(query: Mapping[str, str]) -> UUID:
    try:
        return UUID(_required(query, "message"))
    except ValueError:
        raise ValueError("message: missing, or not an id of ours") from None


def _status(query: Mapping[str, str]) -> ReceiptStatus:
    number = _required(query, "status")
    report = Report(int(number)) if number.isascii() and number.isdecimal() else Report(0)
    if report & Report.DELIVERED:
        return "delivered"
    if report & (Report.FAILED | Report.REJECTED):
        return "failed"
    if report & (Report.SUBMITTED | Report.BUFFERED | Report.INTERMEDIATE):
        return "sent"
    raise ValueError("status: not a delivery report of Kannel's")


def _detail(query: Mapping[str, str]) -> str:
    """Keep the provider's words up to "text:", where SMPP providers repeat the message itself."""
    words = query.get("reply", "").replace("\0", "")
    repeated = words.casefold().find("text:")
    return words[: repeated if repeated >= 0 else None][:LONGEST_DETAIL].strip(" /")
