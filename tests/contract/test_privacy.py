"""Privacy classes: every field has one, and only the topic of positions carries personal fields."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import get_args

import pytest
from pydantic import BaseModel

import schemas
from schemas.base import Event, Position, Privacy, Strict, Wire
from schemas.topics import TOPICS, Topic


def models() -> Iterator[type[BaseModel]]:
    """Find every wire model in the package `schemas`."""
    for module in pkgutil.iter_modules(schemas.__path__, "schemas."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Wire | Strict) and value not in (Wire, Strict):
                yield value


MODELS = sorted(set(models()), key=lambda model: model.__name__)


def classes(model: type[BaseModel], field: str) -> list[Privacy]:
    return [mark for mark in model.model_fields[field].metadata if isinstance(mark, Privacy)]


def nested_models(annotation: object) -> Iterator[type[BaseModel]]:
    """Find the models inside a type: the items of a tuple, the alternatives of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from nested_models(part)


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, Privacy]]:
    """List each field that a message of this model carries, nested ones included."""
    for name, field in model.model_fields.items():
        yield f"{model.__name__}.{name}", classes(model, name)[0]
        for nested in nested_models(field.annotation):
            yield from fields_of(nested)


def test_the_models_are_found() -> None:
    assert Position in MODELS
    assert {model for topic in TOPICS for model in topic.models} <= set(MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_has_exactly_one_privacy_class(model: type[BaseModel]) -> None:
    assert {name: len(classes(model, name)) for name in model.model_fields} == dict.fromkeys(
        model.model_fields, 1
    )


@pytest.mark.parametrize(
    "topic", [topic for topic in TOPICS if topic.name != "volunteer.positions"], ids=lambda topic: topic.name
)
def test_no_topic_carries_personal_or_sensitive_fields(topic: Topic) -> None:
    private = (Privacy.PERSONAL, Privacy.SENSITIVE)
    found = [name for model in topic.models for name, privacy in fields_of(model) if privacy in private]
    assert found == []


def test_positions_are_the_declared_exception() -> None:
    [topic] = [topic for topic in TOPICS if topic.name == "volunteer.positions"]
    personal = {
        name for model in topic.models for name, privacy in fields_of(model) if privacy is Privacy.PERSONAL
    }
    assert personal == {"PositionMoved.lat", "PositionMoved.lon"}


def test_every_event_belongs_to_the_topic_that_declares_it() -> None:
    declared = {model: topic.name for topic in TOPICS for model in topic.models}
    assert {model: model.topic for model in declared} == declared
    typed = {model for model in MODELS if issubclass(model, Event) and "type" in vars(model)}
    assert typed - {Event} == set(declared)
