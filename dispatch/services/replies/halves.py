"""The texts of one sender that came just before another, which may be one text in halves with it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from dispatch.domain.messaging.split_texts import Half
from dispatch.services.replies.senders import Sender
from dispatch.storage.queries import sql

LOOKED_BACK = timedelta(minutes=1)
"""How long before a text its other half may have been received: the network may delay one of them."""


async def before(
    connection: asyncpg.Connection, sender: Sender, text_id: UUID, received_at: datetime
) -> Sequence[Half]:
    """Return the texts of a sender just before one, the latest first."""
    since = received_at - LOOKED_BACK
    row = (sender.address, text_id, since, sender.organisation)
    rows = await connection.fetch(sql("texts_just_before"), *row)
    return [Half(**dict(row)) for row in rows]
