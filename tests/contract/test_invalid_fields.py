"""Invalid fields are described in our own words: never a regular expression, never those of pydantic."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from dispatch.config import EXAMPLES as SETTING_EXAMPLES
from dispatch.config import Settings
from dispatch.services.plans.plan_examples import EXAMPLES, example_of
from schemas.invalid_fields import PATTERNS, sentence
from schemas.plans import Plan
from schemas.reports import ReportBody
from schemas.volunteers import VolunteerBody
from tests.documents import openapi, reference
from tests.domain.builders import plan

RAW = re.compile("should|Input|String|Dictionary|Field required|Value error|[\\\\^$]")
WRONG: tuple[object, ...] = (
    None,
    "",
    "Ça alors ! " * 30,
    -1,
    10**30,
    1.5,
    float("nan"),
    True,
    [],
    [1],
    {},
    {"a": 1},
    "2026-13-45",
)
"""Values of which any field refuses several."""


def patterns(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for name, value in part.items() if name == "pattern" and isinstance(value, str))
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from patterns(one)


def test_every_pattern_of_a_field_has_words() -> None:
    found = set(patterns(yaml.safe_load(openapi.current()))) | set(patterns(Plan.model_json_schema()))
    assert found
    assert not found - PATTERNS.keys()


@pytest.mark.parametrize("model", [Plan, ReportBody, VolunteerBody])
@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_no_error_repeats_the_words_of_pydantic(model: type[BaseModel], wrong: object) -> None:
    for name in model.model_fields:
        for detail in _errors(model, {name: wrong}):
            text = sentence(detail, shown=True)
            assert not RAW.search(text.replace("Ça alors", "")), (name, wrong, text)
            assert text != "is not valid", (name, wrong, detail["type"])


def _errors(model: type[BaseModel], body: dict[str, Any]) -> list[Any]:
    try:
        TypeAdapter(model).validate_python(body)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def test_a_value_is_repeated_only_where_it_is_asked_for_and_never_a_password() -> None:
    (detail,) = _errors(
        plan().seats[0].__class__, {"role": "Chef d'agrès", "skills": ("driver",), "count": 1}
    )
    assert "there is" not in sentence(detail)
    assert sentence(detail, example="crew_leader", shown=True).startswith(
        "must be up to 64 lower-case letters"
    )
    assert 'there is "Chef d\'agrès"' in sentence(detail, shown=True)
    secret = detail | {"input": "postgres://me:secret@host"}
    assert "secret" not in sentence(secret, shown=True)


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_example_of_each_field_of_a_plan_is_valid(path: str) -> None:
    assert {name for name, _ in reference.plan_fields()} <= EXAMPLES.keys()
    value = yaml.safe_load(EXAMPLES[path])
    section, _, name = path.partition(".")
    steps = ({"after_s": 60, "level": 1, "do": "page"}, {"after_s": 90, "level": 2, "do": "page"})
    body = plan(steps=steps, engagement="crew", muster="station", lane="planned").model_dump()
    # One seat stays required where the other is only welcome.
    body["seats"] = [dict(body["seats"][0]) for _ in range(2)]
    # These two belong to steps that do nothing else.
    body["steps"][-1]["do"] = {"steps.more": "ask_more", "steps.to": "refer"}.get(path, "page")
    if not name:
        body[section] = value
    else:
        (body[section] if isinstance(body[section], dict) else body[section][-1])[name] = value
    Plan.model_validate(body)


def test_a_part_of_a_field_has_the_example_of_the_whole() -> None:
    assert example_of(("title", "de")) == EXAMPLES["title"]
    assert example_of(("seats", 0, "role")) == EXAMPLES["seats.role"]
    assert example_of(("unknown",)) == ""


@pytest.mark.parametrize("name", SETTING_EXAMPLES)
def test_the_example_of_each_setting_is_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, SETTING_EXAMPLES[name])
    field = name.removeprefix("DISPATCH_").lower()
    assert str(getattr(Settings(), field)) not in ("", "None")
