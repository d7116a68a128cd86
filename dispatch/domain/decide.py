"""The one function through which everything that changes an incident goes."""

from datetime import datetime

from dispatch.domain import answers, asking, supervision
from dispatch.domain.agenda import tick
from dispatch.domain.commands import Acknowledge, Act, AnswerOffer, Command, Consider, Free, Tick, Update
from dispatch.domain.draft import Draft
from dispatch.domain.incident import Incident
from schemas.base import Event


def decide(incident: Incident, command: Command, now: datetime) -> list[Event]:
    """Give the events that a command leads to; raises RefusedError where the transition table forbids it."""
    draft = Draft(incident, now)
    apply(draft, command)
    return draft.events


def apply(draft: Draft, command: Command) -> None:
    """Decide a command on a draft, so that several commands for one incident fold in memory."""
    match command:
        case Tick():
            tick(draft, command.being_answered)
        case Consider():
            asking.consider(draft, command)
        case AnswerOffer():
            answers.answer(draft, command)
        case Act():
            supervision.act(draft, command)
        case Acknowledge():
            supervision.acknowledge(draft, command)
        case Update():
            supervision.update(draft, command)
        case Free():
            supervision.free(draft, command)
