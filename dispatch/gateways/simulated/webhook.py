"""Webhook calls of the simulated provider: `id`, `from`, `text`, `channel`; `message`, `status`, `detail`."""

from datetime import datetime
from typing import cast, get_args

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
from schemas.offers import Channel


def read_inbound(values: Parameters, channels: tuple[Channel, ...]) -> InboundText:
    """Read a text that came in on one of the channels, the first where the call names none."""
    channel = values.get("channel", channels[0])
    if channel not in channels:
        raise ValueError(f"channel: must be one of {', '.join(channels)}")
    return InboundText(
        provider_id=parameter(values, "id"),
        channel=channel,
        sender=parameter(values, "from"),
        text=words(values, "text"),
        sent_at=_moment(values, "sent_at"),
    )


def read_receipt(values: Parameters) -> Receipt:
    """Read a receipt; raises ValueError that names the bad parameter."""
    status = parameter(values, "status")
    if status not in get_args(ReceiptStatus):
        raise ValueError(f"status: must be one of {', '.join(get_args(ReceiptStatus))}")
    return Receipt(
        message_id(values, "message"), cast("ReceiptStatus", status), detail(values, "detail")[:120]
    )


def _moment(values: Parameters, name: str) -> datetime | None:
    """Return a moment; None where there is none that can be read: a text counts without its sending time."""
    try:
        moment = datetime.fromisoformat(values.get(name, ""))
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment
