"""The seats of a plan."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.base import Public, Skill, Slug, Strict
from schemas.plans.rules import PlanRuleError


class SeatNeed(Strict):
    """`count` seats of one role, each filled by a volunteer who has all of the `skills` and one of `any`.

    People are asked for `welcome` seats too, and come in reserve; an incident lacks nobody who is only welcome.
    """

    role: Public[Slug]
    skills: Public[tuple[Skill, ...]] = Field(default=(), max_length=10)
    any: Public[tuple[Skill, ...]] = Field(default=(), max_length=10)
    count: Public[int] = Field(ge=1, le=100)
    need: Public[Literal["required", "welcome"]] = "required"
    min_age: Public[int | None] = Field(default=None, ge=0, le=99)

    @model_validator(mode="after")
    def skill_is_named(self) -> Self:
        """Reject a seat that anybody could fill."""
        if not self.skills and not self.any:
            msg = "a seat needs at least one skill: write `skills: [first_aid]`"
            raise PlanRuleError("skills", msg)
        return self
