"""Write the reference: `python -m tests.documents.reference > docs/reference.md`."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from inspect import getdoc
from typing import Any, cast

import asyncpg
from cyclopts import App
from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, HttpUrl, SecretStr
from pydantic.fields import FieldInfo

from dispatch.cli.main import COMMANDS
from dispatch.clock import Clock
from dispatch.config import EXAMPLES, Settings
from dispatch.domain import transitions
from dispatch.domain.matching.selection import Gate, readable
from dispatch.domain.transitions import Table
from dispatch.gateways import providers
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.plans import plan_examples
from dispatch.services.subscriptions import SUBSCRIPTIONS
from producers.http import stream
from producers.http.api import health
from producers.http.api.gateways import authorize_gateway
from producers.http.app import ROUTERS
from producers.http.auth import RequiredScope
from schemas.plans import OfferPolicy, Plan, SearchPolicy, SeatNeed, Step
from schemas.topics import DAY_MS, HORIZON_DAYS, TOPICS, Topic
from tests.documents.reference_words import ACTS, GATES, INTRODUCTION, PLAN, REASONS, SETTINGS

MACHINES: dict[str, Table] = {
    "Incident": transitions.INCIDENT,
    "Offer": transitions.OFFER,
    "Assignment": transitions.ASSIGNMENT,
    "Escalation": transitions.ESCALATION,
}
BY_HAND: dict[object, tuple[str, ...]] = {
    authorize_gateway: ("gateway:NAME",),
}
"""The scopes of the dependencies that check the key themselves."""
SECTIONS: dict[str, type[BaseModel]] = {
    "seats": SeatNeed, "offers": OfferPolicy, "search": SearchPolicy, "steps": Step,
}  # fmt: skip
NAMELESS_DEFAULTS = (None, "", SecretStr(""))
HOUR_MS = 3_600_000
EXAMPLE = "Example: "

Row = Sequence[object]


def current() -> str:
    """Return the whole page."""
    parts = (
        INTRODUCTION,
        *_commands(),
        *_settings(),
        *_plans(),
        *_routes(),
        *_topics(),
        *_consumers(),
        *_events(),
    )
    return "\n".join((*parts, *_transitions(), *_gates(), *_reasons())) + "\n"


def _table(columns: Row, rows: Iterable[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    for row in (columns, ["---"] * len(columns), *rows):
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |"
    yield ""


def _code(words: Iterable[object], between: str = ", ") -> str:
    return between.join(f"`{word}`" for word in words)


def _commands() -> Iterator[str]:
    yield "## Commands\n"
    yield "Each has `--help`. Exit code 1 is a failure, 2 a misuse; errors go to stderr.\n"
    yield from _table(("command", "what it does", "example"), sorted(commands()))


def commands() -> Iterator[tuple[str, str, str]]:
    """Yield each command with its help line and an example."""
    for name, (path, _) in COMMANDS.items():
        module, _, attribute = path.partition(":")
        found = getattr(import_module(module), attribute)
        if not isinstance(found, App):
            yield _command(name, getdoc(found) or "")
        elif found.default_command is not None:
            yield _command(name, found.help.replace(EXAMPLE, f"\n{EXAMPLE}"))
        else:
            subcommands = [word for word in found if not word.startswith("-")]
            for word in subcommands:
                yield _command(f"{name} {word}", getdoc(found[word].default_command) or "")


def _command(name: str, text: str) -> tuple[str, str, str]:
    lines = text.splitlines()
    examples = [line.removeprefix(EXAMPLE) for line in lines if line.startswith(EXAMPLE)]
    return f"`dispatch {name}`", lines[0].strip(), _code(examples, "<br>")


def _settings() -> Iterator[str]:
    yield "## Environment\n"
    yield "All settings are environment variables; there is no configuration file.\n"
    rows = [
        (
            f"`{name}`",
            _default(field.default),
            f"`{EXAMPLES[name]}`" if name in EXAMPLES else "",
            SETTINGS[name.removeprefix("DISPATCH_").lower()],
        )
        for name, field in variables()
    ]
    yield from _table(("variable", "default", "example", "what"), rows)


def variables() -> Iterator[tuple[str, FieldInfo]]:
    """Give the name of each variable, those of the gateways too, with its field."""
    for settings in (Settings, *(one.settings for one in providers())):
        if settings is not None:
            prefix = settings.model_config.get("env_prefix", "")
            yield from ((f"{prefix}{name}".upper(), field) for name, field in settings.model_fields.items())


def _default(value: object) -> str:
    shown = str(value).lower() if isinstance(value, bool) else value
    return "" if value in NAMELESS_DEFAULTS or isinstance(value, HttpUrl) else f"`{shown}`"


def _plans() -> Iterator[str]:
    yield "## Plans\n"
    yield "The fields of a response plan; one without a default is required. [Complete examples](plans.md).\n"
    rows = [
        (f"`{name}`", _plan_default(field), f"`{plan_examples.EXAMPLES[name]}`", PLAN[name])
        for name, field in plan_fields()
    ]
    yield from _table(("field", "default", "example", "what"), rows)


def plan_fields(model: type[BaseModel] = Plan, before: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield each field of a plan by its name in the file, those of its sections too."""
    for name, field in model.model_fields.items():
        section = SECTIONS.get(name) if model is Plan else None
        if section is None:
            yield before + name, field
        else:
            yield from plan_fields(section, f"{name}.")


