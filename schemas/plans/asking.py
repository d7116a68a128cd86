"""How a plan asks: its offers and its search."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.base import Public, Strict
from schemas.plans.rules import Metres, PlanRuleError, Seconds

BROADCAST_ROUND = 100
"""The people whom a broadcast asks at once: what one transaction may write within about 50 ms of locks."""


class OfferPolicy(Strict):
    """The offers: how many are open at once, for how long, and when to stop.

    `open` is the most live offers at once, or the size of a wave; `per_seat` the most for each missing seat under
    `ask: rolling`. `surplus` are the seats filled beyond need, `most` the most offers one incident may ever extend.
    """

    open: Public[int] = Field(default=7, ge=1, le=100)
    per_seat: Public[int] = Field(default=4, ge=1, le=20)
    window_s: Public[Seconds] = 60
    surplus: Public[int] = Field(default=0, ge=0, le=20)
    most: Public[int] = Field(default=100, ge=1, le=2000)


class SearchPolicy(Strict):
    """The search: its radii in turn, how long each is used before the next, and the gates of this plan."""

    radii_m: Public[tuple[Metres, ...]] = Field(min_length=1, max_length=10)
    widen_after_s: Public[Seconds] = 45
    retry_s: Public[Seconds] = 60
    min_age: Public[int] = Field(default=18, ge=0, le=99)
    rest_s: Public[int] = Field(default=0, ge=0, le=7 * 86_400)
    position_max_age_s: Public[Seconds] = 3600
    availability: Public[tuple[Literal["on_station", "on_call", "available", "at_work"], ...]] = (
        "on_station",
        "on_call",
        "available",
        "at_work",
    )

    @model_validator(mode="after")
    def radii_grow(self) -> Self:
        """Reject radii that do not grow."""
        if list(self.radii_m) != sorted(set(self.radii_m)):
            msg = "radii_m must grow from one to the next"
            raise PlanRuleError("radii_m", msg)
        return self
