"""The retention table: what is stored, how long, and why. Erasure and the documentation follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.topics import HORIZON_DAYS, INBOX_DAYS

ROLL_DAYS = 2
"""Days by which a topic may retain a message longer than its retention."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """The retention of some tables: `days` after `since`, or until the event that `since` names."""

    tables: tuple[str, ...]
    holds: str
    since: str
    ground: str
    days: int | None = None
    least: int = 0
    most: int = 0

    @property
    def name(self) -> str:
        """Return the name that settings and commands use: the first table."""
        return self.tables[0]


RULES: tuple[RetentionRule, ...] = (
    RetentionRule(
        ("people", "addresses"), "phone of a volunteer; name and birth date for processes of 0.1.0",
        "until the person leaves the last roster", "to call those who consented",
    ),
    RetentionRule(
        ("volunteers", "memberships", "skills"),
        "pseudonym; what each organisation knows: name, birth date, skills, consent, availability, station, STOP",
        "until the person leaves the roster", "to ask those who are able and allowed",
    ),
    RetentionRule(
        ("lists", "list_members", "apart"),
        "by pseudonym: who is on which list of an organisation, and who must not meet whom",
        "until the list or pair is deleted, or the person leaves the roster",
        "to ask those who were approved, and to keep people apart",
    ),
    RetentionRule(
        ("muster_points",), "stations and other places where people gather, by name",
        "until a supervisor removes them", "to send people to a place that they know",
    ),
    RetentionRule(
        ("former_memberships", "member_secret"),
        "the ids of ended memberships, by pseudonym, and the secret that names older ones; nothing personal",
        "for ever: incidents of that time name people by them", "to show the history under the ids of its time",
    ),
    RetentionRule(
        ("candidates",), "where to search for a volunteer, birth date, skills, consent, last offers and rest",
        "until the person leaves the roster", "one row answers a search; it repeats other tables",
    ),
    RetentionRule(
        ("positions", "member_positions"),
        "a volunteer's home, work place and live position, as each organisation knows them",
        "after it was received; home and work until the person leaves the roster", "to ask the nearest",
        days=1, least=1, most=7,
    ),
    RetentionRule(
        ("duty_contacts",), "name and phone of those on duty",
        "until the next `dispatch duty set`", "to notify supervisors",
    ),
    RetentionRule(
        ("acting_contacts",), "name of a duty contact who acted by text",
        "after their last act", "to name whoever acknowledged or took over; the journal has a reference",
        days=365, least=30, most=3650,
    ),
    RetentionRule(
        ("report_texts",), "a report's description: free text about callers and victims",
        "after its incident ended; without an incident, after its receipt", "the incident, then its review",
        days=30, least=1, most=365,
    ),
    RetentionRule(
        ("inbound_texts",), "texts as received, with the phone that sent them",
        "after its receipt, or with the person", "to check what a volunteer meant; a text sent twice counts once",
        days=30, least=7, most=365,
    ),
    RetentionRule(
        ("parking",), "messages that could not be handled, with their bytes until they are resolved",
        "after it was retried or discarded; never before",
        "to repair and retry them; the same bytes are parked once",
        days=30, least=HORIZON_DAYS + ROLL_DAYS, most=365,
    ),
    RetentionRule(
        ("rounds",), "the reasons why each volunteer was or was not asked, by pseudonym",
        "after its incident ended", "to justify every selection", days=365, least=30, most=3650,
    ),
    RetentionRule(
        ("messages",), "recipient, purpose, status and times of each message; never the text",
        "after its incident ended", "to show who was notified", days=90, least=7, most=3650,
    ),
    RetentionRule(
        ("replies",), "answers, by pseudonym",
        "after its incident ended", "to show who answered; the journal has them too",
        days=90, least=7, most=3650,
    ),
    RetentionRule(
        ("tokens",), "hashes of the links in messages",
        "after its incident ended, when the links are no longer valid", "to open a volunteer's page",
        days=1, least=1, most=30,
    ),
    RetentionRule(
        ("idempotency_keys",), "responses to requests that may be sent again",
        "after the first request", "a request sent twice is executed once", days=1, least=1, most=30,
    ),
    RetentionRule(
        ("api_keys",), "hashes of API keys, with their holders",
        "after it was revoked", "to know who held which key", days=365, least=30, most=3650,
    ),
    RetentionRule(
        ("inbox",), "the events that each consumer has handled",
        "after it was handled; longer than any topic retains it", "an event delivered twice counts once",
        days=INBOX_DAYS, least=HORIZON_DAYS + ROLL_DAYS, most=365,
    ),
    RetentionRule(
        ("processes",), "the running processes: host, roles, version",
        "after it was last seen; one that stops deletes its row", "to report the processes that are gone",
        days=1, least=1, most=30,
    ),
    RetentionRule(
        ("outages",), "channels on which nothing is sent", "until something is sent", "nobody is asked in vain",
    ),
    RetentionRule(("outbox",), "events to be published", "until Kafka has them", "an accepted event is not lost"),
    RetentionRule(("agenda",), "actions that are due", "until they are done", "no due action is lost"),
    RetentionRule(
        ("journal",), "every event, by pseudonym; nothing personal",
        "for ever: a gap would break the chain", "the proof of what happened, and the source of the tables",
    ),
    RetentionRule(
        ("incidents", "reports", "seats", "offers", "assignments", "recalls", "escalations", "plans"),
        "the state that follows from the journal",
        "as long as the journal: they can be rebuilt from it", "to read it, and to compare it with the journal",
    ),
    RetentionRule(
        ("organisations", "clusters", "epochs", "migrations", "retention_runs", "drills"),
        "the installation itself", "as long as the installation", "it does not work without them",
    ),
)  # fmt: skip
EXPIRING = tuple(rule for rule in RULES if rule.days is not None)
"""The rules under which rows are erased after a period."""


def periods(changes: str = "") -> dict[str, int]:
    """Return the retention of each expiring table in days, with changes written as `name=days,name=days`.

    Raises ValueError for a name without a period, and for a period outside its bounds.
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


def cutoffs(days_by_table: Mapping[str, int], now: datetime) -> dict[str, datetime]:
    """Return, for each expiring table, the moment before which rows are to be erased."""
    return {name: now - timedelta(days=days) for name, days in days_by_table.items()}
