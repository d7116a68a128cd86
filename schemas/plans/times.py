"""When a plan asks and reminds: its quiet hours, and the times before a window."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from schemas.base import Public, Strict
from schemas.plans.rules import PlanRuleError

Ahead = Annotated[int, Field(gt=0, le=366 * 86_400)]
"""Seconds before a window, which may be a year away."""


def _clock(value: object) -> object:
    """Return a time of day that YAML has read as a number of minutes: 21:00 without quotes."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return f"{value // 60:02}:{value % 60:02}"
    return value


ClockTime = Annotated[str, BeforeValidator(_clock), Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class QuietHours(Strict):
    """Hours of each day, on the organisation's clock, in which nothing is sent that can wait."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    starts: Public[ClockTime] = Field(alias="from")
    ends: Public[ClockTime] = Field(alias="to")

    @model_validator(mode="after")
    def some_hours_are_left(self) -> Self:
        """Reject hours that begin when they end: it is not clear whether all hours are meant or none."""
        if self.starts == self.ends:
            raise PlanRuleError(
                "quiet", "quiet hours begin and end at different times; none are `quiet: off`"
            )
        return self


def _off(value: object) -> object:
    """Return the word that YAML has read as a truth value."""
    return "off" if value is False else value


Quiet = Annotated[QuietHours | Literal["off"], BeforeValidator(_off)]
