"""The acts of a supervisor on an incident, each in the name of the holder of a key."""

from collections.abc import Callable
from typing import Annotated, get_args

from cyclopts import App, Parameter
from pydantic import TypeAdapter, ValidationError

from dispatch.cli.actor import actor, presented_key
from dispatch.cli.connection import run
from dispatch.cli.output import Json, print_json, screen
from dispatch.cli.terminal import one_line
from dispatch.config import MisuseError
from dispatch.domain.commands import Act, Action
from dispatch.domain.counting import counted
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Incident
from dispatch.domain.supervision import allowed
from dispatch.services.access.keys import Key
from dispatch.services.console import situation
from dispatch.services.core.short_ids import find
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import escalations, execution
from schemas.base import Slug
from schemas.ids import short
from schemas.incidents import Outcome

ACTS: dict[Action, str] = {
    "confirm": "Confirm that volunteers may be asked.",
    "hold": "Tell everybody who is asked or comes to wait where they are.",
    "resume": "End a hold: everybody goes on.",
    "abort": "Tell everybody not to approach, and end the incident for them.",
    "takeover": "Take an incident over: nobody else is asked, those who come go on.",
    "give-back": "Give an incident back: Renfort asks again.",
    "close": "Close an incident: everybody is released.",
    "cancel": "Cancel an incident that needs no response.",
    "escalate": "Page the duty contacts about an incident.",
}
DONE: dict[Action, str] = {
    "confirm": "confirmed", "hold": "held", "resume": "resumed", "abort": "aborted", "takeover": "taken over",
    "give-back": "given back", "close": "closed", "cancel": "cancelled", "escalate": "escalated",
}  # fmt: skip
STATUSES = {
    "open": "running", "held": "held", "taken_over": "taken over", "aborted": "aborted", "closed": "closed",
    "cancelled": "cancelled",
}  # fmt: skip

Reason = Annotated[str | None, Parameter(help="Why, in one word such as owner_came: it is published.")]
Ended = Annotated[Outcome, Parameter(help="How it ended.")]
HELP = """{what}

The key in DISPATCH_KEY says who you are; without it, you are asked for it.

Example: {example}

Parameters
----------
id
    The incident's id, or at least its first 4 characters.
"""


def register(incident: App) -> None:
    """Add the acts to `dispatch incident`."""
    for action in get_args(Action):
        incident.command(_closing() if action == "close" else _command(action), name=action)
    incident.command(ack)


def ack(id: str, *, json: Json = False) -> None:  # noqa: A002 - the argument's name
    """Say that you have seen what an incident escalates; it is raised again where nothing follows.

    The key in DISPATCH_KEY says who you are; without it, you are asked for it.

    Example: dispatch incident ack 1fd89305

    Parameters
    ----------
    id
        The incident's id, or at least its first 4 characters.
    """
    presented = presented_key()
    seen = run(lambda uow: _acknowledge(uow, presented, id))
    if json:
        print_json({"acknowledged": seen})
    else:
        screen.print(f"[green]seen[/]: {counted(len(seen), 'escalation')} of {id}")


def _command(action: Action) -> Callable[..., None]:
    """Return the command of an act."""

    def command(id: str, *, reason: Reason = None, json: Json = False) -> None:  # noqa: A002 - the argument's name
        _do(id, action, reason, json=json)

    command.__doc__ = HELP.format(what=ACTS[action], example=f"dispatch incident {action} 1fd89305")
    return command


def _closing() -> Callable[..., None]:
    """Return the command that closes an incident: it takes an outcome."""

    def command(
        id: str,  # noqa: A002 - the argument's name
        *,
        outcome: Ended = "done",
        reason: Reason = None,
        json: Json = False,
    ) -> None:
        _do(id, "close", reason, json=json, outcome=outcome)

    example = "dispatch incident close 1fd89305 --outcome false_alarm"
    command.__doc__ = HELP.format(what=ACTS["close"], example=example)
    return command


def _do(id: str, action: Action, reason: str | None, *, json: bool, outcome: Outcome | None = None) -> None:  # noqa: A002 - the argument's name
    """Do an act in the name of the key's holder, and print the incident after it."""
    word, presented = _word(reason), presented_key()
    after, key = run(lambda uow: _act(uow, presented, id, action, word, outcome))
    if json:
        acts = allowed(after)
        print_json({"incident_id": after.id, "status": after.status, "acts": acts, "at": after.last_at})
        return
    title = one_line(after.plan.title["en"])
    screen.print(f"[green]{DONE[action]}[/] by {one_line(key.holder)}: {title} {short(after.id)}")


def _word(reason: str | None) -> str:
    try:
        return "" if reason is None else TypeAdapter(Slug).validate_python(reason)
    except ValidationError:
        raise MisuseError("--reason is one word such as owner_came, since it is published") from None


async def _act(
    uow: UnitOfWork, presented: str, written: str, action: Action, reason: str, outcome: Outcome | None
) -> tuple[Incident, Key]:
    key = await actor(uow, presented)
    id_ = await find(uow.pool, "incident", key.organisation, written)
    try:
        command = Act(action, key.holder, reason, outcome=outcome)
        return await execution.execute_command(uow, key.organisation, id_, command), key
    except RefusedError:
        found = await situation.incident(uow, key.organisation, id_)
        acts = ", ".join(found.acts) or "nothing"
        raise RefusedError(
            f"{action} is not possible: the incident is {STATUSES[found.status]}; possible now: {acts}"
        ) from None


async def _acknowledge(uow: UnitOfWork, presented: str, written: str) -> list[str]:
    """Acknowledge each escalation of an incident that nobody has seen; return their ids."""
    key = await actor(uow, presented)
    id_ = await find(uow.pool, "incident", key.organisation, written)
    found = await situation.incident(uow, key.organisation, id_)
    raised = [one.id for one in found.escalations if one.status == "raised"]
    if not raised:
        raise RefusedError("nothing of this incident waits to be seen")
    for escalation in raised:
        await escalations.acknowledge(uow, key.organisation, escalation, key.holder)
    return list(map(str, raised))
