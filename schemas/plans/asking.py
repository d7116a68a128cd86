"""How a plan asks: its offers and its search."""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.base import Public, Slug, Strict
from schemas.plans.rules import Metres, PlanRuleError, Seconds

BROADCAST_ROUND = 100
"""The people whom a broadcast asks at once: what one transaction may write within about 50 ms of locks."""

Reachable = Literal["on_station", "on_call", "available", "at_work"]
"""The availabilities of volunteers who may be asked."""


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
    """The search: its radii in turn, how long each is used before the next, the gates and the order of this plan.

    Within a radius everybody of an earlier group of `order` is asked before anybody of a later one, those of no group
    last. Within a group `choose` takes the nearest, those whose turn it is (they have waited longest since their last
    assignment), or those drawn by lot. `only` and `never` name lists of people: nobody else is asked, or none of them.
    """

    radii_m: Public[tuple[Metres, ...]] = Field(min_length=1, max_length=10)
    widen_after_s: Public[Seconds] = 45
    retry_s: Public[Seconds] = 60
    min_age: Public[int] = Field(default=18, ge=0, le=99)
    rest_s: Public[int] = Field(default=0, ge=0, le=7 * 86_400)
    position_max_age_s: Public[Seconds] = 3600
    availability: Public[tuple[Reachable, ...]] = ("on_station", "on_call", "available", "at_work")
    choose: Public[Literal["nearest", "turn", "lot"]] = "nearest"
    order: Public[tuple[Reachable, ...]] = ()
    only: Public[Slug | None] = None
    never: Public[Slug | None] = None

    @cached_property
    def ranks(self) -> bool:
        """Return whether the nearest are not simply the first to be asked."""
        return self.choose != "nearest" or bool(self.order or self.only or self.never)

    @cached_property
    def groups(self) -> Mapping[str, int]:
        """Return the place of each availability in the order; those without one come after it."""
        return {name: place for place, name in enumerate(self.order)}

    @model_validator(mode="after")
    def radii_grow(self) -> Self:
        """Reject radii that do not grow."""
        if list(self.radii_m) != sorted(set(self.radii_m)):
            msg = "radii_m must grow from one to the next"
            raise PlanRuleError("radii_m", msg)
        return self

    @model_validator(mode="after")
    def order_is_asked(self) -> Self:
        """Reject groups that are named twice, or that the plan does not ask."""
        if len(set(self.order)) < len(self.order) or not set(self.order) <= set(self.availability):
            msg = "name each group once, and only those in `availability`"
            raise PlanRuleError("order", msg)
        return self

    @model_validator(mode="after")
    def lists_differ(self) -> Self:
        """Reject a plan that asks nobody but those whom it never asks."""
        if self.only is not None and self.only == self.never:
            msg = "`only` and `never` name the same list: nobody could be asked"
            raise PlanRuleError("never", msg)
        return self
