"""What supervisors do to an incident, and what a source's update does: each act by a named human or a rule."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from dispatch.domain import escalation, transitions
from dispatch.domain.answers import RENFORT, close_if_done
from dispatch.domain.asking import forbidden, tell_obstacles
from dispatch.domain.commands import Acknowledge, Act, Free, Update
from dispatch.domain.draft import Draft
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Incident
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
)
from schemas.reports import Professional


def act(draft: Draft, command: Act) -> None:
    """Do what a supervisor commands; raises RefusedError where the incident's status does not allow it."""
    _ACTS[command.what](draft, command)


def acknowledge(draft: Draft, command: Acknowledge) -> None:
    """Note that a supervisor has seen an escalation; it lapses after the plan's time."""
    lapses_at = draft.now + timedelta(seconds=draft.incident.plan.acknowledgement_s)
    current = draft.incident.escalations
    draft.add(escalation.acknowledged(current, command.escalation_id, command.by, lapses_at, draft.now))


def awaiting(professional: Professional, *, plan_trusts: bool, incident_needs: bool) -> tuple[str, ...]:
    """Say why a supervisor must confirm before any lay volunteer is asked (rule 7)."""
    if not incident_needs:
        return ()
    reasons = []
    if not plan_trusts:
        reasons.append("source_untrusted")
    if not professional.requested or professional.reference is None:
        reasons.append("professional_unknown")
    return tuple(reasons)


def update(draft: Draft, command: Update) -> None:
    """Take in what the source adds; a hazard that the plan keeps volunteers away from aborts."""
    incident = draft.incident
    if incident.ended:
        if _is_news(incident, command):
            detail = "the source said more after the end"
            draft.escalate("updated_after_end", page=False, level=1, detail=detail)
        return
    professional = command.professional or incident.professional
    still = tuple(reason for reason in incident.awaiting if _still(reason, command, professional))
    draft.add(
        IncidentUpdated(
            at=draft.now, incident_id=incident.id, report_id=command.report_id, severity=command.severity,
            position=command.position, hazards=command.hazards, professional=command.professional,
            awaiting=still,
        )
    )  # fmt: skip
    if command.position is not None:
        draft.resolve({"unplaced"}, "placed")
    if incident.awaiting and not still:
        draft.resolve({"awaiting_confirmation"}, "known now")
    if not forbidden(incident) and (hazards := forbidden(draft.incident)):
        _abort(draft, Act("abort", RENFORT, f"hazard reported: {', '.join(hazards)}"))
        draft.escalate("hazard", page=True, detail=", ".join(hazards))


def _is_news(incident: Incident, command: Update) -> bool:
    known = (incident.severity, incident.position, incident.professional)
    said = (command.severity or known[0], command.position or known[1], command.professional or known[2])
    return said != known or not set(command.hazards) <= set(incident.hazards)


def _still(reason: str, command: Update, professional: Professional) -> bool:
    if reason == "professional_unknown":
        known = professional.requested and professional.reference is not None
        return not (known and command.trusted)
    return not command.trusted


def free(draft: Draft, command: Free) -> None:
    """Give back the seat and the offer of somebody who is needed elsewhere or has left."""
    draft.withdraw_from(command.volunteer_id, "left" if command.why == "left" else "engaged")
    if command.why == "left":
        # STOP ends new offers; a running assignment and its safety messages go on until release.
        return
    for assignment in [a for a in draft.incident.active() if a.volunteer_id == command.volunteer_id]:
        draft.release(assignment, "overlap")
    draft.settle()
    close_if_done(draft)


def _done(event: type[HumanAct], draft: Draft, command: Act, **more: tuple[UUID, ...]) -> None:
    name = draft.incident.id
    draft.add(event(at=draft.now, incident_id=name, by=command.by, reason=command.reason, **more))


def _confirm(draft: Draft, command: Act) -> None:
    if not draft.incident.awaiting or draft.incident.ended:
        msg = "nothing waits for a confirmation here"
        raise RefusedError(msg)
    _done(IncidentConfirmed, draft, command)
    draft.resolve({"awaiting_confirmation"}, "confirmed")


def _hold(draft: Draft, command: Act) -> None:
    _done(IncidentHeld, draft, command, recalled=draft.incident.involved())


def _resume(draft: Draft, command: Act) -> None:
    _done(IncidentResumed, draft, command)
    draft.resolve({"danger", "recall_unacknowledged"}, "resumed")
    close_if_done(draft)


def _abort(draft: Draft, command: Act) -> None:
    """Do not approach: the recall goes out first, then offers and seats are given back."""
    _done(IncidentAborted, draft, command, recalled=draft.incident.involved())
    draft.withdraw("aborted")
    draft.release_all("aborted")
    # Who has not seen this recall is told anew, whoever had not seen an earlier one.
    draft.resolve(None, "aborted")


def _takeover(draft: Draft, command: Act) -> None:
    _done(IncidentTakenOver, draft, command)
    draft.extend(escalation.handed_over(draft.incident.escalations, command.by, draft.now))
    draft.withdraw("taken_over")


def _give_back(draft: Draft, command: Act) -> None:
    _done(IncidentGivenBack, draft, command)
    tell_obstacles(draft)
    close_if_done(draft)


def _close(draft: Draft, command: Act) -> None:
    draft.withdraw("closed")
    draft.release_all("closed")
    draft.resolve(None, "closed")
    _done(IncidentClosed, draft, command)


def _cancel(draft: Draft, command: Act) -> None:
    draft.withdraw("cancelled")
    draft.release_all("cancelled")
    draft.resolve(None, "cancelled")
    _done(IncidentCancelled, draft, command)


def _escalate(draft: Draft, command: Act) -> None:
    if draft.incident.ended:
        msg = "this incident has ended"
        raise RefusedError(msg)
    draft.escalate("by_hand", page=True, detail=command.reason)


def allowed(incident: Incident) -> list[str]:
    """Name the acts that the incident's status allows now."""
    events: dict[str, type[Event]] = {
        "hold": IncidentHeld, "resume": IncidentResumed, "abort": IncidentAborted, "takeover": IncidentTakenOver,
        "give-back": IncidentGivenBack, "close": IncidentClosed, "cancel": IncidentCancelled,
    }  # fmt: skip
    found = [
        w for w, event in events.items() if transitions.may(transitions.INCIDENT, incident.status, event)
    ]
    return found + (["confirm"] if incident.awaiting and not incident.ended else [])


_ACTS: dict[str, Callable[[Draft, Act], None]] = {
    "confirm": _confirm,
    "hold": _hold,
    "resume": _resume,
    "abort": _abort,
    "takeover": _takeover,
    "give-back": _give_back,
    "close": _close,
    "cancel": _cancel,
    "escalate": _escalate,
}
