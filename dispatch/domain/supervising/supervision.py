"""Acts of supervisors on an incident, updates by its source, and the release of single volunteers."""

from collections.abc import Callable
from datetime import timedelta

from dispatch.domain import transitions
from dispatch.domain.actors import RENFORT
from dispatch.domain.answering.answers import close_if_done
from dispatch.domain.asking.offers import escalate_obstacles, forbidden_hazards
from dispatch.domain.commands import Acknowledge, Act, ForwardText, Free, Update
from dispatch.domain.decision import Decision
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Incident
from dispatch.domain.places.placing import escalate_mistake
from dispatch.domain.scheduling import ending, moving
from dispatch.domain.scheduling.staleness import STALE
from dispatch.domain.supervising import escalation
from dispatch.domain.supervising.escalation import ALONE, NOT_ENDED, Acknowledgement
from dispatch.domain.supervising.reinforcing import reinforce
from schemas.base import Event
from schemas.incidents import (
    HumanAct,
    IncidentAborted,
    IncidentCancelled,
    IncidentClosed,
    IncidentConfirmed,
    IncidentGivenBack,
    IncidentHeld,
    IncidentResumed,
    IncidentTakenOver,
    IncidentUpdated,
    SeatsAdded,
)
from schemas.reports import Professional

MODE_UNREAD = "mode_unread"
"""Why an incident awaits confirmation whose report has a mode that could not be read: it may be an exercise."""
TO_READ = frozenset({"responder_text", "late_arrival", "called_away", "overlapping_yes", "apart"})
"""Reasons of which a supervisor only has to know: an acknowledgement resolves them."""


def act(decision: Decision, command: Act) -> None:
    """Do a supervisor's act; raises RefusedError where the incident's status does not allow it."""
    _ACTS[command.action](decision, command)


def acknowledge(decision: Decision, command: Acknowledge) -> None:
    """Acknowledge an escalation; it lapses after the plan's time, and settles what is only to be read, or has ended."""
    lapses_at = decision.now + timedelta(seconds=decision.incident.plan.acknowledgement_s)
    acknowledgement = Acknowledgement(command.by, lapses_at, command.channel)
    current = decision.incident.escalations
    decision.add(escalation.acknowledged(current, command.escalation_id, acknowledgement, decision.now))
    after = decision.incident.escalations[command.escalation_id]
    if after.reason in TO_READ or decision.incident.status in ("closed", "cancelled"):
        decision.extend(escalation.resolved({after.id: after}, None, "read", decision.now))


def forward_text(decision: Decision, command: ForwardText) -> None:
    """Tell a supervisor of a responder's text; several make one escalation until a supervisor has read them."""
    detail = f"text {command.text_id}: see the texts of the incident"
    decision.escalate("responder_text", page=command.page, level=2 if command.page else 1, detail=detail)


def awaiting(professional: Professional, *, plan_trusts: bool, incident_needs: bool) -> tuple[str, ...]:
    """Return why a supervisor must confirm before any lay volunteer is asked; empty where none need be."""
    if not incident_needs:
        return ()
    reasons = []
    if not plan_trusts:
        reasons.append("source_untrusted")
    if not professional.requested or professional.reference is None:
        reasons.append("professional_unknown")
    return tuple(reasons)


def escalate_incomplete(decision: Decision, dropped: tuple[str, ...]) -> None:
    """Escalate what could not be read of a report; it pages where a hazard may be among it."""
    if dropped:
        paged = "hazards" in dropped
        level = None if paged else 1
        decision.escalate("report_incomplete", page=paged, level=level, detail=", ".join(dropped))


def update(decision: Decision, command: Update) -> None:
    """Apply what the source adds; a hazard for which the plan forbids offers aborts the incident."""
    incident = decision.incident
    if incident.ended:
        if _adds_anything(incident, command):
            detail = "the source said more after the end"
            decision.escalate("updated_after_end", page=False, level=1, detail=detail)
        return
    professional = command.professional or incident.professional
    remaining = tuple(reason for reason in incident.awaiting if _still_awaited(reason, command, professional))
    decision.add(
        IncidentUpdated(
            at=decision.now, incident_id=incident.id, report_id=command.report_id, severity=command.severity,
            position=command.position, hazards=command.hazards, professional=command.professional,
            awaiting=remaining,
        )
    )  # fmt: skip
    if command.window is not None and command.window != incident.window:
        decision.resolve({NOT_ENDED, ALONE}, "the source moved it")
        moving.move(decision, command.report_id, command.window)
    escalate_incomplete(decision, command.dropped)
    if command.position is not None:
        decision.resolve({"unplaced"}, "placed")
    escalate_mistake(decision, command.mistake)
    if set(remaining) <= {STALE}:
        decision.resolve({"awaiting_confirmation"}, "the missing facts are known")
    if not forbidden_hazards(incident) and (hazards := forbidden_hazards(decision.incident)):
        _abort(decision, Act("abort", RENFORT, f"hazard reported: {', '.join(hazards)}"))
        decision.escalate("hazard", page=True, detail=", ".join(hazards))


