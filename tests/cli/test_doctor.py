"""The doctor's findings on a server, a cluster and a disk, good and bad, with their remedies."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from pydantic import HttpUrl

from dispatch.cli.addresses import write_first_keys
from dispatch.cli.doctor import configuration, database, kafka, organisations, processes, sending
from dispatch.cli.doctor.finding import Finding
from dispatch.cli.output import elapsed
from dispatch.config import Settings
from dispatch.runtime.roles import ROLES, Role, roles_in, roles_without_heartbeat, title
from dispatch.services.operations.heartbeats import GONE_AFTER, Process
from dispatch.storage.outages import EVERY, OutageRow
from producers.kafka.topics import declared
from schemas.topics import TOPICS
from tests.conftest import START

SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
SETTINGS = Settings(replication=3, min_insync=2)


def session(minutes: float | None, name: str = "pg_dump") -> dict[str, Any]:
    since = None if minutes is None else START - timedelta(minutes=minutes)
    return {"pid": 77, "application_name": name, "xact_start": since}


def described(**partition: object) -> list[dict[str, Any]]:
    """Describe the topics, the first one's first partition otherwise."""
    sound: dict[str, object] = {"leader": 1, "replicas": [1, 2, 3], "isr": [1, 2, 3]}
    first, *others = ({"topic": topic.name, "partitions": [sound]} for topic in TOPICS)
    return [
        first | {"partitions": [sound | partition, sound]},
        *others,
        {"topic": "theirs", "partitions": [{}]},
    ]


def configured(**changes: str) -> dict[str, dict[str, str]]:
    found = {topic.name: declared(topic, 2) | {"segment.bytes": "1"} for topic in TOPICS}
    found[TOPICS[0].name] |= {name.replace("_", "."): value for name, value in changes.items()}
    return found


@pytest.mark.parametrize(
    ("finding", "state", "words"),
    [
        (database.version(180006), "ok", "version 18.6"),
        (database.version(140011), "fail", "version 14.11 is too old: upgrade it to 15"),
        (database.durability(SAFE), "ok", "on disk"),
        (database.durability(SAFE | {"fsync": "off"}), "warn", "fsync is off; a power cut loses"),
        (database.connections(79, 100), "ok", "79 of 100"),
        (database.connections(80, 100), "warn", "raise max_connections"),
        (database.transactions([session(None), session(4)], START), "ok", "none"),
        (
            database.transactions([session(90), session(6, "other")], START), "warn",
            "pg_dump (process 77) has one open for 1 h 30 min; unless it is a backup, end it",
        ),
        (database.queues([]), "ok", "vacuumed"),
        (database.queues([{"relname": "outbox", "n_dead_tup": 60_000}]), "warn", "outbox has 60000 dead"),
        (processes.roles(set(ROLES)), "ok", "every role"),
        (processes.roles(set()), "fail", "none runs: `dispatch up`"),
        (processes.roles(set(ROLES[2:])), "fail", "none has the role api, reports: dispatch run api"),
        (kafka.copies(described(), SETTINGS), "ok", "3 of each partition"),
        (kafka.copies(described(isr=[1, 2]), SETTINGS), "warn", "is a broker down?"),
        (kafka.copies(described(isr=[1]), SETTINGS), "fail", "incident.reports cannot be written: fewer than 2"),
        (kafka.copies(described(leader=-1), SETTINGS), "fail", "start the brokers"),
        (kafka.copies(described(replicas=[1, 2], isr=[1, 2]), SETTINGS), "warn", "fewer than 3 copies"),
        (kafka.compared(configured(), SETTINGS), "ok", "as declared"),
        (
            kafka.compared(configured(retention_ms="1"), SETTINGS), "warn",
            "incident.reports retention.ms=1, not 604800000: kafka-configs",
        ),
        (kafka.compared({}, SETTINGS), "warn", "cleanup.policy=None, not delete"),
        (kafka.consumers({("reports", "incident.reports"): 1000}), "ok", "1 group, at most 1000"),
        (
            kafka.consumers({("reports", "incident.reports"): 1001}), "warn",
            "reports is 1001 messages behind on incident.reports: run more",
        ),
    ],
)  # fmt: skip
def test_a_finding_says_how_it_is_and_what_to_do(finding: Finding, state: str, words: str) -> None:
    assert (finding.state, words in finding.detail) == (state, True), finding


