"""The seats of a plan."""

from typing import Self

from pydantic import Field, model_validator

from schemas.base import Public, Skill, Slug, Strict
from schemas.plans.rules import PlanRuleError


class SeatNeed(Strict):
    """`count` seats of one role, each filled by a volunteer who has all of the `skills` and one of `any`."""

    role: Public[Slug]
    skills: Public[tuple[Skill, ...]] = Field(default=(), max_length=10)
    any: Public[tuple[Skill, ...]] = Field(default=(), max_length=10)
    count: Public[int] = Field(ge=1, le=100)

    @model_validator(mode="after")
    def skill_is_named(self) -> Self:
        """Reject a seat that anybody could fill."""
        if not self.skills and not self.any:
            msg = "a seat needs at least one skill: write `skills: [first_aid]`"
            raise PlanRuleError("skills", msg)
        return self
