"""Organisations, the pause of all their offers, and the keys that open their doors."""

from typing import Annotated, NamedTuple
from uuid import UUID

import asyncpg
from cyclopts import App, Parameter

from dispatch.cli.connection import run
from dispatch.cli.output import Json, Whose, operator, organisation_of, print_json, screen, table
from dispatch.config import MisuseError
from dispatch.services.access import keys as services
from dispatch.services.access import organisations as houses
from dispatch.services.access.organisations import Area
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.queries import sql

CORNERS = 4

organisations = App(name="organisations", help="Make and list organisations.")
keys = App(name="keys", help="Make, list and revoke API keys.")

By = Annotated[str | None, Parameter(help="Who says so; you, where nobody is named.")]


@organisations.command
def create(
    name: str,
    *,
    zone: str = "Europe/Paris",
    area: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    json: Json = False,
) -> None:
    """Make an organisation.

    Example: dispatch organisations create "SDIS 67" --zone Europe/Paris --area 48.1,6.9,49.1,8.3

    Parameters
    ----------
    name
        Its name, which no other has.
    zone
        Its time zone.
    area
        Its service area in degrees as SOUTH,WEST,NORTH,EAST; without it, everywhere.
    """
    parsed = _area(area) if area else None
    id_ = run(lambda uow: houses.create(uow, name, zone, parsed))
    if json:
        print_json({"id": id_, "name": name})
    else:
        screen.print("[green]organisation[/]", id_)


def _area(text: str) -> Area:
    try:
        corners = [float(part) for part in text.split(",")]
    except ValueError:
        corners = []
    if len(corners) != CORNERS:
        raise MisuseError(f"--area {text!r} is not SOUTH,WEST,NORTH,EAST in degrees")
    return Area(*corners)


@organisations.command(name="list")
def list_organisations(*, json: Json = False) -> None:
    """List the organisations.

    Example: dispatch organisations list
    """

    async def work(uow: UnitOfWork) -> list[asyncpg.Record]:
        return await uow.pool.fetch(sql("list_organisations"))

    rows = [dict(row) for row in run(work)]
    if json:
        print_json(rows)
        return
    columns = ("id", "name", "zone", "volunteers", "duty", "paused_at")
    screen.print(table("organisations", columns, ([row[column] for column in columns] for row in rows)))


def pause(*, organisation: Whose = None, by: By = None) -> None:
    """Stop all new offers of an organisation at once; supervisors are told.

    Recalls and stand-downs still go out.

    Example: dispatch pause --organisation "SDIS 67"
    """

    async def work(uow: UnitOfWork) -> None:
        await houses.pause(uow, await organisation_of(uow, organisation), by or operator())

    run(work)
    screen.print("[yellow]paused[/]: no new offers until `dispatch resume`.")


def resume(*, organisation: Whose = None, by: By = None) -> None:
    """Let the offers of an organisation go out again.

    Example: dispatch resume
    """

    async def work(uow: UnitOfWork) -> None:
        await houses.resume(uow, await organisation_of(uow, organisation), by or operator())

    run(work)
    screen.print("[green]resumed[/]: offers go out.")


class Made(NamedTuple):
    """A new key, shown once."""

    organisation: UUID
    key: str


@keys.command(name="create")
def create_key(
    *,
    scope: Annotated[list[str], Parameter(consume_multiple=True, negative="")],
    holder: str | None = None,
    organisation: Whose = None,
    json: Json = False,
) -> None:
    """Make a key and print it, this one time; only its hash is kept.

    Example: dispatch keys create --scope reports:write --holder control-room

    Parameters
    ----------
    scope
        What it opens: reports:write, console:read, console:act, volunteers:write, gateway:NAME, admin.
    holder
        The source that its reports come from, or the person who acts with it; you, where nobody is named.
    """
    who = holder or operator()

    async def work(uow: UnitOfWork) -> Made:
        house = await organisation_of(uow, organisation)
        return Made(house, await services.create(uow, organisation=house, scopes=scope, holder=who))

    made = run(work)
    if json:
        print_json({"key": made.key, "scopes": scope, "holder": who, "organisation": made.organisation})
    else:
        print(made.key)


@keys.command(name="list")
def list_keys(*, organisation: Whose = None, json: Json = False) -> None:
    """List the keys, revoked ones included; never the secrets.

    Example: dispatch keys list
    """

    async def work(uow: UnitOfWork) -> list[asyncpg.Record]:
        return await uow.pool.fetch(sql("list_keys"), await organisation_of(uow, organisation))

    rows = [dict(row) for row in run(work)]
    if json:
        print_json(rows)
        return
    columns = ("id", "holder", "scopes", "created_at", "revoked_at")
    screen.print(table("keys", columns, ([row[column] for column in columns] for row in rows)))


@keys.command(name="revoke")
def revoke_key(key: str, *, organisation: Whose = None) -> None:
    """End a key at once.

    Example: dispatch keys revoke 0f3a5c7e9b1d

    Parameters
    ----------
    key
        Its id, the middle part of the key.
    """

    async def work(uow: UnitOfWork) -> None:
        await services.revoke(uow, await organisation_of(uow, organisation), key)

    run(work)
    screen.print("[green]revoked[/]")
