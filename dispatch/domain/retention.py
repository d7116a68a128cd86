"""The one table of what is stored, how long, and why: the keeper erases by it, and the documentation shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.topics import HORIZON_DAYS, INBOX_DAYS

ROLL_DAYS = 2
"""A topic may keep a message so much longer than it promises."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How long some tables are kept: `days` after `since`, or until something else ends them."""

    tables: tuple[str, ...]
    holds: str
    since: str
    ground: str
    days: int | None = None
    least: int = 0
    most: int = 0

    @property
    def name(self) -> str:
        """Name the rule as settings and commands do: by its first table."""
        return self.tables[0]


RULES: tuple[Rule, ...] = (
    Rule(
        ("people", "addresses"), "name, birth date and phone of a volunteer",
        "until the person is erased", "to call those who consented",
    ),
    Rule(
        ("volunteers", "memberships", "skills"), "pseudonym, skills, consent, availability",
        "until the person leaves the roster", "to ask those who can and may",
    ),
    Rule(
        ("positions",), "where a volunteer lives, works, or is",
        "after it was heard; home and work as long as the person", "to ask the nearest",
        days=1, least=1, most=7,
    ),
    Rule(
        ("duty_contacts",), "name and phone of those on duty",
        "until the next `dispatch duty set`", "to tell supervisors",
    ),
    Rule(
        ("report_texts",), "a report's description: free text about callers and victims",
        "after its incident ended; without an incident, after it came", "the incident, then its review",
        days=30, least=1, most=365,
    ),
    Rule(
        ("inbound_texts",), "texts as received, with the phone that sent them",
        "after it came, or with the person", "to see what somebody meant; a text sent twice counts once",
        days=30, least=7, most=365,
    ),
    Rule(
        ("parking",), "what could not be understood, with its bytes until it is settled",
        "after somebody retried or discarded it; never before",
        "to repair what was lost; the same bytes are parked once",
        days=30, least=HORIZON_DAYS + ROLL_DAYS, most=365,
    ),
    Rule(
        ("rounds",), "why each volunteer was or was not asked, by pseudonym",
        "after its incident ended", "to answer for every choice", days=365, least=30, most=3650,
    ),
    Rule(
        ("messages",), "who was told what about, and when; never the text",
        "after its incident ended", "to show who was told", days=90, least=7, most=3650,
    ),
    Rule(
        ("replies",), "answers, by pseudonym",
        "after its incident ended", "to show who answered; the journal has them too",
        days=90, least=7, most=3650,
    ),
    Rule(
        ("tokens",), "hashes of the links in messages",
        "after its incident ended, when they open nothing any more", "to open a volunteer's page",
        days=1, least=1, most=30,
    ),
    Rule(
        ("idempotency_keys",), "answers to requests that may be sent again",
        "after the first request", "a request sent twice is done once", days=1, least=1, most=30,
    ),
    Rule(
        ("api_keys",), "hashes of API keys, with their holders",
        "after it was revoked", "to know who held which key", days=365, least=30, most=3650,
    ),
    Rule(
        ("inbox",), "which events each consumer has taken in",
        "after it was taken in; longer than any topic keeps it", "an event delivered twice counts once",
        days=INBOX_DAYS, least=HORIZON_DAYS + ROLL_DAYS, most=365,
    ),
    Rule(("outbox",), "what is to be published", "until Kafka has it", "what is accepted is not lost"),
    Rule(("agenda",), "what is due", "until it is done", "nothing is forgotten"),
    Rule(
        ("journal",), "every event, by pseudonym; nothing personal",
        "for ever: a gap would break the chain", "the proof of what happened, and the source of the tables",
    ),
    Rule(
        ("incidents", "reports", "seats", "offers", "assignments", "recalls", "escalations", "plans"),
        "what the journal says, laid out",
        "as long as the journal: they can be written anew from it", "to read it, and to compare it",
    ),
    Rule(
        ("organisations", "clusters", "epochs", "migrations", "retention_runs", "drills"),
        "the installation itself", "as long as the installation", "it would not work without",
    ),
)  # fmt: skip
EXPIRING = tuple(rule for rule in RULES if rule.days is not None)
"""What the keeper erases after a time, rather than what somebody or something else does."""


def periods(changes: str = "") -> dict[str, int]:
    """Give the days that each expiring table is kept, with changes written as `name=days,name=days`.

    Raises ValueError for what has no period, and for one outside its bounds.
    """
    found = {rule.name: rule.days or 0 for rule in EXPIRING}
    bounds = {rule.name: (rule.least, rule.most) for rule in EXPIRING}
    for change in filter(None, changes.split(",")):
        name, _, days = (part.strip() for part in change.partition("="))
        if name not in bounds:
            raise ValueError(f"{name!r} has no period; there are: {', '.join(found)}")
        least, most = bounds[name]
        if not (days.isdecimal() and least <= int(days) <= most):
            raise ValueError(f"{name}={days}: must be from {least} to {most} days")
        found[name] = int(days)
    return found


def cutoffs(kept: Mapping[str, int], now: datetime) -> dict[str, datetime]:
    """Give the moment before which each expiring table holds what is to be erased."""
    return {name: now - timedelta(days=days) for name, days in kept.items()}
