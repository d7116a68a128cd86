"""The escalation steps of a plan: when the next is due, and the one thing that it does."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from dispatch.domain.asking.offers import can_widen, may_ask, widen
from dispatch.domain.counting import counted
from dispatch.domain.decision import Decision
from dispatch.domain.incident import Incident
from dispatch.domain.scheduling import timing
from dispatch.domain.supervising import escalation
from schemas.incidents import AskedMore, Referred, StepDone, StepSkipped
from schemas.plans import Step

Skip = Literal["enough", "widest", "no_more", "paged"]


def lacks_people(incident: Incident) -> bool:
    """Return whether seats of an incident are empty for which people may be looked for."""
    return (
        incident.status == "open" and not incident.awaiting and bool(incident.seats) and not incident.seated()
    )


def due_at(incident: Incident) -> datetime | None:
    """Return when the next step is due; after an outage the intervals between the steps are preserved."""
    steps, done = incident.plan.steps, incident.steps_done
    if done >= len(steps) or not lacks_people(incident):
        return None
    planned = timing.steps_from(incident) + timedelta(seconds=steps[done].after_s)
    if done > 0 and incident.last_step_at is not None:
        gap = timedelta(seconds=steps[done].after_s - steps[done - 1].after_s)
        planned = max(planned, incident.last_step_at + gap)
    return timing.known_at(incident, planned)


def run(decision: Decision) -> None:
    """Do the next step that is due, at most one; those before it that would change nothing are skipped."""
    while timing.is_due(due_at(decision.incident), decision.now):
        number = decision.incident.steps_done
        step = decision.incident.plan.steps[number]
        if (why := _skips(decision.incident, step)) is None:
            _DEEDS[step.do](decision, step, number)
            return
        decision.add(
            StepSkipped(
                at=decision.now, incident_id=decision.incident.id, step=number, level=step.level, reason=why
            )
        )  # fmt: skip


def _skips(incident: Incident, step: Step) -> Skip | None:
    """Return why a step would change nothing, else None."""
    if _empty(incident) < step.missing:
        return "enough"
    if step.do == "widen":
        return None if can_widen(incident) and may_ask(incident) else "widest"
    if step.do == "ask_more":
        possible = (
            incident.plan.ask in ("rolling", "wave") and incident.offers_made < incident.plan.offers.most
        )
        return None if possible else "no_more"
    known = incident.open_escalation("uncovered")
    if step.do == "repeat" and known is not None and known.status == "raised" and known.page:
        return "paged"
    return None


def _empty(incident: Incident) -> int:
    return (incident.needed() - incident.filled()).total()


def _tell(decision: Decision, step: Step, number: int) -> None:
    _done(decision, StepDone, step, number)
    empty = _empty(decision.incident)
    detail = counted(empty, "seat is empty", "seats are empty")
    decision.escalate("uncovered", page=step.page, level=step.level, detail=detail)


def _repeat(decision: Decision, step: Step, number: int) -> None:
    """Page again at once what a supervisor has acknowledged, and page what nobody was paged about."""
    _tell(decision, step, number)
    known = decision.incident.open_escalation("uncovered")
    if known is not None and known.status == "acknowledged":
        decision.extend(escalation.repeated(known, decision.now))


def _widen(decision: Decision, step: Step, number: int) -> None:
    _done(decision, StepDone, step, number)
    widen(decision)


def _ask_more(decision: Decision, step: Step, number: int) -> None:
    _done(decision, AskedMore, step, number, more=step.more)


def _refer(decision: Decision, step: Step, number: int) -> None:
    _done(decision, Referred, step, number, to=step.to)
    decision.escalate("referred", page=True, level=step.level, detail=", ".join(step.to))


def _done(decision: Decision, event: type[StepDone], step: Step, number: int, **more: object) -> None:
    names = {"incident_id": decision.incident.id, "step": number, "level": step.level}
    decision.add(event(at=decision.now, **names, **more))  # type: ignore[arg-type]


_DEEDS: dict[str, Callable[[Decision, Step, int], None]] = {
    "notify": _tell,
    "page": _tell,
    "repeat": _repeat,
    "widen": _widen,
    "ask_more": _ask_more,
    "refer": _refer,
}
