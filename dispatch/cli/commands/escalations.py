"""`dispatch escalations`: list what supervisors have to see to, say that it was seen, and settle it."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from cyclopts import App

from dispatch.cli.actor import actor, presented_key
from dispatch.cli.connection import run
from dispatch.cli.output import Json, Whose, organisation_of, print_json, screen, shown, table
from dispatch.domain.messaging.texts import reason_in_words
from dispatch.domain.scheduling.local_time import local, written
from dispatch.services.access import organisations
from dispatch.services.console import situation
from dispatch.services.console.views import Escalation
from dispatch.services.core.short_ids import find
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import escalations as service
from schemas.ids import short

MOST = 100
Change = Callable[[UnitOfWork, UUID, UUID, str], Awaitable[None]]

escalations = App(name="escalations", help="List, acknowledge and settle escalations.")


@escalations.command(name="list")
def list_escalations(*, organisation: Whose = None, json: Json = False) -> None:
    """List the open escalations of incidents, reports and the system, those of the highest level first.

    Example: dispatch escalations list
    """

    async def work(uow: UnitOfWork) -> tuple[list[Escalation], int, str]:
        owner = await organisation_of(uow, organisation)
        found = await situation.escalations(uow, owner, limit=MOST)
        zone = (await organisations.get(uow, owner)).zone
        return found, await situation.count_escalations(uow, owner), zone

    found, total, zone = run(work)
    if json:
        print_json(found)
        return
    rows = (
        (
            short(one.id), one.level, reason_in_words(one.reason, one.detail, "en"), _subject(one),
            written(local(one.raised_at, zone), "%H:%M", "en"), one.acknowledged_by or "nobody",
        )
        for one in found
    )  # fmt: skip
    columns = ("id", "level", "why", "about", "since", "seen by")
    screen.print(table(shown(len(found), total, "open escalation"), columns, rows))


@escalations.command
def ack(id: str) -> None:  # noqa: A002 - the argument's name
    """Say that you have seen an escalation; it is raised again where nothing follows.

    The key in DISPATCH_KEY says who you are; without it, you are asked for it.

    Example: dispatch escalations ack 8c1e02f7

    Parameters
    ----------
    id
        Its id, or at least its first 4 characters.
    """
    _change(id, service.acknowledge)
    screen.print("[green]seen[/]")


@escalations.command
def settle(id: str) -> None:  # noqa: A002 - the argument's name
    """End an escalation of a report or of the system; an act on an incident ends those of the incident.

    The key in DISPATCH_KEY says who you are; without it, you are asked for it.

    Example: dispatch escalations settle 8c1e02f7

    Parameters
    ----------
    id
        Its id, or at least its first 4 characters.
    """
    _change(id, service.resolve)
    screen.print("[green]settled[/]")


def _subject(one: Escalation) -> str:
    return one.subject_kind if one.subject_kind == "system" else f"{one.subject_kind} {short(one.subject_id)}"


def _change(id_: str, change: Change) -> None:
    presented = presented_key()

    async def work(uow: UnitOfWork) -> None:
        key = await actor(uow, presented)
        found = await find(uow.pool, "escalation", key.organisation, id_)
        await change(uow, key.organisation, found, key.holder)

    run(work)
