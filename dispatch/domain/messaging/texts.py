"""What people are told: which sentences, filled in with what."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dispatch.domain.messaging.gsm import fold
from dispatch.domain.messaging.wording import REASONS, SENTENCES, WITH_DETAIL
from schemas.notifications import Purpose
from schemas.volunteers import Language


@dataclass(frozen=True, slots=True)
class Saying:
    """Everything that a text may mention; `pending` are the offers that an unclear answer may mean."""

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


def render(saying: Saying) -> str:
    """Write the text of a message, in seven-bit letters where its script allows it."""
    words = {key: text[saying.language] for key, text in SENTENCES.items()}
    sentences = [words[key] for key in _sentences(saying)]
    mark = words["drill"] if saying.drill else ""
    return fold(f"{mark}{' '.join(sentences)}".format_map(_fields(saying)).strip())


def until(expires_at: datetime, zone: str, now: datetime) -> str:
    """Give a moment on the reader's clock, as exact as they need it."""
    here, today = expires_at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    if here.date() != today:
        return here.strftime("%d/%m %H:%M")
    return here.strftime("%H:%M:%S" if (expires_at - now).total_seconds() < 600 else "%H:%M")  # noqa: PLR2004


def distance(metres: int, language: Language) -> str:
    """Give a distance as people say it."""
    if metres < 1000:  # noqa: PLR2004
        return f"{max(50, round(metres / 50) * 50)} m"
    kilometres = f"{metres / 1000:.1f} km"
    return kilometres.replace(".", ",") if language == "fr" else kilometres


def _sentences(saying: Saying) -> list[str]:
    """Name the sentences that make the text."""
    match saying.purpose:
        case "assigned":
            return (["late_taken"] if saying.late else []) + [_assigned(saying)]
        case "held" | "aborted":
            return [saying.purpose] + (["seen"] if saying.code else [])
        case "resumed" if not (saying.assigned or saying.informs):
            return ["resumed_offer"]
        case "ask_back":
            return [f"ask_back_{min(len(saying.pending), 2)}"]
    return [_manner(saying.purpose, saying)]


def _assigned(saying: Saying) -> str:
    if saying.informs:
        return "assigned_informs"
    if saying.held:
        return "assigned_held"
    return "assigned_reserve" if saying.reserve else _manner("assigned", saying)


def _manner(key: str, saying: Saying) -> str:
    """Choose the wording for those who are only informed, or for a crew, where there is one."""
    special = f"{key}_informs" if saying.informs else f"{key}_crew" if saying.crew else key
    return special if special in SENTENCES else key


def _fields(saying: Saying) -> dict[str, str]:
    return {
        "title": saying.title,
        "distance": distance(saying.distance_m, saying.language),
        "until": saying.until,
        "code": saying.code,
        "link": saying.link,
        "level": str(saying.level),
        "why": _why(saying),
        "about": f" ({saying.title})" if saying.title else "",
        "pending": ", ".join(f"{code} = {title}" for code, title in saying.pending),
        "one": saying.pending[0][0] if saying.pending else "",
    }


def _why(saying: Saying) -> str:
    """Say a reason in words; what a human wrote, or what has no words here, is passed on as it is."""
    kind = saying.reason.partition(":")[0]
    known = REASONS.get(kind, {}).get(saying.language, saying.reason.replace("_", " "))
    told = kind in REASONS and kind not in WITH_DETAIL
    return known if told or not saying.detail else f"{known}: {saying.detail}"
