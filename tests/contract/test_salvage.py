"""A life-threatening report is never refused whole: what cannot be read is cut or left out, and named."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dispatch.services.intake.salvaging import read_report
from schemas.base import Position
from schemas.decoding import Received, Unreadable, decode
from schemas.reports import ReportBody, ReportReceived
from schemas.salvage import read_object

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
BODY: dict[str, Any] = {
    "id": "call-1", "kind": "medical.cardiac_arrest", "severity": "life_threatening",
    "position": {"lat": 48.58, "lon": 7.75}, "occurred_at": "2026-11-22T19:58:00Z", "mode": "actual",
    "hazards": ["traffic"], "professional": {"requested": True, "reference": "SAMU 67-1"}, "updates": "call-0",
    "description": "on the stairs",
}  # fmt: skip
OPTIONAL = sorted(BODY.keys() - {"id", "severity"})
WORDS = st.text(st.characters(exclude_categories=()), max_size=40)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
RUBBISH = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=8) | st.dictionaries(WORDS, inner, max_size=4)
)


def read(**changes: object) -> tuple[ReportBody, tuple[str, ...]]:
    body, salvaged = read_report(BODY | changes, NOW)
    return body, salvaged.dropped if salvaged else ()


@given(st.sampled_from(OPTIONAL), RUBBISH)
def test_rubbish_in_an_optional_field_costs_at_most_that_field(field: str, rubbish: object) -> None:
    body, dropped = read(**{field: rubbish})
    assert set(dropped) <= {field}
    whole, _ = read()
    assert all(getattr(body, name) == getattr(whole, name) for name in BODY.keys() - {field})
    assert body.model_dump_json().encode()


@given(st.dictionaries(WORDS, RUBBISH, max_size=3), st.dictionaries(st.sampled_from(OPTIONAL), RUBBISH))
def test_neither_unknown_fields_nor_several_faults_refuse_it(
    unknown: dict[str, object], rubbish: dict[str, object]
) -> None:
    body, dropped = read(**{name: value for name, value in unknown.items() if name not in BODY}, **rubbish)
    assert (body.id, body.severity) == ("call-1", "life_threatening")
    # A name found by chance may be one that this body does not use.
    assert set(dropped) <= {*rubbish, *unknown, "unknown_field"}


@pytest.mark.parametrize(
    ("changes", "expected", "dropped"),
    [
        ({"description": "x" * 2001}, {"description": "x" * 1999 + "…"}, ("description",)),
        ({"description": "half \ud83d"}, {"description": "half \ufffd"}, ("description",)),
        ({"description": 112}, {"description": "112"}, ("description",)),
        ({"hazards": ["bees", "fire"]}, {"hazards": ("fire",)}, ("hazards",)),
        ({"hazards": ["Arme à feu", "Electricité"]}, {"hazards": ("weapon", "electricity")}, ("hazards",)),
        ({"hazards": "FIRE"}, {"hazards": ("fire",)}, ("hazards",)),
        ({"hazards": ["fire"] * 9}, {"hazards": ("fire",)}, ("hazards",)),
        ({"occurred_at": "yesterday"}, {"occurred_at": NOW}, ("occurred_at",)),
        ({"occurred_at": None}, {"occurred_at": NOW}, ("occurred_at",)),
        ({"position": {"lat": 98, "lon": 7}}, {"position": None}, ("position",)),
        ({"position": "48,58; 7,75"}, {"position": Position(lat=48.58, lon=7.75)}, ("position",)),
        (
            {"position": {"lat": "48,58", "lon": 7.75}},
            {"position": Position(lat=48.58, lon=7.75)},
            ("position",),
        ),
        ({"position": "near the church"}, {"position": None}, ("position",)),
        ({"mode": "real"}, {"mode": "actual"}, ("mode",)),
        ({"updates": "n°7"}, {"updates": "n%C2%B07"}, ("updates",)),
        ({"kind": " Medical.Cardiac_Arrest"}, {"kind": "medical.cardiac_arrest"}, ("kind",)),
        ({"kind": "Madame Martin"}, {"kind": "unknown"}, ("kind",)),
        ({"id": 4711}, {"id": "4711"}, ("id",)),
        ({"id": "appel n°12"}, {"id": "appel n%C2%B012"}, ("id",)),
        ({"caller_phone": "not a phone", "Madame Martin": 1}, {}, ("unknown_field",)),
    ],
)
def test_each_field_keeps_what_is_beyond_doubt(
    changes: dict[str, Any], expected: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    body, found = read(**changes)
    assert {name: getattr(body, name) for name in expected} == expected
    assert found == dropped


@pytest.mark.parametrize(
    ("reference", "kept"),
    [("SAMU#67/1", "SAMU-67/1"), ("n° 12", "n- 12"), (67, "67"), ("<script>", None), ("7" * 101, None)],
)
def test_an_odd_reference_keeps_its_number_and_that_professionals_were_called(
    reference: object, kept: str | None
) -> None:
    body, dropped = read(professional={"requested": True, "reference": reference, "phone": "0"})
    assert (body.professional.requested, body.professional.reference) == (True, kept)
    assert dropped == ("professional",)


def test_a_long_id_stays_the_same_id_and_two_long_ids_stay_two() -> None:
    first, second = "x" * 300 + "1", "x" * 300 + "2"
    ids = [read(id=name)[0].id for name in (first, second, first)]
    assert ids[0] == ids[2] != ids[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": "grave"}, {"severity": "urgent"}, {"severity": None}, {"severity": "Life threatening"},
        {"id": ""}, {"id": None}, {"id": ["call-1"]}, {"id": True},
    ],
)  # fmt: skip
def test_without_an_id_or_its_severity_it_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(**{"hazards": ["bees"]} | changes)


def test_what_was_sent_is_recognised_when_it_is_sent_again() -> None:
    hashes = [read_report(BODY | {"occurred_at": text}, NOW).salvaged for text in ("?", "?", "??")]
    digests = [one.digest for one in hashes if one is not None]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    "body",
    [b'{"a": "\xe9t\xe9"}', b'{"a": "\xf0\x9f\x9a"}', b'{"a": "line\nend\0"}', b'\xef\xbb\xbf{"a": "x"}'],
)
def test_an_object_is_read_in_spite_of_broken_characters(body: bytes) -> None:
    assert isinstance(read_object(body), dict)


@pytest.mark.parametrize("body", [b"", b"{", b'{"a":' * 9000])
def test_what_is_no_json_is_no_object(body: bytes) -> None:
    assert read_object(body) is None


def on_the_topic(**changes: object) -> Received | Unreadable | None:
    headers = {
        "ce_specversion": "1.0", "ce_id": "1", "ce_source": "sensor", "ce_type": "report.received.v1",
        "ce_organisation": "0194e0a1-7000-7000-8000-000000000001", "ce_time": NOW.isoformat(),
    }  # fmt: skip
    body = {
        "at": NOW.isoformat(), "source": "sensor", "source_id": "1", "kind": "medical.cardiac_arrest",
        "severity": "life_threatening",
    }  # fmt: skip
    pairs = [(name, value.encode()) for name, value in headers.items()]
    return decode("incident.reports", b"sensor/1", pairs, orjson.dumps(body | changes))


@pytest.mark.parametrize(
    ("changes", "dropped"),
    [
        ({"hazards": ["bees"], "victim": "Madame Martin"}, ("hazards", "unknown_field")),
        ({"at": "yesterday"}, ("at",)),
        ({"position": {"lat": 98, "lon": 7}}, ("position",)),
    ],
)
def test_the_same_holds_on_the_topic(changes: dict[str, Any], dropped: tuple[str, ...]) -> None:
    found = on_the_topic(**changes)
    assert isinstance(found, Received)
    assert isinstance(found.data, ReportReceived)
    assert (found.data.dropped, found.data.at) == (dropped, NOW)


def test_on_the_topic_a_report_that_is_not_life_threatening_is_parked_as_before() -> None:
    assert isinstance(on_the_topic(severity="urgent", hazards=["bees"]), Unreadable)
