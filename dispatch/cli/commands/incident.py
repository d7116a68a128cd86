"""`dispatch incident`: show an incident, its timeline, and why each volunteer was or was not asked; act on it."""

from cyclopts import App

from dispatch.cli.account.layout import Account, account
from dispatch.cli.account.sentences import Teller
from dispatch.cli.commands.incident_acts import Id, register
from dispatch.cli.connection import run
from dispatch.cli.output import Json, Spoken, Whose, organisation_of, print_json, screen, spoken_here
from dispatch.cli.watch.blocks import Reader
from dispatch.services.access import organisations
from dispatch.services.console import history, situation
from dispatch.services.console.overview import outlook
from dispatch.services.core.short_ids import find
from dispatch.services.core.unit_of_work import UnitOfWork
from schemas.volunteers import Language

incident = App(name="incident", help="Show an incident, and act on it.")
register(incident)


@incident.command
def show(
    id: Id,  # noqa: A002 - the argument's name
    *,
    language: Spoken = None,
    organisation: Whose = None,
    json: Json = False,
) -> None:
    """Show an incident and its timeline, with the reason of every pick and of every non-pick near it.

    Example: dispatch incident show 1fd89305
    """
    spoken = language or spoken_here()
    found, teller, reader = run(lambda uow: _read(uow, organisation, id, spoken))
    if json:
        print_json({"incident": found.detail, "timeline": found.timeline})
        return
    for line in account(found, teller, reader, screen.width):
        screen.print(line, soft_wrap=True)


async def _read(
    uow: UnitOfWork, name: str | None, written: str, language: Language
) -> tuple[Account, Teller, Reader]:
    owner = await organisations.get(uow, await organisation_of(uow, name))
    id_ = await find(uow.pool, "incident", owner.id, written)
    detail = await situation.incident(uow, owner.id, id_)
    timeline = await history.timeline(uow, owner.id, id_)
    found = Account(await outlook(uow, owner, id_), detail, timeline)
    reasons = {str(one.id): (one.reason, one.detail) for one in detail.escalations}
    teller = Teller(owner.zone, language, detail.people | timeline.people, reasons)
    return found, teller, Reader(uow.clock.now(), owner.zone, language)
