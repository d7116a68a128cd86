"""The events of an incident as sentences, with local times and names."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dispatch.cli.account.words import EVENTS, GATES, LABELS, OUTCOMES, PICKED, REASONS, Words
from dispatch.cli.terminal import one_line
from dispatch.domain.actors import RENFORT
from dispatch.domain.messaging.texts import reason_in_words, role_in_words
from dispatch.domain.places.whereabouts import distance_in_words
from dispatch.domain.scheduling.local_time import local, written
from dispatch.services.console.history import Moment
from schemas.base import Window
from schemas.ids import short
from schemas.reports import SentWindow
from schemas.volunteers import Language

TIMES = ("expires_at", "retry_at", "eta_at", "until", "lapses_at", "should_end_at")
DISTANCES = ("radius_m", "distance_m")


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells of an incident in a language and a time zone; knows its people, and the reasons of its escalations."""

    zone: str
    language: Language
    people: Mapping[UUID, str]
    reasons: Mapping[str, tuple[str, str]]

    def label(self, key: str, /, **fields: object) -> str:
        """Return a label."""
        return LABELS[key][self.language].format(**fields)

    def time(self, moment: datetime | str) -> str:
        """Return a time of day."""
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        return written(local(at, self.zone), "%H:%M:%S", self.language)

    def day(self, moment: datetime) -> str:
        """Return a time with its day."""
        return written(local(moment, self.zone), "%Y-%m-%d %H:%M:%S", self.language)

    def window(self, window: Window | SentWindow) -> str:
        """Return when people are needed, with its days."""
        return f"{self.day(window.starts_at)} - {self.day(window.ends_at)}"

    def name(self, volunteer: object) -> str:
        """Return a volunteer's name, the start of the pseudonym of one who was erased."""
        id_ = UUID(str(volunteer))
        return one_line(self.people.get(id_, short(id_)))

    def distance(self, metres: float) -> str:
        """Return a distance."""
        return distance_in_words(round(metres), self.language)

    def word(self, words: Words, key: str) -> str:
        """Return a word from a table; what it does not have, as it is written."""
        return words[key][self.language] if key in words else one_line(key.replace("_", " "))

    def role(self, role: str) -> str:
        """Return a role."""
        return one_line(role_in_words(role, self.language))

    def gates(self, words: str | list[str]) -> str:
        """Return why somebody was not asked."""
        return words if isinstance(words, str) else ", ".join(self.word(GATES, word) for word in words)

    def place(self, picked: Mapping[str, Any]) -> str:
        """Return somebody's place in an order; empty where the nearest were simply asked."""
        if "place" not in picked:
            return ""
        why = self.word(PICKED, picked["why"])
        return self.label("place", why=why, place=picked["place"], of=picked["of"])

    def counts(self, words: Mapping[str, int]) -> str:
        """Return numbers of people by gate; who is shut out by two gates is in both."""
        return ", ".join(
            self.label("pair", key=self.word(GATES, word), value=number)
            for word, number in sorted(words.items())
        )

    def ended_as(self, outcome: str | None) -> str:
        """Return how an incident ended, as it follows other words; nothing where it is not known."""
        return self.label("ended_as", outcome=self.word(OUTCOMES, outcome)) if outcome else ""

    def sentence(self, moment: Moment) -> str:
        """Return an event as a sentence."""
        if moment.detail.get("unreadable"):
            return EVENTS["unreadable"][self.language]
        if moment.what == "incident.widened" and moment.detail.get("muster"):
            return EVENTS["station.next"][self.language].format(**self._fields(moment.detail))
        if moment.what not in EVENTS:
            return one_line(moment.what.replace(".", " ").replace("_", " "))
        return EVENTS[moment.what][self.language].format(**self._fields(moment.detail))

    def _fields(self, detail: Mapping[str, Any]) -> dict[str, str]:
        """Return what sentences name, in words; each is there, so that an event of an older version is told too."""
        fields = dict.fromkeys((*TIMES, *DISTANCES, "found", "wanted", "level", "plan"), "") | {
            key: one_line(str(value)) for key, value in detail.items()
        }
        fields |= {key: self.time(detail[key]) for key in TIMES if detail.get(key)}
        fields |= {key: self.distance(detail[key]) for key in DISTANCES if detail.get(key) is not None}
        reason = str(detail.get("reason", ""))
        return fields | {
            "who": self.name(detail["volunteer_id"]) if "volunteer_id" in detail else "",
            "by": self._actor(str(detail.get("by", ""))),
            "added": self._added(detail.get("seats", ())),
            "role": self.role(str(detail.get("role", ""))),
            "reason": self.word(REASONS, reason),
            "outcome": self.word(REASONS, str(detail.get("outcome", ""))),
            "ended_as": self.ended_as(detail.get("outcome")),
            "why": f" ({one_line(reason.replace('_', ' '))})" if reason else "",
            "at": f", {one_line(detail['muster'])}" if detail.get("muster") else "",
            "reserve": self.label("in_reserve") if detail.get("reserve") else "",
            "paged": self.label("paged") if detail.get("page") else "",
            "shut": self.label("shut", why=self.counts(detail["shut"])) if detail.get("shut") else "",
            "about": self._about(detail),
            "window": self.window(Window.model_validate(detail["window"])) if detail.get("window") else "",
        }

    def _added(self, seats: Sequence[Mapping[str, Any]]) -> str:
        roles = Counter(seat["role"] for seat in seats)
        return ", ".join(f"{count} {self.role(role)}" for role, count in roles.items())

    def _actor(self, by: str) -> str:
        return "Renfort" if by == RENFORT else one_line(by)

    def _about(self, detail: Mapping[str, Any]) -> str:
        """Return why something was escalated: the event that raised it says so, the others name it."""
        known = self.reasons.get(str(detail.get("escalation_id")), ("", ""))
        raised = "reason" in detail and "level" in detail
        reason, words = (detail["reason"], detail.get("detail", "")) if raised else known
        return one_line(reason_in_words(reason, words, self.language)) if reason else ""
