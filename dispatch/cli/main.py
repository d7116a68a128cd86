"""`dispatch`: the commands, each in a module of its own."""

import sys

from cyclopts import App
from pydantic import ValidationError

from dispatch.cli.local import MisuseError, fail
from dispatch.services.errors import ConflictError, InvalidError, NotFoundError
from dispatch.services.plans import PlansError

app = App(
    name="dispatch",
    help="Call the right volunteers near an incident, until every seat is filled or a human has taken over.",
    version_flags=["--version"],
)

COMMANDS = {
    "demo": "dispatch.cli.demo.command:demo",
    "up": "dispatch.cli.up:up",
    "run": "dispatch.cli.run:run",
    "migrate": "dispatch.cli.services:migrate",
    "topics": "dispatch.cli.services:topics",
    "report": "dispatch.cli.report:report",
    "volunteers": "dispatch.cli.people:volunteers",
    "organisations": "dispatch.cli.people:organisations",
    "keys": "dispatch.cli.people:keys",
    "duty": "dispatch.cli.people:duty",
    "plans": "dispatch.cli.services:plans",
    "watch": "dispatch.cli.watch:watch",
    "incident": "dispatch.cli.incident:incident",
    "pause": "dispatch.cli.people:pause",
    "resume": "dispatch.cli.people:resume",
    "journal": "dispatch.cli.journal:journal",
    "parking": "dispatch.cli.journal:parking",
    "doctor": "dispatch.cli.doctor:doctor",
}
for name, path in COMMANDS.items():
    app.command(path, name=name)


def main() -> None:
    """Run a command; errors go to stderr, exit code 1 for a failure and 2 for misuse."""
    try:
        app(exit_on_error=True)
    except MisuseError as misuse:
        fail(str(misuse), 2)
    except ValidationError as invalid:
        where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors(include_input=False))
        fail(f"settings or input: {where}", 2)
    except (NotFoundError, ConflictError, InvalidError, PlansError) as refusal:
        fail(str(refusal))
    except KeyboardInterrupt:
        sys.exit(130)
