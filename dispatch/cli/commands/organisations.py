"""`dispatch organisations`, `dispatch pause` and `dispatch resume`: organisations, and the pause of their offers."""

from dataclasses import astuple
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.text import Text

from dispatch.cli.connection import run
from dispatch.cli.output import (
    By,
    Json,
    Whose,
    operator,
    organisation_of,
    print_json,
    screen,
    table,
    warn_of_landline,
)
from dispatch.cli.terminal import harmless
from dispatch.config import MisuseError
from dispatch.domain.places.coordinates import CoordinatesError
from dispatch.domain.places.service_area import Area, read_area
from dispatch.services.access import organisations as service
from dispatch.services.access.organisations import Changes, Organisation
from dispatch.services.core.phone_numbers import HOME
from dispatch.services.core.unit_of_work import UnitOfWork

organisations = App(name="organisations", help="Create, change and list organisations.")


@organisations.command
def create(
    name: str,
    *,
    zone: str = "Europe/Paris",
    area: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    country: str = HOME,
    alarm_phone: str | None = None,
    json: Json = False,
) -> None:
    """Create an organisation.

    Example: dispatch organisations create "SDIS 67" --zone Europe/Paris --area 48.1,6.9,49.1,8.3

    Example: dispatch organisations create "SDIS 974" --zone Indian/Reunion --country RE

    Parameters
    ----------
    name
        Its name, which no other organisation has.
    zone
        Its time zone.
    area
        Its service area in degrees as SOUTH,WEST,NORTH,EAST, or with semicolons. Default: everywhere.
    country
        The country of phone numbers without a country code, in two letters.
    alarm_phone
        The mobile phone that is paged while nobody is in the duty order.
    """
    parsed = _area(area) if area else None
    id_ = run(lambda uow: service.create(uow, name, zone, parsed, country.upper(), alarm_phone))
    if json:
        print_json({"id": id_, "name": name})
    else:
        screen.print("[green]organisation[/]", id_)


@organisations.command(name="set")
def set_(
    *,
    organisation: Whose = None,
    name: str | None = None,
    zone: str | None = None,
    area: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    country: str | None = None,
    alarm_phone: str | None = None,
) -> None:
    """Change settings of an organisation; what is not named stays as it is.

    Example: dispatch organisations set --organisation "SDIS 974" --country RE

    Example: dispatch organisations set --name "Croix-Rouge du Bas-Rhin" --alarm-phone +33639980000

    Parameters
    ----------
    name
        Its new name.
    zone
        Its time zone.
    area
        Its service area in degrees as SOUTH,WEST,NORTH,EAST.
    country
        The country of phone numbers without a country code, in two letters.
    alarm_phone
        The mobile phone that is paged while nobody is in the duty order; "" for none.
    """
    changes = Changes(name, zone, _area(area) if area else None, country and country.upper(), alarm_phone)
    if changes == Changes():
        raise MisuseError("name what to change: --name, --zone, --area, --country or --alarm-phone")

    async def work(uow: UnitOfWork) -> Organisation:
        id_ = await organisation_of(uow, organisation)
        await service.change(uow, id_, changes)
        return await service.get(uow, id_)

    after = run(work)
    facts = (
        after.name,
        after.zone,
        after.country,
        f"area {_corners(after.area)}",
        f"alarm phone {after.alarm_phone or 'none'}",
    )
    screen.print("[green]changed:[/]", Text(", ".join(map(harmless, facts))))
    if changes.alarm_phone:
        warn_of_landline("the alarm phone", after.alarm_phone)


def _corners(area: Area | None) -> str:
    return "everywhere" if area is None else ",".join(f"{corner:g}" for corner in astuple(area))


def _area(text: str) -> Area:
    try:
        return read_area(text)
    except CoordinatesError as error:
        raise MisuseError(
            f"--area {text!r} is not SOUTH,WEST,NORTH,EAST in degrees, such as 48.1,6.9,49.1,8.3: {error}"
        ) from None


@organisations.command(name="list")
def list_organisations(*, json: Json = False) -> None:
    """List the organisations.

    Example: dispatch organisations list
    """
    rows = run(service.listed)
    if json:
        print_json(rows)
        return
    columns = ("name", "zone", "country", "area", "volunteers", "duty", "alarm phone", "paused")
    screen.print(table("organisations", columns, map(_row, rows)))


def _row(row: dict[str, Any]) -> tuple[object, ...]:
    return (
        row["name"], row["zone"], row["country"], _corners(service.area_of(row)), row["volunteers"], row["duty"],
        row["alarm_phone"], row["paused_at"],
    )  # fmt: skip


def pause(*, organisation: Whose = None, by: By = None) -> None:
    """Stop all new offers of an organisation at once; supervisors are notified.

    Recalls and stand-downs still go out.

    Example: dispatch pause --organisation "SDIS 67"
    """

    async def work(uow: UnitOfWork) -> None:
        await service.pause(uow, await organisation_of(uow, organisation), by or operator())

    run(work)
    screen.print("[yellow]paused[/]: no new offers until `dispatch resume`.")


def resume(*, organisation: Whose = None, by: By = None) -> None:
    """Send new offers of an organisation again after a pause.

    Example: dispatch resume
    """

    async def work(uow: UnitOfWork) -> None:
        await service.resume(uow, await organisation_of(uow, organisation), by or operator())

    run(work)
    screen.print("[green]resumed[/]: offers go out.")
