"""The bytes of the journal: what is written fast equals what is written plainly, for every event there can be."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from dispatch.storage import write_generation
from dispatch.storage.chain import GENESIS
from dispatch.storage.journal import Entry, chained
from schemas.base import Event, to_json
from schemas.generations import GENERATION, OLDEST, encode
from schemas.topics import MODELS
from tests.contract.examples import PLAN, example
from tests.support.any_event import events, events_of, moments
from tests.support.plain_journal import plain_body, plain_hash, plain_headers

GENERATIONS = range(OLDEST, GENERATION + 1)

subjects = st.text(min_size=1, max_size=30) | st.sampled_from(["mairie/été ☂ 100 %s", "%", '"\\', "\x7f"])
entries = st.builds(
    Entry,
    stream=st.sampled_from([UUID(int=1), UUID(int=2), UUID(int=2**128 - 1)]),
    event=events(),
    organisation=st.uuids(),
    mode=st.sampled_from(["actual", "exercise", "test", "draft"]),
    key=subjects,
    occurred_at=moments,
    received_at=moments,
)


@settings(max_examples=100, deadline=None)
@given(
    written=st.lists(entries, min_size=1, max_size=5), now=moments, generation=st.sampled_from(GENERATIONS)
)
def test_rows_of_the_journal_have_the_bytes_of_plain_ones(
    written: Sequence[Entry], now: datetime, generation: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write_generation, "current", generation)
        rows = chained(written, {}, now)
    last: dict[UUID, tuple[int, bytes]] = {}
    for entry, row in zip(written, rows, strict=True):
        seq, previous = last.get(entry.stream, (0, GENESIS))
        headers, (type_, body) = (
            plain_headers(entry, seq + 1, now, generation),
            plain_body(entry.event, generation),
        )
        hash_ = plain_hash(previous, entry.event.topic, entry.key.encode(), headers, body)
        assert (row.type, row.headers, row.body, row.prev_hash, row.hash) == (
            type_,
            headers,
            body,
            previous,
            hash_,
        )
        last[entry.stream] = (seq + 1, hash_)


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.type)
def test_the_body_of_each_type_is_that_of_pydantic(model: type[Event]) -> None:
    @settings(max_examples=20, deadline=None)
    @given(event=events_of(model))
    def check(event: Event) -> None:
        read = model.model_validate_json(to_json(event))
        for generation in GENERATIONS:
            assert encode(event, generation) == plain_body(event, generation)
            assert encode(read, generation) == plain_body(read, generation)

    check()


@pytest.mark.parametrize(
    "odd", [2**80, {1: 2}, {(1, 2): None}, float("nan"), {"a": (1, {2})}, "\x00\u2028é", 1e16, -0.0, 5e-324]
)
def test_an_odd_value_in_a_plan_is_written_as_pydantic_writes_it(odd: Any) -> None:  # noqa: ANN401
    event = example(MODELS["incident.opened.v2"]).model_copy(update={"plan": {**PLAN.canonical, "odd": odd}})
    assert to_json(event) == event.model_dump_json().encode()


def test_no_model_on_the_wire_has_values_that_pydantic_would_not_write() -> None:
    for model in {part for one in MODELS.values() for part in _models(one)}:
        assert not [name for name, value in vars(model).items() if isinstance(value, cached_property)]
        assert model.model_config.get("extra") != "allow"
        assert not model.model_computed_fields
        assert not model.__private_attributes__


def _models(model: type[BaseModel]) -> set[type[BaseModel]]:
    parts = [part for field in model.model_fields.values() for part in _parts(field.annotation)]
    return {model}.union(*(_models(part) for part in parts))


def _parts(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]
