"""The texts of messages: which sentences, filled in with which facts."""

from dataclasses import dataclass
from datetime import datetime

from dispatch.domain.messaging import page_texts
from dispatch.domain.messaging.page_texts import PageFacts
from dispatch.domain.messaging.page_wording import PAGE_SENTENCES, ROLES
from dispatch.domain.messaging.wording import REASONS, SENTENCES, WITH_DETAIL
from dispatch.domain.scheduling.local_time import local, written
from schemas.notifications import Purpose
from schemas.volunteers import Language

LONGEST_SENDER = 24
"""Letters of the name of an organisation or of a muster point in a text."""


@dataclass(frozen=True, slots=True)
class TextFacts:
    """Everything that a text may mention; `page` is what a text to a duty contact says.

    `pending` are the offers that an unclear answer may mean, `unseen` those of recalls that were not acknowledged;
    `forwarded` is whether a supervisor got the words; `organisation` is the name of the one that asks, `place` the
    reader's on the waiting list, `outcome` how the incident ended, `clash` the mission that they have at the same time.
    """

    purpose: Purpose
    language: Language
    drill: bool = False
    title: str = ""
    informs: bool = False
    crew: bool = False
    distance_m: int = 0
    until: str = ""
    code: str = ""
    link: str = ""
    held: bool = False
    assigned: bool = False
    reserve: bool = False
    late: bool = False
    reason: str = ""
    detail: str = ""
    level: int = 0
    pending: tuple[tuple[str, str], ...] = ()
    page: PageFacts | None = None
    pending_seated: bool = False
    unseen: tuple[tuple[str, str], ...] = ()
    forwarded: bool = False
    late_arrival: bool = False
    organisation: str = ""
    muster: str = ""
    place: int = 0
    outcome: str = ""
    clash: str = ""


def render(facts: TextFacts) -> str:
    """Write the text of a message."""
    words = {key: text[facts.language] for key, text in (SENTENCES | PAGE_SENTENCES).items()}
    sentences = [words[key] for key in _sentences(facts)]
    mark = words["drill"] if facts.drill else ""
    return f"{mark}{' '.join(sentences)}".format_map(_fields(facts)).strip()


def until(expires_at: datetime, zone: str, now: datetime, language: Language = "fr") -> str:
    """Return a moment on the reader's clock, with seconds where it is less than ten minutes away."""
    here = local(expires_at, zone)
    if here.date() != local(now, zone).date():
        return written(here, "%d/%m %H:%M", language)
    soon = (expires_at - now).total_seconds() < 600  # noqa: PLR2004
    return written(here, "%H:%M:%S" if soon else "%H:%M", language)


def distance(metres: int, language: Language) -> str:
    """Return a distance as people say it: to 50 m below one kilometre, else to 100 m."""
    if metres < 1000:  # noqa: PLR2004
        return f"{max(50, round(metres / 50) * 50)} m"
    kilometres = f"{metres / 1000:.1f} km"
    return kilometres.replace(".", ",") if language == "fr" else kilometres


def _sentences(facts: TextFacts) -> list[str]:
    """Return the keys of the sentences of the text."""
    if _is_for_duty(facts):
        return page_texts.sentences(facts.purpose, facts.page or PageFacts())
    match facts.purpose:
        case "assigned":
            return (["late_taken"] if facts.late and not facts.late_arrival else []) + [_assigned(facts)]
        case "held" | "aborted":
            return [facts.purpose] + (["seen"] if facts.code else [])
        case "resumed" if not (facts.assigned or facts.informs):
            return ["resumed_offer"]
        case "ask_back":
            return _answers(facts)
    return [_manner(facts.purpose, facts)]


def _is_for_duty(facts: TextFacts) -> bool:
    return facts.page is not None or facts.purpose in page_texts.ONLY_ON_DUTY


