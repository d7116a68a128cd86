"""The one function that decides commands: every change of an incident goes through it."""

from datetime import datetime

from dispatch.domain.agenda import tick
from dispatch.domain.answering import answers
from dispatch.domain.asking import offers
from dispatch.domain.commands import (
    Acknowledge,
    Act,
    AnswerOffer,
    Command,
    Consider,
    ForwardText,
    Free,
    Tick,
    Unreached,
    Update,
)
from dispatch.domain.decision import Decision
from dispatch.domain.incident import Incident
from dispatch.domain.supervising import supervision
from schemas.base import Event


def decide(incident: Incident, command: Command, now: datetime) -> list[Event]:
    """Return the events that a command leads to; raises RefusedError where the transition table forbids it."""
    decision = Decision(incident, now)
    apply(decision, command)
    return decision.events


def apply(decision: Decision, command: Command) -> None:
    """Add what a command causes to a decision; several commands for one incident may share one."""
    match command:
        case Tick():
            tick(decision, command)
        case Consider():
            offers.consider(decision, command)
        case AnswerOffer():
            answers.answer(decision, command)
        case Act():
            supervision.act(decision, command)
        case Acknowledge():
            supervision.acknowledge(decision, command)
        case Update():
            supervision.update(decision, command)
        case Free():
            supervision.free(decision, command)
        case Unreached():
            offers.withdraw_unreached(decision, command)
        case ForwardText():
            supervision.forward_text(decision, command)
