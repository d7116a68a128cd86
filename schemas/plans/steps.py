"""The escalation steps of a plan."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Public, Strict
from schemas.plans.rules import PlanRuleError, Seconds

Deed = Literal["notify", "page", "repeat", "widen", "ask_more", "refer"]
ContactName = Annotated[str, Field(min_length=1, max_length=60)]

_NEEDS: Mapping[Deed, str] = {"ask_more": "more", "refer": "to"}


class Step(Strict):
    """One escalation step, `after_s` seconds after a seat of the incident became empty.

    `do` is the one thing that it does: show the escalation to supervisors (notify), also page the duty contacts (page),
    page them again though somebody has acknowledged it (repeat), search the next radius or station (widen), keep `more`
    additional offers open (ask_more), or page them to refer the incident to those named in `to` (refer). Where fewer
    seats than `missing` are empty, or it would change nothing, it is skipped.
    """

    after_s: Public[Seconds]
    level: Public[int] = Field(ge=1, le=5)
    do: Public[Deed] = "notify"
    missing: Public[int] = Field(default=1, ge=1, le=100)
    more: Public[int] = Field(default=0, ge=0, le=100)
    to: Public[tuple[ContactName, ...]] = Field(default=(), max_length=10)

    @property
    def page(self) -> bool:
        """Return whether it pages the duty contacts."""
        return self.do in ("page", "repeat")

    @model_validator(mode="after")
    def says_what_it_needs(self) -> Self:
        """Reject a step without what its deed needs, and one with what only another deed needs."""
        for deed, name in _NEEDS.items():
            if bool(getattr(self, name)) != (self.do == deed):
                msg = f"`{name}` belongs to `do: {deed}`, which needs it"
                raise PlanRuleError(name, msg)
        return self
