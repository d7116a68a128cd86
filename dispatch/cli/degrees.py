"""Options that are coordinates, in every notation that people use."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter, Token

from dispatch.config import MisuseError
from dispatch.domain.places.coordinates import CoordinatesError, read_coordinate, read_position
from schemas.base import Position


def _latitude(_type: type, tokens: Sequence[Token]) -> float:
    return read_coordinate(tokens[0].value, "lat")


def _longitude(_type: type, tokens: Sequence[Token]) -> float:
    return read_coordinate(tokens[0].value, "lon")


Latitude = Annotated[float | None, Parameter(allow_leading_hyphen=True, converter=_latitude)]
Longitude = Annotated[float | None, Parameter(allow_leading_hyphen=True, converter=_longitude)]
Place = Annotated[str | None, Parameter(allow_leading_hyphen=True)]
"""A position as one text; read it with `place`."""


def place(text: str) -> Position:
    """Return the position that an option names; raises MisuseError."""
    try:
        return read_position(text)
    except CoordinatesError as error:
        raise MisuseError(f"{text!r}: {error}") from None
