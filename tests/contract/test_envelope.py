"""The envelope: written headers are read back unchanged, and no bytes whatever stop a reader."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decoding import LARGEST_BODY, TOMBSTONE, UNKNOWN_VERSION, Received, Unreadable, decode
from schemas.envelope import SOURCE, pack, unpack
from schemas.ids import named
from schemas.incidents import IncidentCovered
from schemas.topics import TOPICS
from tests.support.plain_journal import Envelope, headers

NOW = datetime(2026, 11, 22, 20, 0, 0, 123456, tzinfo=UTC)
ORGANISATION = UUID("11111111-1111-4111-8111-111111111111")
INCIDENT = named("incident", 1)
FROM_OUTSIDE = {
    "ce_specversion": b"1.0",
    "ce_id": b"7",
    "ce_source": b"town-hall",
    "ce_type": b"report.received.v1",
    "ce_organisation": str(ORGANISATION).encode(),
}
REPORT = {
    "at": "2026-11-22T21:00:00+01:00",
    "source": "town-hall",
    "source_id": "A-7",
    "kind": "fire.building",
}


def report(body: object = REPORT, **changed: bytes | None) -> Received | Unreadable | None:
    """Decode a report from outside with some of its headers changed; None leaves one out."""
    merged = {**FROM_OUTSIDE, **changed}
    pairs = [(name.replace("content_type", "content-type"), value) for name, value in merged.items()]
    raw = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
    return decode("incident.reports", b"k", [pair for pair in pairs if pair[1] is not None], raw)


def reason(result: Received | Unreadable | None) -> str:
    assert isinstance(result, Unreadable)
    return result.reason


def test_what_is_written_is_read_back() -> None:
    envelope = Envelope(
        named("event"), IncidentCovered.type, SOURCE, "clé", ORGANISATION, "exercise", 7, NOW, NOW, NOW
    )
    event = IncidentCovered(at=NOW, incident_id=INCIDENT)
    received = decode("incident.events", b"k", headers(envelope), event.model_dump_json().encode())
    assert isinstance(received, Received)
    assert received.data == event
    assert received.ours
    assert (received.event_id, received.organisation, received.mode) == (
        named("event"),
        ORGANISATION,
        "exercise",
    )
    assert (received.sequence, received.occurred_at, received.received_at) == (7, NOW, NOW)


def test_any_header_survives_being_stored() -> None:
    every_byte = bytes(range(256))
    assert unpack(pack([("a", every_byte), ("b", None)])) == [("a", every_byte), ("b", b"")]


def test_a_report_from_outside_needs_few_headers() -> None:
    received = report()
    assert isinstance(received, Received)
    assert received.event_id == named("town-hall", "7")
    assert not received.ours
    assert received.occurred_at == received.received_at == datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
    assert (received.mode, received.sequence) == ("actual", 0)


def test_the_id_of_another_source_never_becomes_ours() -> None:
    ours = str(named("event")).encode()
    received = report(ce_id=ours)
    assert isinstance(received, Received)
    assert received.event_id == named("town-hall", ours.decode())


@pytest.mark.parametrize("name", FROM_OUTSIDE)
def test_a_missing_header_is_named(name: str) -> None:
    assert reason(report(**{name: None})) == f"the header {name} is missing"
    assert reason(report(**{name: b""})) == f"the header {name} is missing"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"ce_specversion": b"0.3"}, "ce_specversion is not 1.0"),
        ({"ce_id": b"\xff"}, "the header ce_id is not UTF-8"),
        ({"ce_source": b"a\x00b"}, "the header ce_source is too long or not printable"),
        ({"ce_source": b"a" * 300}, "the header ce_source is too long or not printable"),
        ({"ce_organisation": b"us"}, "ce_organisation is not a UUID"),
        ({"ce_mode": b"real"}, "ce_mode is not actual, exercise, test or draft"),
        ({"ce_mode": b"exercise"}, "ce_mode and mode disagree"),
        ({"ce_time": b"2026-11-22T20:00:00"}, "ce_time is not a time with its zone"),
        ({"ce_time": b"0001-01-01T00:00:00+14:00"}, "ce_time is not a time with its zone"),
        ({"ce_sequence": b"-1"}, "ce_sequence is not a number of at most 20 digits"),
        ({"ce_sequence": b"9" * 200}, "ce_sequence is not a number of at most 20 digits"),
        ({"content_type": b"application/cloudevents+json"}, "the content type is not application/json"),
        ({"ce_type": b"report.received.v3"}, UNKNOWN_VERSION),
        ({"ce_type": b"report.recieved.v1"}, "the type is not known on this topic"),
        ({"ce_type": b"incident.opened.v1"}, "the type is not known on this topic"),
        ({"ce_type": b"report"}, "the type is not known on this topic"),
    ],
)
def test_an_invalid_header_is_named_in_the_reason(changed: dict[str, bytes], why: str) -> None:
    assert reason(report(**changed)) == why


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "the body is missing"),
        (b"", "the body: json invalid"),
        (b"\xff\xfe", "the body: json invalid"),
        (b"[" * LARGEST_BODY, "the body: json invalid"),
        (b" " * (LARGEST_BODY + 1), f"the body is larger than {LARGEST_BODY} bytes"),
        ([], "the body: model type"),
        ({**REPORT, "caller_name": "Marie Curie"}, "caller_name: extra forbidden"),
        ({**REPORT, "Marie\nCurie": 1}, "?: extra forbidden"),
        ({**REPORT, "position": {"lat": 91, "lon": 2}}, "position.lat: less than equal"),
        ({**REPORT, "at": "2026-11-22T20:00:00"}, "at: timezone aware"),
        ({name: value for name, value in REPORT.items() if name != "kind"}, "kind: missing"),
    ],
)
def test_the_reason_for_an_invalid_body_names_the_field_without_its_value(body: object, why: str) -> None:
    assert reason(report(body)) == why


def test_an_unreadable_record_retains_its_bytes_and_a_source_fit_to_show() -> None:
    result = report(b"\x00{", ce_source=b"caf\xc3\xa9\x00", ce_type=b"\xff")
    assert isinstance(result, Unreadable)
    assert (result.source, result.organisation, result.body) == ("?", ORGANISATION, b"\x00{")
    assert ("ce_type", b"\xff") in unpack(result.headers)


def test_a_new_type_of_ours_is_no_error() -> None:
    envelope = Envelope(
        named("event"), "incident.renamed.v1", SOURCE, "k", ORGANISATION, "actual", 1, NOW, NOW, NOW
    )
    received = decode("incident.events", b"k", headers(envelope), b"{}")
    assert isinstance(received, Received)
    assert received.data is None


def test_a_new_version_of_a_known_type_is_reported_as_such() -> None:
    envelope = Envelope(
        named("event"), "incident.opened.v3", SOURCE, "k", ORGANISATION, "actual", 1, NOW, NOW, NOW
    )
    assert reason(decode("incident.events", b"k", headers(envelope), b"{}")) == UNKNOWN_VERSION


@pytest.mark.parametrize("depth", [250, 300, 1000])
def test_an_old_event_that_is_nested_too_deeply_to_be_rewritten_is_unreadable(depth: int) -> None:
    golden = json.loads((Path(__file__).parent / "golden" / "incident.opened.v1.json").read_text("utf-8"))
    pairs = [(name, value.encode()) for name, value in golden["headers"].items()]
    body = orjson.dumps(golden["body"])[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}"
    assert isinstance(decode(golden["topic"], b"key", pairs, body), Unreadable)


def test_a_tombstone_is_read_where_positions_end_and_nothing_elsewhere() -> None:
    ended = decode("volunteer.positions", b"v", [], None)
    assert isinstance(ended, Received)
    assert (ended.type, ended.key, ended.data) == (TOMBSTONE, b"v", None)
    assert isinstance(decode("incident.events", b"k", [], None), Unreadable)


names = st.sampled_from(
    [*FROM_OUTSIDE, "ce_time", "ce_mode", "ce_sequence", "ce_receivedtime", "content-type"]
)
values = st.none() | st.binary(max_size=40) | st.sampled_from([*FROM_OUTSIDE.values(), b"renfort", b"actual"])
values_of_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*REPORT]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    topic=st.sampled_from([topic.name for topic in TOPICS]),
    key=st.none() | st.binary(max_size=8),
    extra=st.lists(st.tuples(names | st.text(max_size=5), values), max_size=6),
    body=st.none() | st.binary(max_size=50) | values_of_json.map(lambda value: json.dumps(value).encode()),
)
def test_no_bytes_stop_a_reader(
    topic: str, key: bytes | None, extra: list[tuple[str, bytes | None]], body: bytes | None
) -> None:
    result = decode(topic, key, [*FROM_OUTSIDE.items(), *extra], body)
    assert isinstance(result, Received | Unreadable)
