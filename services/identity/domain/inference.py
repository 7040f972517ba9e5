"""What stands behind evidence that somebody only inferred: how likely the two are one, and the sum it comes from."""

from libs.common.errors import Invalid
from services.identity.domain.evidence import INFERRED, Evidence, EvidenceKind
from services.identity.domain.links import POSITIVE
from services.identity.domain.matching.model import Score, Step


def is_inferred(kind: EvidenceKind, tier: int) -> bool:
    """Return whether evidence speaks for its links and never makes one: it is suggested to somebody."""
    return kind == "infer" or (kind in POSITIVE and tier >= INFERRED)


def inference(said: Evidence, *, score: float | None, waterfall: tuple[Step, ...], pointer: str) -> Score | None:
    """Return what a caller gave of a score, the waterfall's sum where he gave that alone; None for neither.

    Raises Invalid, at the field, when the evidence is not inferred.
    """
    given = [name for name, value in (("score", score), ("waterfall", waterfall or None)) if value is not None]
    if not given:
        return None
    if not is_inferred(said.kind, said.tier):
        raise Invalid.at(f"{pointer}/{given[0]}", "only what is inferred (kind infer, or tier 4) has one; leave it out")
    weight = sum(step.weight + step.frequency_weight for step in waterfall) if score is None else score
    return Score(weight, waterfall)
