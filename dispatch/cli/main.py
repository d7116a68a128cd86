"""`dispatch`: the commands, each in a module of its own."""

import sys
from collections.abc import Sequence

import asyncpg
from cyclopts import App, CycloptsError, Parameter
from pydantic import ValidationError

from dispatch.cli.connection import fail
from dispatch.config import MisuseError
from dispatch.security import SecurityError
from dispatch.services.core.failures import Failure, classify
from dispatch.services.plans.plan_files import PlansError
from dispatch.storage.pool import describe

ABOUT = "Call the right volunteers near an incident, until every seat is filled or a human has taken over."
COMMANDS = {
    "demo": ("dispatch.cli.demo.command:demo", "Replay real calls among simulated volunteers."),
    "up": ("dispatch.cli.commands.up:up", "Start everything: embedded where nothing is configured."),
    "run": ("dispatch.cli.commands.run:run", "Run one process of some roles."),
    "migrate": ("dispatch.cli.commands.operations.migrate:migrate", "Bring the tables up to this version."),
    "topics": ("dispatch.cli.commands.operations.topics:topics", "Make the declared topics exist."),
    "report": ("dispatch.cli.commands.report:report", "Report what happened."),
    "volunteers": ("dispatch.cli.commands.volunteers:volunteers", "Import and list volunteers."),
    "organisations": ("dispatch.cli.commands.organisations:organisations", "Make and list organisations."),
    "keys": ("dispatch.cli.commands.keys:keys", "Make, list and revoke API keys."),
    "duty": ("dispatch.cli.commands.duty:duty", "Set and list the supervisors who are told."),
    "plans": ("dispatch.cli.commands.plans:plans", "Check response plans."),
    "watch": ("dispatch.cli.commands.watch:watch", "Watch what happens, live."),
    "incident": ("dispatch.cli.commands.incident:incident", "Look into an incident."),
    "pause": ("dispatch.cli.commands.organisations:pause", "Stop all new offers at once."),
    "resume": ("dispatch.cli.commands.organisations:resume", "Let offers go out again."),
    "journal": (
        "dispatch.cli.commands.operations.journal:journal",
        "Check the journal, give it away, and rebuild from it.",
    ),
    "parking": ("dispatch.cli.commands.operations.parking:parking", "See to what could not be understood."),
    "retention": (
        "dispatch.cli.commands.operations.retention:retention",
        "Look at what is kept how long, and erase what is due.",
    ),
    "backup": (
        "dispatch.cli.commands.operations.backup:backup",
        "Back up the embedded database, and prove that it comes back.",
    ),
    "restore": (
        "dispatch.cli.commands.operations.restore:restore",
        "Bring the embedded database back, as it was at a moment.",
    ),
    "doctor": ("dispatch.cli.doctor.command:doctor", "Check that everything can do its work."),
}


def build(words: Sequence[str]) -> App:
    """Build the command line for what was typed; a command's module is imported when it is used."""
    app = App(
        name="dispatch",
        help=ABOUT,
        version_flags=["--version"],
        default_parameter=Parameter(negative=""),
    )
    # The short words are for the list of commands: given to a command, they would replace its own help.
    listing = not words or words[0].startswith("-")
    for name, (path, about) in COMMANDS.items():
        app.command(path, name=name, help=about if listing else None)
    return app


def main() -> None:
    """Run a command; errors go to stderr, exit code 1 for a failure and 2 for misuse."""
    words = sys.argv[1:]
    try:
        build(words)(words, exit_on_error=False)
    except CycloptsError:
        sys.exit(2)
    except (MisuseError, SecurityError) as misuse:
        fail(str(misuse), 2)
    except ValidationError as invalid:
        found = invalid.errors(include_input=False)
        where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found)
        fail(f"settings or input: {where}", 2)
    except asyncpg.UndefinedTableError as error:
        fail(f"{error}: the tables are not those of this version; run `dispatch migrate`")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        _fail_by_class(error)
        raise


def _fail_by_class(error: Exception) -> None:
    """Exit with the text of an error that the user or an operator can remedy; return for a defect of ours."""
    failure = classify(error)
    if failure is Failure.SENDER or isinstance(error, PlansError):
        fail(str(error))
    # PostgreSQL's other errors say why it rejects the connection, such as a wrong password.
    if failure is Failure.TRY_AGAIN or isinstance(error, asyncpg.PostgresError):
        fail(describe(error))
