"""The base of every model on the wire: a privacy class on each field, frozen values, a version in the type."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar
from uuid import UUID

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator


class Privacy(StrEnum):
    """The privacy class of a field; personal and sensitive fields are never published on a topic."""

    PUBLIC = "public"
    OPERATIONAL = "operational"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


T = TypeVar("T")
Public = Annotated[T, Privacy.PUBLIC]
Operational = Annotated[T, Privacy.OPERATIONAL]
Personal = Annotated[T, Privacy.PERSONAL]
Sensitive = Annotated[T, Privacy.SENSITIVE]

Severity = Literal["life_threatening", "urgent", "routine"]
Mode = Literal["actual", "exercise", "test", "draft"]
Lane = Literal["urgent", "planned", "drill"]
Engagement = Literal["dispatch", "crew", "notice"]
"""The task of the volunteers: go to the scene, crew a vehicle at its station, or read a notice and stay."""
Channel = Literal["sms", "voice", "push", "email", "page", "api"]
Hazard = Literal["weapon", "violence", "fire", "traffic", "electricity", "cbrn"]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Skill = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]

MusterName = Annotated[str, Field(max_length=60, pattern=r"^[^\x00-\x1f\x7f,;]+$")]
"""The name of a muster point, such as CIS Barr."""

SEVERITY_RANK: dict[str, int] = {"life_threatening": 0, "urgent": 1, "routine": 2}


class Wire(BaseModel):
    """A frozen value; an unknown field is no error, so that a newer writer does not stop an older reader."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Strict(BaseModel):
    """A frozen value from outside; an unknown field is an error, since it may be misspelt."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Position(Strict):
    """A place in WGS 84 degrees."""

    lat: Operational[float] = Field(ge=-90, le=90, allow_inf_nan=False)
    lon: Operational[float] = Field(ge=-180, le=180, allow_inf_nan=False)


class MusterPoint(Wire):
    """A named place where people gather: a station, or a point such as a meeting place."""

    name: Operational[MusterName]
    position: Operational[Position]


class Window(Wire):
    """A span of time; it ends after it starts."""

    starts_at: Operational[AwareDatetime]
    ends_at: Operational[AwareDatetime]

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> Self:
        """Reject a window that ends before it starts."""
        if self.ends_at <= self.starts_at:
            msg = "ends_at must come after starts_at"
            raise ValueError(msg)
        return self


class Event(Wire):
    """Something that happened; `at` is domain time, `type` names the event and its version."""

    type: ClassVar[str]
    topic: ClassVar[str]

    at: Operational[AwareDatetime]


def utc_iso(moment: datetime) -> str:
    """Format a UTC time as RFC 3339 with microseconds."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def to_json(model: BaseModel) -> bytes:
    """Return the same bytes as `model_dump_json`, at a third of its cost."""
    try:
        return orjson.dumps(vars(model), default=_plain, option=orjson.OPT_UTC_Z)
    except TypeError:
        # orjson writes neither integers beyond 64 bits nor names that are no text.
        return model.model_dump_json().encode()


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of a field
    if isinstance(value, BaseModel):
        return vars(value)
    if isinstance(value, UUID):
        # One of asyncpg's own class.
        return str(value)
    raise TypeError
