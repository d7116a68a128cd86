"""Maps of report files: which column of a city's file is which field of a report, and what its words mean."""

import re
import zoneinfo
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from dispatch.services.core.csv_tables import meant
from dispatch.services.core.errors import InvalidError
from dispatch.services.plans.yaml_source import MAX_BYTES, FieldPath, YamlSource, YamlSourceError, parse
from schemas.base import Severity, Strict
from schemas.invalid_fields import sentence
from schemas.reports import Kind, Reference

MapField = Literal[
    "id", "kind", "severity", "occurred_at", "position", "lat", "lon", "hazards", "professional_reference",
    "description", "units", "from", "to",
]  # fmt: skip
FIELDS: tuple[MapField, ...] = get_args(MapField)
SHARED = frozenset({"severity", "professional_reference", "description"})
"""Fields that may be read from a column that another field is read from too."""


class MapRuleError(ValueError):
    """A rule over several fields is broken; `field` is the one to change."""

    def __init__(self, field: FieldPath, message: str) -> None:
        super().__init__(message)
        self.field = field


class Meaning(NamedTuple):
    """The kind of a report, and its severity where the kind decides it."""

    kind: str
    severity: Severity | None = None


def _columns(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _meaning(value: object) -> Meaning:
    """Read `medical.cardiac_arrest life_threatening`, or a kind alone."""
    kind, _, severity = str(value).partition(" ")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", kind):
        raise ValueError("write a kind as `medical.fall`, and its severity after a space if it has its own")
    if severity and severity not in get_args(Severity):
        raise ValueError(f"{severity!r} is no severity{meant(severity, get_args(Severity))}")
    return Meaning(kind, severity or None)  # type: ignore[arg-type]


def _zone(name: object) -> object:
    try:
        return zoneinfo.ZoneInfo(str(name)).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = meant(str(name), zoneinfo.available_timezones())
        raise ValueError(f"{name!r} is no time zone{hint}: write it as Europe/Paris") from None


Columns = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_columns), Field(min_length=1)
]


class Defaults(Strict):
    """Values of reports whose cells are empty, or whose words the map does not have."""

    kind: Kind | None = None
    severity: Severity | None = None
    professional_reference: Reference | None = None


class ReportMap(Strict):
    """What the columns and words of a file mean.

    A key of `kinds` and `priorities` is the text of a cell in any case, in which `*` stands for any characters; an
    exact one counts before one with `*`, of which the first counts. Several columns of one field are joined by a
    space.
    """

    name: str = "reports"
    columns: dict[MapField, Columns]
    time_zone: Annotated[str, BeforeValidator(_zone)] | None = None
    time_format: str | None = None
    kinds: dict[str, Annotated[Meaning, BeforeValidator(_meaning)]] = Field(default_factory=dict)
    priorities: dict[str, Severity] = Field(default_factory=dict)
    defaults: Defaults = Defaults()
    assumptions: tuple[str, ...] = ()

    @model_validator(mode="after")
    def every_report_has_an_id_and_a_kind(self) -> "ReportMap":
        """Reject a map without the columns that every report needs."""
        if "id" not in self.columns:
            raise MapRuleError(("columns",), "no `id`: a report needs the source's own id")
        if "kind" not in self.columns and self.defaults.kind is None:
            raise MapRuleError(("columns",), "no `kind`: name its column, or a kind under `defaults`")
        if ("lat" in self.columns) != ("lon" in self.columns):
            raise MapRuleError(
                ("columns",), "`lat` and `lon` go together; one column with both is `position`"
            )
        return self

    @model_validator(mode="after")
    def no_column_is_read_twice(self) -> "ReportMap":
        """Reject a column that is named for two fields, of which one must be a mistake."""
        first: dict[str, str] = {}
        for field, columns in self.columns.items():
            for column in columns:
                taken = first.setdefault(column, field)
                if taken != field and not {field, taken} & SHARED:
                    message = f"the column {column!r} is named twice: for `{taken}` and for `{field}`"
                    raise MapRuleError(("columns", field), message)
        return self

    def zone(self) -> zoneinfo.ZoneInfo | None:
        """Return the zone of times without an offset."""
        return zoneinfo.ZoneInfo(self.time_zone) if self.time_zone else None


def read_map(path: Path) -> ReportMap:
    """Read a map; raises InvalidError that names every error in it with its line."""
    try:
        with path.open("rb") as opened:
            source = parse(opened.read(MAX_BYTES + 1), texts=True)
    except OSError as error:
        raise InvalidError("map", f"{path}: {error.strerror}") from None
    except YamlSourceError as error:
        raise InvalidError("map", f"{path}:{error.line}: {error}") from None
    found = [(fault.line, fault.path, fault.message) for fault in source.faults]
    try:
        read = ReportMap.model_validate(source.data)
    except ValidationError as error:
        found += _problems(source, error)
    if found:
        texts = [f"{path}:{line}: {'.'.join(map(str, place))}: {text}" for line, place, text in sorted(found)]
        raise InvalidError("map", "\n".join(texts))
    return read


def standard_map(known: Mapping[str, str]) -> ReportMap:
    """Return the map of a file whose columns have the names of the fields; `known` are those names by header."""
    return ReportMap.model_validate({"columns": {name: header for header, name in known.items()}})


def _problems(source: YamlSource, error: ValidationError) -> Iterable[tuple[int, FieldPath, str]]:
    for detail in error.errors(include_url=False):
        place, message = _place_and_message(detail)
        yield source.line(place), place, message


def _place_and_message(detail: ErrorDetails) -> tuple[FieldPath, str]:
    place = tuple(part for part in detail["loc"] if part != "[key]")
    rule = detail.get("ctx", {}).get("error")
    if isinstance(rule, MapRuleError):
        return rule.field, str(rule)
    if isinstance(rule, ValueError):
        return place, str(rule)
    if detail["type"] == "extra_forbidden":
        known = ReportMap.model_fields if len(place) == 1 else Defaults.model_fields
        return place, f"unknown field{meant(str(place[-1]), known)}"
    if "[key]" in detail["loc"]:
        return place, f"unknown field{meant(str(place[-1]), FIELDS)}; known are {', '.join(FIELDS)}"
    if detail["type"] == "literal_error":
        return place, f"{detail['input']!r} is not valid{meant(str(detail['input']), get_args(Severity))}"
    return place, sentence(detail, shown=True)
