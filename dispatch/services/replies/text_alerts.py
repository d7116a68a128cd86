"""Escalations about texts that nobody can be asked about: they name the text, and never repeat it."""

from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.supervising.escalation import Cause
from dispatch.services.incidents.escalations import escalate, system_subject
from dispatch.services.people import opt_out
from dispatch.services.replies.senders import Sender
from dispatch.storage.queries import sql

LEVEL = 3


async def report_ambiguous(
    connection: asyncpg.Connection, sender: Sender, text_id: UUID, now: datetime
) -> None:
    """Page the supervisors of those whom a sender may be, once for all texts of the sender within an hour."""
    first = await connection.fetchval(sql("first_ambiguous_text"), sender.address, text_id)
    if first is not None:
        return
    cause = Cause(
        f"ambiguous_sender:{text_id}",
        LEVEL,
        page=True,
        detail=f"text {text_id}: nobody was seated, call those who were asked; correct the roster",
    )
    await _report(connection, sender, cause, now)


async def report_flood(connection: asyncpg.Connection, sender: Sender, now: datetime) -> None:
    """Report a phone that repeats itself to the supervisors of its owner, once until they resolve it."""
    first = await connection.fetchval(sql("latest_text_of"), sender.address, sender.organisation)
    detail = f"text {first} comes again and again: call its sender; what it says is not read any more"
    await _report(connection, sender, Cause("text_flood", LEVEL, page=True, detail=detail), now)


async def _report(connection: asyncpg.Connection, sender: Sender, cause: Cause, now: datetime) -> None:
    concerned = {contact.organisation for contact in sender.contacts}
    for volunteer_id in sender.people:
        concerned.update(await opt_out.organisations_of(connection, volunteer_id))
    if sender.organisation is not None:
        concerned &= {sender.organisation}
    for organisation in sorted(concerned):
        await escalate(connection, organisation, "system", system_subject(organisation), cause, now)
