"""Pages to one contact as texts: one text tells of all that wait and names the worst, and texts keep their pace."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from dispatch.domain.messaging.page_groups import SUSTAINED, WINDOW, Pace, Waiting, next_text_at, worst
from dispatch.storage import messages
from dispatch.storage.messages import LeasedMessage
from dispatch.storage.queries import sql

TOLD_WITHIN = timedelta(days=1)
"""How long a contact who was told of an escalation knows of it."""


async def gather(
    connection: asyncpg.Connection, leased: Sequence[LeasedMessage], until: datetime, now: datetime
) -> list[LeasedMessage]:
    """Return the leased messages with each page replaced by that which its text names, leased until then.

    The others that wait for the contact are skipped, carried by it. A page that comes too soon after a text is left out
    and waits. What is no page is returned as it is.
    """
    attempts = {one.id: one.attempts for one in leased if one.page}
    if not attempts:
        return list(leased)
    rows = await connection.fetch(sql("waiting_pages"), list(attempts), now - TOLD_WITHIN, now - WINDOW)
    groups: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        if row["attempts"] == attempts[row["sending"]]:
            groups[row["sending"]].append(row)
    sent = {one.id: one for one in leased}
    for sending, group in groups.items():
        named = await _name(connection, sent.pop(sending), group, until, now)
        if named is not None:
            sent[named.id] = named
    return list(sent.values())


async def page_rates(pool: asyncpg.Pool, now: datetime) -> list[dict[str, Any]]:
    """Return how many pages each duty contact was texted within the last ten minutes and the last hour."""
    rows = await pool.fetch(sql("page_rates"), now - SUSTAINED, now - timedelta(hours=1))
    return [dict(row) for row in rows]


async def _name(
    connection: asyncpg.Connection,
    sending: LeasedMessage,
    rows: Sequence[asyncpg.Record],
    until: datetime,
    now: datetime,
) -> LeasedMessage | None:
    """Return the page that a text names, None where the text has to wait."""
    pages = [_waiting(row) for row in rows]
    named = worst(pages)
    if named is None:
        return sending
    next_at = next_text_at(Pace(rows[0]["last_at"], rows[0]["texts"]), pages)
    if next_at is not None and next_at > now:
        await connection.execute(sql("defer_pages"), [page.message_id for page in pages], next_at)
        return None
    others = {page.message_id: _obstacle(page) for page in pages if page is not named}
    if others:
        await messages.carry(others, named.message_id, connection, now)
    if named.message_id == sending.id:
        return sending
    row = await connection.fetchrow(sql("lease_page"), named.message_id, until)
    return LeasedMessage(row["id"], row["severity"], row["attempts"]) if row is not None else None


def _obstacle(page: Waiting) -> str:
    """Return why a contact is not told of an escalation any more, empty where they are."""
    return "" if page.stands else f"escalation {page.status}"


def _waiting(row: asyncpg.Record) -> Waiting:
    return Waiting(
        row["message_id"], row["subject_id"], row["status"], row["reason"], row["level"], row["raised_at"],
        row["severity"], row["told"],
    )  # fmt: skip
