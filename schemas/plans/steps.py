"""The escalation steps of a plan."""

from typing import Literal

from pydantic import Field

from schemas.base import Public, Strict
from schemas.plans.rules import Seconds


class Step(Strict):
    """One escalation step, `after_s` seconds after a seat of the incident became empty.

    `do` is the one thing that it does: show the escalation to supervisors, or also page the duty contacts.
    """

    after_s: Public[Seconds]
    level: Public[int] = Field(ge=1, le=5)
    do: Public[Literal["notify", "page"]] = "notify"

    @property
    def page(self) -> bool:
        """Return whether it pages the duty contacts."""
        return self.do == "page"
