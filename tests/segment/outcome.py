"""What a run of histories compared."""

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """What was compared, and each difference: (definition, person, whether he should be in, how it was asked, when)."""

    histories: int = 0
    definitions: int = 0
    steps: int = 0
    questions: int = 0
    differences: list[str] = field(default_factory=list)