def _adds_anything(incident: Incident, command: Update) -> bool:
    known = (incident.severity, incident.position, incident.professional, incident.window)
    said = (command.severity, command.position, command.professional, command.window)
    updated = tuple(new or old for new, old in zip(said, known, strict=True))
    return updated != known or not set(command.hazards) <= set(incident.hazards)


def _still_awaited(reason: str, command: Update, professional: Professional) -> bool:
    if reason in (STALE, MODE_UNREAD):
        # Only a human can tell whether people are still needed, and whether it is an exercise.
        return True
    if reason == "professional_unknown":
        known = professional.requested and professional.reference is not None
        return not (known and command.trusted)
    return not command.trusted


def free(decision: Decision, command: Free) -> None:
    """Withdraw the offers of a volunteer who is needed elsewhere or has left, and release their seat where needed."""
    decision.withdraw_from(command.volunteer_id, "left" if command.reason == "left" else "engaged")
    if command.reason == "left":
        # STOP ends new offers; a running assignment and its safety messages continue until release.
        return
    for assignment in [a for a in decision.incident.active() if a.volunteer_id == command.volunteer_id]:
        decision.release(assignment, "overlap")
        decision.escalate("called_away", page=False, level=1, detail="to an urgent incident")
    decision.update_coverage()
    close_if_done(decision)


def _record(event: type[HumanAct], decision: Decision, command: Act, **more: object) -> None:
    name = decision.incident.id
    fields = {"by": command.by, "reason": command.reason, **more}
    decision.add(event(at=decision.now, incident_id=name, **fields))  # type: ignore[arg-type]


def _confirm(decision: Decision, command: Act) -> None:
    if not decision.incident.awaiting or decision.incident.ended:
        msg = "this incident awaits no confirmation"
        raise RefusedError(msg)
    _record(IncidentConfirmed, decision, command)
    decision.resolve({"awaiting_confirmation", STALE}, "confirmed")
    ending.extend(decision)


def _hold(decision: Decision, command: Act) -> None:
    _record(IncidentHeld, decision, command, recalled=decision.incident.involved())
    ending.extend(decision)


def _resume(decision: Decision, command: Act) -> None:
    _record(IncidentResumed, decision, command)
    decision.resolve({"danger", "recall_unacknowledged"}, "resumed")
    ending.extend(decision)
    close_if_done(decision)


def _abort(decision: Decision, command: Act) -> None:
    """Abort: recall everybody first, then withdraw offers and release seats."""
    _record(IncidentAborted, decision, command, recalled=decision.incident.involved())
    decision.withdraw("aborted")
    decision.release_all("aborted")
    # An unacknowledged recall escalates anew for this abort, even where an earlier recall had escalated.
    decision.resolve(None, "aborted")


def _takeover(decision: Decision, command: Act) -> None:
    _record(IncidentTakenOver, decision, command, channel=command.channel)
    decision.extend(escalation.handed_over(decision.incident.escalations, command.by, decision.now))
    decision.withdraw("taken_over")
    ending.extend(decision)


def _give_back(decision: Decision, command: Act) -> None:
    _record(IncidentGivenBack, decision, command)
    ending.extend(decision)
    escalate_obstacles(decision)
    close_if_done(decision)


def _close(decision: Decision, command: Act) -> None:
    decision.withdraw("closed")
    decision.release_all("closed")
    decision.resolve(None, "closed")
    _record(IncidentClosed, decision, command, outcome=command.outcome or "done")


def _cancel(decision: Decision, command: Act) -> None:
    decision.withdraw("cancelled")
    decision.release_all("cancelled")
    decision.resolve(None, "cancelled")
    _record(IncidentCancelled, decision, command)


def _escalate(decision: Decision, command: Act) -> None:
    if decision.incident.ended:
        msg = "this incident has ended"
        raise RefusedError(msg)
    decision.escalate("by_hand", page=True, detail=command.reason)


def allowed(incident: Incident) -> list[str]:
    """Return the acts that the incident's status allows now."""
    events: dict[str, type[Event]] = {
        "hold": IncidentHeld, "resume": IncidentResumed, "abort": IncidentAborted, "takeover": IncidentTakenOver,
        "give-back": IncidentGivenBack, "close": IncidentClosed, "cancel": IncidentCancelled,
    }  # fmt: skip
    if incident.seats:
        events["reinforce"] = SeatsAdded
    found = [
        act for act, event in events.items() if transitions.may(transitions.INCIDENT, incident.status, event)
    ]
    return found + (["confirm"] if incident.awaiting and not incident.ended else [])


_ACTS: dict[str, Callable[[Decision, Act], None]] = {
    "confirm": _confirm,
    "hold": _hold,
    "resume": _resume,
    "abort": _abort,
    "takeover": _takeover,
    "give-back": _give_back,
    "close": _close,
    "cancel": _cancel,
    "escalate": _escalate,
    "reinforce": reinforce,
}