def _answers(facts: TextFacts) -> list[str]:
    """Return what an unclear text is answered with: a recall that was not seen goes before anything else."""
    told = [_manner("forwarded", facts)] if facts.forwarded else []
    if facts.unseen:
        return [*told, f"ask_seen_{min(len(facts.unseen), 2)}"]
    if told:
        return told
    return ["ask_which"] if facts.pending_seated else [f"ask_back_{min(len(facts.pending), 2)}"]


def _assigned(facts: TextFacts) -> str:
    if facts.informs:
        return "assigned_informs"
    if facts.held:
        return "assigned_held"
    if facts.late_arrival:
        return "assigned_late"
    return "assigned_reserve" if facts.reserve else _manner("assigned", facts)


def _manner(key: str, facts: TextFacts) -> str:
    """Choose the wording by how it ended, or for those who are taken, only informed, awaited at a point, or a crew."""
    if not facts.informs and (ended := f"{key}_{facts.outcome}") in SENTENCES:
        return ended
    manners = (
        ("clash", bool(facts.clash)), ("informs", facts.informs), ("muster", bool(facts.muster)), ("crew", facts.crew),
    )  # fmt: skip
    found = (f"{key}_{manner}" for manner, applies in manners if applies)
    return next((special for special in found if special in SENTENCES), key)


def _fields(facts: TextFacts) -> dict[str, str]:
    return {
        "sender": sender(facts.organisation, facts.language),
        "muster": shortened(facts.muster),
        "title": facts.title,
        "distance": distance(facts.distance_m, facts.language),
        "until": facts.until,
        "code": facts.code,
        "link": facts.link,
        "level": str(facts.level),
        "clash": facts.clash,
        "place": str(facts.place),
        "why": _why(facts),
        "about": about(", ".join(filter(None, (facts.title, facts.page.place if facts.page else "")))),
        "pending": _listed(facts.pending),
        "one": facts.pending[0][0] if facts.pending else "",
        "unseen": _listed(facts.unseen),
        "unseen_one": facts.unseen[0][0] if facts.unseen else "",
    } | (page_texts.fields(facts.page or PageFacts()) if _is_for_duty(facts) else {})


def _why(facts: TextFacts) -> str:
    """Return why a supervisor is told, with every reason and with what an incident lacks."""
    page = facts.page or PageFacts()
    reasons = ((facts.reason, facts.detail), *page.also)
    words = list(dict.fromkeys(reason_in_words(*reason, facts.language) for reason in reasons))
    if page.lacks:
        lacks = ", ".join(f"{role_in_words(role, facts.language)} ({count})" for role, count in page.lacks)
        words.append(PAGE_SENTENCES["lacking"][facts.language].format(lacks=lacks))
    return ", ".join(words)


def role_in_words(role: str, language: Language, count: int = 1) -> str:
    """Return a role of a shipped plan in a language, and any other as its plan names it; in the plural for several."""
    plain = role.replace("_", " ")
    one, many = ROLES.get(role, {}).get(language, (plain, plain if plain.endswith("s") else f"{plain}s"))
    return many if count > 1 else one


def _listed(offers: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{code} = {title}" for code, title in offers)


def sender(organisation: str, language: Language) -> str:
    """Return who asks, as a text begins with it; a long name is shortened, so that the text stays one SMS."""
    if not organisation:
        return ""
    name = shortened(organisation)
    return f"{name} : " if language == "fr" else f"{name}: "


def shortened(name: str) -> str:
    """Return a name, its end left out where it is long."""
    return name if len(name) <= LONGEST_SENDER else f"{name[: LONGEST_SENDER - 3].rstrip()}..."


def about(title: str) -> str:
    """Return the title of an incident as it follows a reason."""
    return f" ({title})" if title else ""


def reason_in_words(reason: str, detail: str, language: Language) -> str:
    """Return a reason in words; what a human wrote, or what has no words here, stays as it is."""
    kind = reason.partition(":")[0]
    known = REASONS.get(kind, {}).get(language, reason.replace("_", " "))
    complete = kind in REASONS and kind not in WITH_DETAIL
    colon = " :" if language == "fr" else ":"
    return known if complete or not detail else f"{known}{colon} {detail}"
