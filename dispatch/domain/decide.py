"""The one function that decides commands: every change of an incident goes through it."""

from datetime import datetime

from dispatch.domain import answers, offers, supervision
from dispatch.domain.agenda import tick
from dispatch.domain.commands import Acknowledge, Act, AnswerOffer, Command, Consider, Free, Tick, Update
from dispatch.domain.draft import Draft
from dispatch.domain.incident import Incident
from schemas.base import Event


def decide(incident: Incident, command: Command, now: datetime) -> list[Event]:
    """Return the events that a command leads to; raises RefusedError where the transition table forbids it."""
    draft = Draft(incident, now)
    apply(draft, command)
    return draft.events


def apply(draft: Draft, command: Command) -> None:
    """Decide a command on a draft; several commands for one incident are folded in memory so."""
    match command:
        case Tick():
            tick(draft, command.being_answered)
        case Consider():
            offers.consider(draft, command)
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