def test_who_cannot_be_sent_anything_is_named_with_since_when_why_and_what_to_do() -> None:
    (well,) = sending.examine([], START)
    assert (well.what, well.state) == ("sending", "ok")
    since = START - timedelta(minutes=3)
    found = list(
        sending.examine(
            [
                OutageRow("SDIS 67", "sms", since, "Kannel cannot be reached"),
                OutageRow("SDIS 75", EVERY, since, "nothing came so far"),
            ],
            START,
        )
    )
    assert [(one.what, one.state) for one in found] == [
        ("sending for SDIS 67", "fail"),
        ("sending for SDIS 75", "fail"),
    ]
    assert "by sms for 3 min 0 s (Kannel cannot be reached): does the gateway answer" in found[0].detail
    assert "on any channel for 3 min" in found[1].detail
    assert "does Kafka answer" in found[1].detail


@pytest.mark.parametrize(
    ("failing", "duty", "state"), [(0, 0, None), (2, 0, "warn"), (0, 1, "fail"), (3, 1, "fail")]
)
def test_contacts_that_no_message_reaches_are_counted(failing: int, duty: int, state: str | None) -> None:
    row = {"name": "SDIS 75", "duty": 2, "paused_at": None, "failing": failing, "duty_failing": duty}
    found = [one for one in organisations.examine([row]) if one.what == "contacts of SDIS 75"]
    assert [one.state for one in found] == ([state] if state else [])


@pytest.mark.parametrize("alarm_phone", [None, "+33388000000"])
def test_an_empty_duty_order_is_a_failure_with_or_without_an_alarm_phone(alarm_phone: str | None) -> None:
    row = {
        "name": "SDIS 75", "duty": 0, "alarm_phone": alarm_phone, "paused_at": None, "failing": 0,
        "duty_failing": 0,
    }  # fmt: skip
    (found,) = organisations.examine([row])
    assert (found.state, "only the alarm phone" in found.detail) == ("fail", alarm_phone is not None)


@pytest.mark.parametrize(("hour", "state"), [(15, "ok"), (16, "warn")])
def test_how_often_each_contact_is_texted_is_shown_and_too_often_is_a_warning(hour: int, state: str) -> None:
    rates = [
        {"organisation": "SDIS 75", "contact": "Anne Weber", "ten_minutes": 2, "hour": hour},
        {"organisation": "SDIS 75", "contact": "Paul Klein", "ten_minutes": 0, "hour": 1},
    ]
    (found,) = organisations.paging(rates)
    assert (found.what, found.state) == ("pages of SDIS 75", state)
    assert f"Anne Weber 2 / {hour}, Paul Klein 0 / 1" in found.detail


def test_a_gateway_that_could_not_report_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(public_url=HttpUrl("https://renfort.example"))
    monkeypatch.setenv("DISPATCH_KANNEL_URL", "http://kannel")
    assert configuration.gateway(settings).state == "fail"
    monkeypatch.setenv("DISPATCH_KANNEL_KEY", "rk_1")
    found = configuration.gateway(settings)
    assert (found.state, found.detail) == ("ok", "kannel (sms), links to https://renfort.example")


@pytest.mark.parametrize(
    ("url", "state"),
    [("http://renfort.example", "warn"), ("https://renfort.example", "ok"), ("http://127.0.0.1:8080", "ok")],
)
def test_links_that_pass_the_network_in_clear_are_warned_of(
    monkeypatch: pytest.MonkeyPatch, url: str, state: str
) -> None:
    monkeypatch.setenv("DISPATCH_KANNEL_URL", "http://kannel")
    monkeypatch.setenv("DISPATCH_KANNEL_KEY", "rk_1")
    found = configuration.gateway(Settings(public_url=HttpUrl(url)))
    assert found.state == state
    assert ("set DISPATCH_PUBLIC_URL to https://" in found.detail) == (state == "warn")


def test_first_keys_that_were_not_stored_elsewhere_are_named(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert configuration.first_keys(settings) == []
    path = write_first_keys(tmp_path, {"roster": "rk_1"})
    (found,) = configuration.first_keys(settings)
    assert (found.state, str(path) in found.detail) == ("warn", True)


class Usage(NamedTuple):
    total: float
    used: float
    free: float


@pytest.mark.parametrize(("free", "state"), [(5e9, "ok"), (4.9e9, "warn"), (0.4e9, "fail")])
def test_a_disk_is_reported_before_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, state: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1e11, 1e11 - free, free))
    assert configuration.disk(Settings(data=tmp_path)).state == state


