"""The acts of a supervisor on an incident, each in the name of the holder of a key."""

from collections.abc import Callable
from typing import Annotated

from cyclopts import App, Parameter
from msgspec.structs import replace
from pydantic import TypeAdapter, ValidationError
from rich.text import Text

from dispatch.cli.actor import actor, presented_key
from dispatch.cli.commands.act_words import DONE, STATUSES, say
from dispatch.cli.connection import run
from dispatch.cli.output import Json, Spoken, print_json, screen, spoken_here
from dispatch.cli.terminal import one_line
from dispatch.cli.watch.blocks import Reader
from dispatch.config import MisuseError
from dispatch.domain.commands import Act, Action
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Incident
from dispatch.domain.supervising.supervision import allowed
from dispatch.services.access import organisations
from dispatch.services.access.keys import Key
from dispatch.services.console import situation
from dispatch.services.console.views import Escalation
from dispatch.services.core.short_ids import find
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import escalations, execution
from schemas.base import Slug
from schemas.ids import short
from schemas.incidents import Outcome
from schemas.volunteers import Language

ACTS: dict[Action, str] = {
    "confirm": "Confirm that volunteers may be asked.",
    "hold": "Tell everybody who is asked or comes to wait where they are.",
    "resume": "End a hold: everybody goes on.",
    "abort": "Tell everybody not to approach, and end the incident for them.",
    "takeover": "Take an incident over: nobody else is asked, those who come go on.",
    "give-back": "Give an incident back: Renfort asks again.",
    "cancel": "Cancel an incident that needs no response.",
    "escalate": "Page the duty contacts about an incident.",
}
"""The acts that take no more than a reason."""
Id = Annotated[str, Parameter(help="The incident's id, or at least its first 4 characters.")]
Reason = Annotated[str | None, Parameter(help="Why, in one word such as owner_came: it is published.")]
Ended = Annotated[Outcome, Parameter(help="How it ended.")]


def register(incident: App) -> None:
    """Add the acts to `dispatch incident`."""
    for action in ACTS:
        incident.command(_command(action), name=action)
    for command in (close, reinforce, ack):
        incident.command(command)


def ack(id: Id, *, language: Spoken = None, json: Json = False) -> None:  # noqa: A002 - the argument's name
    """Say that you have seen what an incident escalates; it is raised again where nothing follows.

    The key in DISPATCH_KEY says who you are; without it, you are asked for it.

    Example: dispatch incident ack 1fd89305
    """
    presented, spoken = presented_key(), language or spoken_here()
    seen, key, reader = run(lambda uow: _acknowledge(uow, presented, id, spoken))
    if json:
        print_json({"acknowledged": [str(one.id) for one in seen]})
        return
    for one in seen:
        screen.print(Text(_seen(one, key, reader), "green"))


def close(
    id: Id,  # noqa: A002 - the argument's name
    *,
    outcome: Ended = "done",
    reason: Reason = None,
    language: Spoken = None,
    json: Json = False,
) -> None:
    """Close an incident: everybody is released.

    The key in DISPATCH_KEY says who you are; without it, you are asked for it.

    Example: dispatch incident close 1fd89305 --outcome false_alarm
    """
    _do(id, Act("close", "", _word(reason), outcome=outcome), language, json=json)


def reinforce(
    id: Id,  # noqa: A002 - the argument's name
    *,
    role: Annotated[Slug, Parameter(help="The role of the seats.")],
    count: Annotated[int, Parameter(help="How many more people are needed.")] = 1,
    reason: Reason = None,
    language: Spoken = None,
    json: Json = False,
) -> None:
    """Ask for more people of a role that the incident has.

    The key in DISPATCH_KEY says who you are; without it, you are asked for it.

    Example: dispatch incident reinforce 1fd89305 --role helper --count 2
    """
    _do(id, Act("reinforce", "", _word(reason), role=role, count=count), language, json=json)


def _command(action: Action) -> Callable[..., None]:
    """Return the command of an act."""

    def command(
        id: Id,  # noqa: A002 - the argument's name
        *,
        reason: Reason = None,
        language: Spoken = None,
        json: Json = False,
    ) -> None:
        _do(id, Act(action, "", _word(reason)), language, json=json)

    command.__doc__ = f"""{ACTS[action]}

    The key in DISPATCH_KEY says who you are; without it, you are asked for it.

    Example: dispatch incident {action} 1fd89305
    """
    return command


def _do(id_: str, act: Act, language: Language | None, *, json: bool) -> None:
    """Do an act in the name of the key's holder, and print the incident after it."""
    presented, spoken = presented_key(), language or spoken_here()
    after, key = run(lambda uow: _act(uow, presented, id_, act, spoken))
    if json:
        acts = allowed(after)
        print_json({"incident_id": after.id, "status": after.status, "acts": acts, "at": after.last_at})
        return
    screen.print(Text(_done(act.action, after, key, spoken), "green"))


def _done(action: Action, after: Incident, key: Key, language: Language) -> str:
    done = DONE[action][language].format(by=one_line(key.holder))
    return say("done", language, done=done, title=one_line(after.plan.title[language]), code=short(after.id))


def _seen(one: Escalation, key: Key, reader: Reader) -> str:
    fields = {"by": one_line(key.holder), "why": reader.why(one.reason, one.detail), "code": short(one.id)}
    if one.lapses_at is None:
        return say("read", reader.language, **fields)
    return say("seen", reader.language, time=reader.time(one.lapses_at), **fields)


def _word(reason: str | None) -> str:
    try:
        return "" if reason is None else TypeAdapter(Slug).validate_python(reason)
    except ValidationError:
        raise MisuseError("--reason is one word such as owner_came, since it is published") from None


async def _act(
    uow: UnitOfWork, presented: str, written: str, act: Act, language: Language
) -> tuple[Incident, Key]:
    key = await actor(uow, presented)
    id_ = await find(uow.pool, "incident", key.organisation, written)
    try:
        return await execution.execute_command(uow, key.organisation, id_, replace(act, by=key.holder)), key
    except RefusedError:
        found = await situation.incident(uow, key.organisation, id_)
        acts = ", ".join(found.acts) or say("none", language)
        status = STATUSES[found.status][language]
        raise RefusedError(say("refused", language, act=act.action, status=status, acts=acts)) from None


async def _acknowledge(
    uow: UnitOfWork, presented: str, written: str, language: Language
) -> tuple[list[Escalation], Key, Reader]:
    """Acknowledge each escalation of an incident that nobody has seen; return them as they are then."""
    key = await actor(uow, presented)
    id_ = await find(uow.pool, "incident", key.organisation, written)
    found = await situation.incident(uow, key.organisation, id_)
    raised = [one.id for one in found.escalations if one.status == "raised"]
    if not raised:
        raise RefusedError(say("all_seen", language))
    for escalation in raised:
        await escalations.acknowledge(uow, key.organisation, escalation, key.holder)
    after = await situation.incident(uow, key.organisation, id_)
    owner = await organisations.get(uow, key.organisation)
    seen = [one for one in after.escalations if one.id in raised]
    return seen, key, Reader(uow.clock.now(), owner.zone, language)
