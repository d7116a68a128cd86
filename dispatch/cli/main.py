"""`dispatch`: the commands, each in a module of its own."""

import sys
from collections.abc import Sequence

import asyncpg
from cyclopts import App, CycloptsError, Parameter
from pydantic import ValidationError

from dispatch.cli.invalid_input import explain
from dispatch.cli.output import fail
from dispatch.config import MisuseError
from dispatch.kafka_security import SecurityError
from dispatch.services.core.error_classification import Failure, classify
from dispatch.services.plans.plan_files import PlansError
from dispatch.storage.pool import describe

ABOUT = "Call the right volunteers near an incident, until every seat is filled or a human has taken over."
COMMANDS = {
    "demo": ("dispatch.cli.demo.command:demo", "Replay real calls among simulated volunteers."),
    "up": ("dispatch.cli.commands.up:up", "Start everything: embedded where nothing is configured."),
    "run": ("dispatch.cli.commands.run:run", "Run one process with some roles."),
    "migrate": ("dispatch.cli.commands.operations.migrate:migrate", "Bring the tables up to this version."),
    "topics": (
        "dispatch.cli.commands.operations.topics:topics",
        "Create the declared topics and check those that exist.",
    ),
    "report": ("dispatch.cli.commands.report:report", "Send a report, or a file of reports."),
    "muster": ("dispatch.cli.commands.muster:muster", "Manage the stations and points where people gather."),
    "volunteers": ("dispatch.cli.commands.volunteers:volunteers", "Import and list volunteers."),
    "lists": ("dispatch.cli.commands.lists:lists", "Manage lists of people whom plans ask alone or never."),
    "apart": ("dispatch.cli.commands.lists:apart", "Keep people apart who must not meet."),
    "organisations": (
        "dispatch.cli.commands.organisations:organisations",
        "Create, change and list organisations.",
    ),
    "keys": ("dispatch.cli.commands.keys:keys", "Create, list and revoke API keys."),
    "duty": ("dispatch.cli.commands.duty:duty", "Set and list the supervisors who are notified."),
    "plans": ("dispatch.cli.commands.plans:plans", "Check response plans."),
    "watch": (
        "dispatch.cli.watch.command:watch",
        "Watch what lacks, who comes and what is next.",
    ),
    "incident": ("dispatch.cli.commands.incident:incident", "Show an incident, and act on it."),
    "escalations": (
        "dispatch.cli.commands.escalations:escalations",
        "List, acknowledge and settle escalations.",
    ),
    "pause": ("dispatch.cli.commands.organisations:pause", "Stop all new offers at once."),
    "resume": ("dispatch.cli.commands.organisations:resume", "Send new offers again after a pause."),
    "journal": (
        "dispatch.cli.commands.operations.journal:journal",
        "Verify and export the journal, and rebuild the tables.",
    ),
    "parking": (
        "dispatch.cli.commands.operations.parking:parking",
        "List and resolve messages that could not be handled.",
    ),
    "retention": (
        "dispatch.cli.commands.operations.retention:retention",
        "Show how long data are stored, and erase expired rows.",
    ),
    "backup": (
        "dispatch.cli.commands.operations.backup:backup",
        "Back up the embedded database, and test the backup.",
    ),
    "restore": (
        "dispatch.cli.commands.operations.restore:restore",
        "Restore the embedded database to a point in time.",
    ),
    "doctor": ("dispatch.cli.doctor.command:doctor", "Check that every part works."),
}


def build(words: Sequence[str]) -> App:
    """Return the command line for the words that were typed; a command's module is imported when it is used."""
    app = App(
        name="dispatch",
        help=ABOUT,
        version_flags=["--version"],
        default_parameter=Parameter(negative=""),
    )
    # The short texts are for the list of commands: passed to a command, they would replace its own help.
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
        fail(explain(invalid), 2)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
        fail(f"{error}: the tables are not those of this version; run `dispatch migrate`")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        _fail_by_class(error)
        raise


def _fail_by_class(error: Exception) -> None:
    """Exit with the text of an error that the user or an operator can remedy; return for a defect of ours."""
    failure = classify(error)
    if failure in (Failure.SENDER, Failure.NEWER_VERSION) or isinstance(error, PlansError):
        fail(str(error))
    # PostgreSQL's other errors say why it rejects the connection, such as a wrong password.
    if failure is Failure.TRY_AGAIN or isinstance(error, asyncpg.PostgresError):
        fail(describe(error))
