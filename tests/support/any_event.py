"""Strategies of events: every field of every type, with whatever values its model accepts."""

from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, datetime, timedelta, timezone
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as ServerUUID  # noqa: N811 - the class of ids that the server sent
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from schemas.base import Event, Window
from schemas.topics import MODELS
from tests.contract.examples import PLAN

Strategy = st.SearchStrategy[Any]

MINUTE = timedelta(minutes=1)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(minutes * MINUTE))
moments = st.datetimes(timezones=st.timezones() | offsets).filter(
    lambda moment: MINYEAR < moment.year < MAXYEAR and not _offset(moment) % MINUTE
)
"""Times with an offset of whole minutes, the only ones that RFC 3339 can express."""
as_read = TypeAdapter(AwareDatetime).validate_strings
"""Times from the wire have a time zone of a class of pydantic's own."""
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
plans = st.dictionaries(st.text(), json_values, max_size=3).map(lambda more: {**more, **PLAN.canonical})
OF_TYPE: Mapping[Any, Strategy] = {
    UUID: st.uuids() | st.uuids().map(lambda id_: ServerUUID(id_.bytes)),
    AwareDatetime: moments | moments.map(lambda moment: as_read(moment.isoformat())),
    bool: st.booleans(),
    Any: json_values,
}
PATTERNLESS = st.text(min_size=1, max_size=40)


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta()


def events() -> Strategy:
    """Return events of all types."""
    return st.sampled_from(list(MODELS.values())).flatmap(events_of)


def events_of(model: type[Event]) -> Strategy:
    """Return events of one type."""
    return _models(model)


def _models(model: type[BaseModel]) -> Strategy:
    fields = {name: _of_field(name, field) for name, field in model.model_fields.items()}
    if model is Window:
        return st.lists(moments, min_size=2, max_size=2, unique=True).map(
            lambda ends: Window(starts_at=min(ends), ends_at=max(ends))
        )
    return st.builds(model, **fields)


def _of_field(name: str, field: FieldInfo) -> Strategy:
    return plans if name == "plan" else _values(field.annotation, field.metadata)


def _values(annotation: Any, metadata: list[Any]) -> Strategy:  # noqa: ANN401, PLR0911 - any annotation
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _values(inner[0], [*_rules(inner[1:]), *metadata])
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (Union, UnionType):
        return st.one_of([_values(one, metadata) for one in inner])
    if origin is tuple:
        return st.lists(_values(inner[0], []), max_size=_rule(metadata, "max_length", 4)).map(tuple)
    if origin is dict:
        return st.dictionaries(_values(inner[0], []), _values(inner[1], []), max_size=4)
    if annotation is type(None):
        return st.none()
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _models(annotation)
    return OF_TYPE[annotation] if annotation in OF_TYPE else _scalars(annotation, metadata)


def _scalars(annotation: Any, metadata: list[Any]) -> Strategy:  # noqa: ANN401 - any annotation
    low, high = _rule(metadata, "ge", None), _rule(metadata, "le", None)
    if annotation is int:
        return st.integers(low, high)
    if annotation is float:
        return st.floats(low, high, allow_nan=False, allow_infinity=False)
    assert annotation is str, annotation
    pattern = _rule(metadata, "pattern", None)
    longest = _rule(metadata, "max_length", 40)
    texts = st.from_regex(pattern, fullmatch=True) if pattern else PATTERNLESS
    return texts.filter(lambda text: len(text) <= longest)


def _rules(annotations: tuple[Any, ...]) -> list[Any]:
    return [rule for one in annotations for rule in (one.metadata if isinstance(one, FieldInfo) else [one])]


def _rule(metadata: list[Any], name: str, otherwise: Any) -> Any:  # noqa: ANN401 - any rule
    return next(
        (getattr(rule, name) for rule in metadata if getattr(rule, name, None) is not None), otherwise
    )
