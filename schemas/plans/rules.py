"""What the sections of a plan share: their units, and the error of a rule over several fields."""

from typing import Annotated

from pydantic import Field

Seconds = Annotated[int, Field(gt=0, le=7 * 86_400)]
Metres = Annotated[int, Field(gt=0, le=200_000)]


class PlanRuleError(ValueError):
    """A rule over several fields is broken; `field` is the one to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
