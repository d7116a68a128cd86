"""`dispatch migrate`: apply the migrations that the database lacks."""

from dispatch.cli.addresses import read_addresses
from dispatch.cli.connection import run
from dispatch.cli.output import Json, fail, print_json, screen
from dispatch.config import Settings
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest.restore_epochs import current_epoch
from dispatch.storage.migrate import MigrationError
from dispatch.storage.migrate import migrate as apply


def migrate(*, json: Json = False) -> None:
    """Bring the tables up to this version; safe to run again, and in several places at once.

    Example: dispatch migrate
    """
    dsn = read_addresses(Settings()).postgres.get_secret_value()

    async def work(uow: UnitOfWork) -> list[str]:
        # Over a connection of its own: a migration may take longer than a statement otherwise may.
        applied = await apply(dsn)
        await current_epoch(uow)
        return applied

    try:
        applied = run(work)
    except MigrationError as error:
        fail(str(error))
    if json:
        print_json({"applied": applied})
        return
    for name in applied:
        screen.print("[green]applied[/]", name)
    screen.print("The tables are up to date.")
