"""`dispatch keys`: the API keys of an organisation."""

from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from dispatch.cli.connection import run
from dispatch.cli.output import Json, Whose, operator, organisation_of, print_json, screen, table
from dispatch.services.access import keys as api_keys
from dispatch.services.core.short_ids import find_key
from dispatch.services.core.unit_of_work import UnitOfWork

ACTS_FOR = {False: "organisation", True: "installation"}

keys = App(name="keys", help="Create, list and revoke API keys.")


@keys.command
def create(
    *,
    scope: Annotated[list[str], Parameter(consume_multiple=True, negative="")],
    holder: str | None = None,
    installation: Annotated[bool, Parameter(negative="")] = False,
    organisation: Whose = None,
    json: Json = False,
) -> None:
    """Create a key and print it once; only its hash is stored.

    Example: dispatch keys create --scope reports:write --holder control-room

    Parameters
    ----------
    scope
        What the key permits: reports:write, console:read, console:act, volunteers:write, gateway:NAME, admin.
    holder
        The source of the reports that the key sends, or the person who acts with it. Default: your user name.
    installation
        For gateways alone: the key acts for all organisations. Others act for the people and offers of their own.
    """
    who = holder or operator()

    async def work(uow: UnitOfWork) -> tuple[UUID, str]:
        owner = await organisation_of(uow, organisation)
        key = await api_keys.create(
            uow, organisation=owner, scopes=scope, holder=who, installation=installation
        )
        return owner, key

    owner, key = run(work)
    if json:
        print_json(
            {"key": key, "scopes": scope, "holder": who, "organisation": owner, "installation": installation}
        )
    else:
        print(key)


@keys.command(name="list")
def list_keys(*, organisation: Whose = None, json: Json = False) -> None:
    """List an organisation's keys and those of the installation, revoked ones included; the secrets are never shown.

    Example: dispatch keys list
    """

    async def work(uow: UnitOfWork) -> list[dict[str, object]]:
        return await api_keys.listed(uow, await organisation_of(uow, organisation))

    rows = run(work)
    if json:
        print_json(rows)
        return
    columns = ("id", "holder", "scopes", "acts for", "created_at", "revoked_at")
    shown = [row | {"acts for": ACTS_FOR[bool(row["installation"])]} for row in rows]
    screen.print(table("keys", columns, ([row[column] for column in columns] for row in shown)))


@keys.command
def revoke(key: str, *, organisation: Whose = None) -> None:
    """Revoke a key at once.

    Example: dispatch keys revoke 0f3a5c7e9b1d

    Parameters
    ----------
    key
        Its id, the middle part of the key, or at least its first 4 characters.
    """

    async def work(uow: UnitOfWork) -> None:
        owner = await organisation_of(uow, organisation)
        await api_keys.revoke(uow, owner, await find_key(uow.pool, owner, key))

    run(work)
    screen.print("[green]revoked[/]")
