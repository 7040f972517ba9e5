"""The whole evidence of a workspace as columns, for what looks at all of it at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.identity.domain.evidence import Evidence, EvidenceKind, Identifier
from services.identity.domain.links import once_each
from services.identity.domain.twins import TWIN_SOURCE

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Names = Callable[[Ints], Sequence[Identifier]]
"""The identifiers of nodes in clear; asked for few of them only."""

KINDS: tuple[EvidenceKind, ...] = get_args(EvidenceKind)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Columns:
    """n nodes and m facts, each once; fact f names `node[start[f]:start[f + 1]]`, in its source's order, none twice.

    `kind` indexes KINDS, `at` is the effective time in microseconds since 1970, `basis` indexes `bases` (0: none).
    `namespace` and `scope` are by node; `namespace` indexes `namespaces`, equal scopes have equal numbers.
    """

    namespaces: Sequence[str]
    bases: Sequence[str]
    namespace: Ints
    scope: Ints
    restless: Flags
    """Nodes for which anything was said of the purposes that evidence has."""
    kind: Ints
    tier: Ints
    at: Ints
    basis: Ints
    derived: Flags
    """Facts that nobody sent: they follow from the values of their identifiers."""
    start: Ints
    node: Ints

    def evidence(self, facts: Ints, names: dict[int, Identifier]) -> list[Evidence]:
        """Return facts as evidence, with what the assignment rule asks of it."""
        return [self._fact(int(fact), names) for fact in facts]

    def _fact(self, fact: int, names: dict[int, Identifier]) -> Evidence:
        at = EPOCH + timedelta(microseconds=int(self.at[fact]))
        return Evidence(
            event_id=UUID(int=fact),
            source_id=TWIN_SOURCE if self.derived[fact] else 0,
            kind=KINDS[self.kind[fact]],
            tier=int(self.tier[fact]),
            event_time=at,
            first_received_at=at,
            identifiers=tuple(names[int(one)] for one in self.node[self.start[fact] : self.start[fact + 1]]),
            consent_basis=self.bases[self.basis[fact]] or None,
        )


def columns_of(evidence: Iterable[Evidence], spoken_of: Iterable[Identifier] = ()) -> tuple[Columns, list[Identifier]]:
    """Return evidence as columns, and the identifiers in the order of their nodes."""
    facts = once_each(evidence)
    number: dict[Identifier, int] = {}
    named = [[number.setdefault(one, len(number)) for one in dict.fromkeys(fact.identifiers)] for fact in facts]
    names = list(number)
    namespaces, scopes, bases = ({text: code for code, text in enumerate(dict.fromkeys(texts))} for texts in (
        (one.namespace for one in names),
        (one.scope for one in names),
        ("", *(fact.consent_basis or "" for fact in facts)),
    ))  # fmt: skip
    gone = set(spoken_of)
    return Columns(
        namespaces=list(namespaces),
        bases=list(bases),
        namespace=_ints(namespaces[one.namespace] for one in names),
        scope=_ints(scopes[one.scope] for one in names),
        restless=np.array([one in gone for one in names], dtype=np.bool_),
        kind=_ints(KINDS.index(fact.kind) for fact in facts),
        tier=_ints(fact.tier for fact in facts),
        at=_ints((fact.effective_time - EPOCH) // timedelta(microseconds=1) for fact in facts),
        basis=_ints(bases[fact.consent_basis or ""] for fact in facts),
        derived=np.array([fact.source_id == TWIN_SOURCE for fact in facts], dtype=np.bool_),
        start=np.concatenate([[0], np.cumsum(_ints(map(len, named)))]),
        node=_ints(one for nodes in named for one in nodes),
    ), names


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)
