"""Privacy by declaration: every field has one class, and what is personal rides on no topic but positions."""

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
    """Find every model of the wire, wherever it stands."""
    for module in pkgutil.iter_modules(schemas.__path__, "schemas."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Wire | Strict) and value not in (Wire, Strict):
                yield value


MODELS = sorted(set(models()), key=lambda model: model.__name__)


def classes(model: type[BaseModel], field: str) -> list[Privacy]:
    return [mark for mark in model.model_fields[field].metadata if isinstance(mark, Privacy)]


def inner(annotation: object) -> Iterator[type[BaseModel]]:
    """Find the models inside a type: the items of a tuple, the alternatives of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from inner(part)


def carried(model: type[BaseModel]) -> Iterator[tuple[str, Privacy]]:
    """List each field that a message of this model carries, nested ones included."""
    for name, field in model.model_fields.items():
        yield f"{model.__name__}.{name}", classes(model, name)[0]
        for nested in inner(field.annotation):
            yield from carried(nested)


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
def test_nothing_personal_or_sensitive_rides_on_a_topic(topic: Topic) -> None:
    private = (Privacy.PERSONAL, Privacy.SENSITIVE)
    found = [name for model in topic.models for name, privacy in carried(model) if privacy in private]
    assert found == []


def test_positions_are_the_exception_and_say_so() -> None:
    [topic] = [topic for topic in TOPICS if topic.name == "volunteer.positions"]
    personal = {
        name for model in topic.models for name, privacy in carried(model) if privacy is Privacy.PERSONAL
    }
    assert personal == {"PositionMoved.lat", "PositionMoved.lon"}


def test_every_event_belongs_to_the_topic_that_declares_it() -> None:
    declared = {model: topic.name for topic in TOPICS for model in topic.models}
    assert {model: model.topic for model in declared} == declared
    typed = {model for model in MODELS if issubclass(model, Event) and "type" in vars(model)}
    assert typed - {Event} == set(declared)