def test_every_set_of_roles_fits_into_the_name_of_a_process_and_is_read_back() -> None:
    sets: list[tuple[Role, ...]] = [some for n in range(1, len(ROLES) + 1) for some in combinations(ROLES, n)]
    assert [some for some in sets if roles_in(title(some)) != set(some)] == []
    assert max(len(title(some).encode()) for some in sets) < 64
    assert all(not roles_without_heartbeat(title(some)) for some in sets)


def process(
    pid: int,
    *roles: Role,
    host: str = "a",
    version: str = "0.2.0",
    seen_s: float = 0,
    started_s: float = 3600,
) -> Process:
    """Describe a process that was seen and was started so many seconds before the start of the test."""
    started, seen = START - timedelta(seconds=started_s), START - timedelta(seconds=seen_s)
    return Process(uuid4(), host, pid, list(roles or ROLES), version, 1, started, seen)


GONE_S = GONE_AFTER.total_seconds() + 1
EARLIER = [f"renfort: all -{ROLES[0]}", f"renfort: {ROLES[0]}", "renfort relay", "psql"]
"""The names of two processes of release 0.1.0, and of other sessions."""


def examined(recorded: Sequence[Process], applications: Sequence[str] = ()) -> dict[str, tuple[str, str]]:
    return {f.what: (f.state, f.detail) for f in processes.examine(recorded, applications, START)}


def test_roles_are_counted_from_the_table_and_from_the_sessions_of_the_previous_release() -> None:
    assert examined([process(1)])["processes"][0] == "ok"
    assert examined([], EARLIER)["processes"][0] == "ok"
    assert examined([process(1, ROLES[0])], EARLIER[:1])["processes"][0] == "ok"
    assert examined([], ["renfort-cli", "renfort relay", "psql"])["processes"][0] == "fail"


def test_a_process_that_is_not_seen_any_more_has_no_role_whatever_its_sessions() -> None:
    found = examined([process(7, "api", seen_s=GONE_S, host="b")], [title(ROLES)])
    assert found["processes"] == ("fail", "none runs: `dispatch up`, or `dispatch run` for each role")
    assert found["heartbeats"][0] == "warn"
    assert "b (process 7) with api, not seen for 31 s" in found["heartbeats"][1]


def test_processes_of_two_hosts_with_the_same_pid_are_distinguished() -> None:
    found = examined([process(1, host="a"), process(1, host="b", seen_s=GONE_S)])
    assert (found["processes"][0], found["heartbeats"][0]) == ("ok", "warn")
    assert "b (process 1)" in found["heartbeats"][1]
    assert "a (process 1)" not in found["heartbeats"][1]


def test_a_process_that_seems_to_be_seen_in_the_future_is_alive() -> None:
    assert examined([process(1, seen_s=-3600)])["heartbeats"] == ("ok", "no process has disappeared")


def test_a_process_that_a_later_one_replaced_is_not_reported_as_gone() -> None:
    twice_killed = [
        process(1, seen_s=900, started_s=1000),
        process(2, seen_s=600, started_s=800),
        process(3, started_s=500),
    ]
    assert examined(twice_killed)["heartbeats"][0] == "ok"
    both_killed = [
        process(1, seen_s=900, started_s=1001),
        process(2, seen_s=900, started_s=1000),
        process(3, started_s=500),
    ]
    assert "(process 2)" in examined(both_killed)["heartbeats"][1]
    assert (
        examined([process(1, "api", seen_s=900), process(2, "relay", started_s=5)])["heartbeats"][0] == "warn"
    )


def test_versions_that_differ_are_named_with_their_places() -> None:
    assert examined([process(1), process(2)])["versions"] == ("ok", "0.2.0, generation 1")
    state, detail = examined([process(1), process(2, version="0.3.0")], EARLIER)["versions"]
    assert state == "warn"
    assert "an earlier release: without heartbeats; 0.2.0, generation 1: a (process 1); 0.3.0" in detail


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.9, "59 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"), (90_000, "1 d 1 h")],
)
def test_a_duration_is_shown_in_two_units(seconds: float, words: str) -> None:
    assert elapsed(timedelta(seconds=seconds)) == words


def test_a_partition_that_waits_for_a_newer_version_is_named_with_its_process() -> None:
    place = "incident.events, partition 3, offset 17 (consumer incidents)"
    state, detail = examined([replace(process(1), waiting=[place]), process(2)])["partitions"]
    assert state == "warn"
    assert place in detail
    assert "a" in detail.partition(place)[2]
    assert examined([process(1)])["partitions"][0] == "ok"
