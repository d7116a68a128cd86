"""`dispatch parking`: list, show, retry and discard messages that could not be handled."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.text import Text

from dispatch.cli.connection import run
from dispatch.cli.output import (
    By,
    Json,
    elapsed,
    operator,
    print_json,
    problem,
    progress,
    screen,
    shown,
    table,
)
from dispatch.config import MisuseError, Settings
from dispatch.domain.counting import counted
from dispatch.services.core.short_ids import find
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents.parking_alerts import resolve_parking_alerts
from dispatch.services.intake.opening import Intake
from dispatch.services.operations import parking_actions
from dispatch.services.operations.parking_actions import ParkingResult
from dispatch.services.plans.plan_files import load
from dispatch.services.subscriptions import handlers_of

parking = App(name="parking", help="List and resolve parked messages.")
COLOURS = {"retried": "green", "discarded": "green", "settled": "yellow"}

Most = Annotated[int, Parameter(validator=Number(gte=1))]
Everything = Annotated[bool, Parameter(name="--all", negative="", help="All unresolved messages.")]
Topic = Annotated[str | None, Parameter(help="With --all: only messages of this topic.")]
Reason = Annotated[str | None, Parameter(help="With --all: only messages with these words in the reason.")]
One = Callable[[UnitOfWork, UUID], Awaitable[ParkingResult]]


@parking.command(name="list")
def list_parking(*, settled: bool = False, limit: Most = 100, json: Json = False) -> None:
    """List the unresolved messages, the latest first.

    Example: dispatch parking list

    Parameters
    ----------
    settled
        Also list the messages that were retried or discarded, by whom and why.
    limit
        How many messages at most.
    """

    async def work(uow: UnitOfWork) -> tuple[list[dict[str, Any]], int]:
        rows = await parking_actions.listed(uow, limit, settled=settled)
        return rows, await parking_actions.count(uow, settled=settled)

    rows, total = run(work)
    if json:
        print_json(rows)
        return
    if not rows:
        screen.print("[green]nothing is parked[/]")
        return
    about = ("settled_at", "outcome", "settled_by", "because") if settled else ("parked_at", "reason", "size")
    columns = ("id", "source_topic", "source", *about)
    title = shown(len(rows), total, "parked message")
    screen.print(table(title, columns, ([row[column] for column in columns] for row in rows)))


@parking.command
def show(id: str, *, json: Json = False) -> None:  # noqa: A002 - the argument's name
    """Show one parked message with its bytes, which may hold personal data.

    Example: dispatch parking show 0197a0b2-0000-7000-8000-000000000000

    Parameters
    ----------
    id
        Its id, from `dispatch parking list`, or its beginning.
    """

    async def work(uow: UnitOfWork) -> dict[str, Any]:
        return await parking_actions.show(uow, await find(uow.pool, "parked message", None, id))

    message = run(work)
    found = {name: _readable(value) for name, value in message.items()}
    if json:
        print_json(found)
        return
    screen.print(table("parked", ("field", "value"), found.items()))


@parking.command
def retry(
    *ids: str,
    everything: Everything = False,
    source_topic: Topic = None,
    reason: Reason = None,
    even_stale: bool = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Pass parked messages to their consumer again, after the cause was fixed.

    A message that is refused again stays parked with the new reason: exit code 1. Run it with the same environment
    variables as the processes.

    Example: dispatch parking retry --all --source-topic incident.reports

    Parameters
    ----------
    ids
        Their ids, from `dispatch parking list`, or their beginnings.
    even_stale
        Also accept actual reports older than 15 minutes: people are called as if the reports were new.
    """
    settings = Settings()
    known = handlers_of(Intake(load(settings.plans), guarded=settings.guarded_topic))
    who = by or operator()

    async def one(uow: UnitOfWork, id_: UUID) -> ParkingResult:
        return await parking_actions.retry(uow, known, id_, who, even_stale=even_stale)

    _print(_each(one, ids, who, everything=everything, topic=source_topic, reason=reason), json=json)


@parking.command
def discard(
    *ids: str,
    because: str,
    everything: Everything = False,
    source_topic: Topic = None,
    reason: Reason = None,
    by: By = None,
    json: Json = False,
) -> None:
    """Discard parked messages: their bytes are erased; who discarded them, when and why stays recorded.

    Example: dispatch parking discard 0197a0b2-0000-7000-8000-000000000000 --because "reported by phone"

    Parameters
    ----------
    ids
        Their ids, from `dispatch parking list`, or their beginnings.
    because
        The reason, without personal data.
    """
    if not because.strip():
        raise MisuseError("name the reason with --because")
    who = by or operator()

    async def one(uow: UnitOfWork, id_: UUID) -> ParkingResult:
        return await parking_actions.discard(uow, id_, who, because)

    _print(_each(one, ids, who, everything=everything, topic=source_topic, reason=reason), json=json)


def _each(
    one: One, ids: Sequence[str], who: str, *, everything: bool, topic: str | None, reason: str | None
) -> list[ParkingResult]:
    """Resolve each message in a transaction of its own, then the escalations about sources with none left."""
    if everything == bool(ids) or (ids and (topic or reason)):
        raise MisuseError("name the ids, or use --all with or without --source-topic and --reason")

    async def work(uow: UnitOfWork) -> list[ParkingResult]:
        wanted = await _wanted(uow, ids, topic, reason)
        with progress() as shown:
            outcomes = [await one(uow, id_) for id_ in shown.track(wanted, description="parked messages")]
        await resolve_parking_alerts(uow, who)
        return outcomes

    return run(work)


async def _wanted(
    uow: UnitOfWork, ids: Sequence[str], topic: str | None, reason: str | None
) -> Sequence[UUID]:
    """Return the messages that are named, or all unresolved ones where none is."""
    if not ids:
        return await parking_actions.unresolved(uow, topic, reason)
    return [await find(uow.pool, "parked message", None, written) for written in ids]


def _print(outcomes: Sequence[ParkingResult], *, json: bool) -> None:
    """Print the result for each message, and exit 1 if one is still unresolved."""
    bad = [outcome for outcome in outcomes if not outcome.resolved]
    if json:
        print_json([_plain(outcome) for outcome in outcomes])
    else:
        rows = ((o.id, Text(o.what, COLOURS.get(o.what, "red")), elapsed(o.age), o.detail) for o in outcomes)
        screen.print(table("parked", ("id", "outcome", "age", "detail"), rows))
    for outcome in bad:
        hint = ": report it again, or use --even-stale" if outcome.what == "stale" else ""
        problem(f"{outcome.id}: {outcome.what}: {outcome.detail}{hint}")
    if bad:
        problem(f"{counted(len(bad), 'message')} of {len(outcomes)} still unresolved")
        sys.exit(1)


def _plain(outcome: ParkingResult) -> dict[str, object]:
    age = None if outcome.age is None else outcome.age.total_seconds()
    return {"id": outcome.id, "outcome": outcome.what, "detail": outcome.detail, "age_s": age}


def _readable(value: object) -> object:
    """Decode bytes as text, with escapes where they are not UTF-8."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