def _plan_default(field: FieldInfo) -> str:
    if field.is_required() or field.default in (None, ()):
        return ""
    value = str(field.default).lower() if isinstance(field.default, bool) else field.default
    return f"`{', '.join(map(str, value)) if isinstance(value, tuple) else value}`"


def _routes() -> Iterator[str]:
    yield "## HTTP\n"
    yield "Send keys in `Authorization: Bearer rk_…`. [OpenAPI](openapi.yaml) has every body and response. A key with"
    yield "`admin` opens every route but those of gateways. Errors are RFC 9457 problem documents.\n"
    rows = [(route.path, method, route) for route in routes() for method in route.methods or ()]
    yield from _table(
        ("route", "scope", "what"), (_route(*row) for row in sorted(rows, key=lambda row: row[:2]))
    )
    yield "`{what}` is one of these:\n"
    yield from _table(("act", "what it does"), ((f"`{name}`", text) for name, text in ACTS.items()))


def _route(path: str, method: str, route: APIRoute) -> tuple[str, str, str]:
    about = (getdoc(route.endpoint) or "").split("\n")[0]
    # The scope has a column of its own.
    return (
        f"`{method} {path}`",
        _code(scopes(route), " or ") or "none",
        re.split(r"[.;] [Ss]cope `", about)[0],
    )


def routes() -> Iterator[APIRoute]:
    """Yield every route of a process that serves everything."""
    uow = UnitOfWork(cast("asyncpg.Pool", None), Clock())
    routers: tuple[APIRouter, ...] = (*ROUTERS, stream.router(uow), health.router)
    for router in routers:
        yield from (route for route in router.routes if isinstance(route, APIRoute))


def scopes(route: APIRoute) -> tuple[str, ...]:
    """Return the scopes of which a key needs one; none for a route that is open or has a token in its path."""
    return next(_asked(route.dependant), ())


def _asked(dependant: Dependant) -> Iterator[tuple[str, ...]]:
    for inner in dependant.dependencies:
        guard = cast("Callable[..., Any]", inner.call)
        if guard in BY_HAND:
            yield BY_HAND[guard]
        elif isinstance(guard, RequiredScope):
            yield guard.scopes
        yield from _asked(inner)


def _topics() -> Iterator[str]:
    yield "## Topics\n"
    yield "[AsyncAPI](asyncapi.yaml) has every message. Consumer groups are named `renfort.READER`. A broker"
    yield f"that lost its data gets again what its consumers lack of the last {HORIZON_DAYS} days.\n"
    columns = ("topic", "key", "partitions", "kept for", "written by", "read by")
    rows = [
        (f"`{t.name}`", t.key, t.partitions, _kept(t), _code(t.writers), _code(_readers(t)) or "others")
        for t in TOPICS
    ]
    yield from _table(columns, rows)


def _readers(topic: Topic) -> list[str]:
    return [one.consumer for one in SUBSCRIPTIONS if one.topic == topic.name]


def _consumers() -> Iterator[str]:
    yield "## Consumers\n"
    yield "Each has a consumer group of its own and runs in the processes of its role.\n"
    rows = [(f"`{s.group}`", f"`{s.topic}`", f"`{s.role}`", s.purpose) for s in SUBSCRIPTIONS]
    yield from _table(("group", "topic", "role", "what it does"), rows)


def _kept(topic: Topic) -> str:
    days, hours = topic.retention_ms // DAY_MS, topic.retention_ms // HOUR_MS
    kept = f"{days} days" if days else f"{hours} hour"
    return f"{kept}, the newest of each key" if topic.compact else kept


def _events() -> Iterator[str]:
    yield "## Events\n"
    rows = [
        (f"`{model.type}`", f"`{topic.name}`", (getdoc(model) or "").split("\n")[0])
        for topic in TOPICS
        for model in topic.models
    ]
    yield from _table(("type", "topic", "what it says"), rows)


def _transitions() -> Iterator[str]:
    yield "## What may follow what\n"
    yield "Every status changes by one of these events. Any other transition is rejected (HTTP 409).\n"
    yield "![Incident, offer, assignment and escalation: what leads from one status to the next](state.svg)\n"
    for name, machine in MACHINES.items():
        yield f"### {name}\n"
        rows = [(before, f"`{event.type}`", after) for (before, event), after in machine.items()]
        yield from _table(("from", "event", "to"), rows)


def _gates() -> Iterator[str]:
    yield "## Gates\n"
    yield "Why a volunteer near an incident was not asked. `dispatch incident show` writes the words out.\n"
    rows = [(f"`{', '.join(readable(gate))}`", GATES[gate]) for gate in Gate]
    yield from _table(("word", "it means"), rows)


def _reasons() -> Iterator[str]:
    yield "## Why a supervisor is told\n"
    yield from _table(
        ("reason", "it means", "what to do"), ((f"`{name}`", *words) for name, words in REASONS.items())
    )


if __name__ == "__main__":
    sys.stdout.write(current())
