"""Ways by sticky chance."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.journey.domain.chance import draw
from services.journey.domain.node import Facts, Go, Node, Outcome
from services.journey.domain.run import Run


class Share(BaseModel):
    """One arm: its name, its weight among the others, and where it leads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    weight: float = Field(gt=0, le=1_000_000)
    to: str | None


class SplitPercentNode(Node):
    """Ways by chance, the same for a person for ever: the arm he drew is kept, new weights concern new persons."""

    kind: ClassVar[str] = "split_percent"
    draws: ClassVar[bool] = True
    falls_through: ClassVar[bool] = False

    arms: tuple[Share, ...] = Field(min_length=2, max_length=50)

    @model_validator(mode="after")
    def _names_differ(self) -> "SplitPercentNode":
        if len({arm.name for arm in self.arms}) < len(self.arms):
            raise ValueError("every arm needs a name of its own")
        return self

    def branches(self) -> Mapping[str, str | None]:
        """Return a way per arm."""
        return {f"arms/{number}/to": arm.to for number, arm in enumerate(self.arms)}

    def decide(self, run: Run, facts: Facts, /) -> Outcome:
        """Take the way of the arm drawn before, or draw one."""
        names = [arm.name for arm in self.arms]
        given = facts.arms.get(self.id)
        if given in names:
            return Go(f"arms/{names.index(given)}/to", given)
        drawn = draw(f"{run.journey_id}/{self.id}", run.person_id, {arm.name: arm.weight for arm in self.arms})
        return Go(f"arms/{names.index(drawn)}/to", drawn, assign=drawn)


node = SplitPercentNode
