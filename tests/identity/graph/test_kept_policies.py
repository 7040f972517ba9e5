"""Policies as they are kept: whoever does not know what is not used reads them all the same."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.db import statement
from services.identity.domain.policy import CapByTier, Declared, Folding, NamespacePolicy, Safeguards
from services.identity.store import policies
from services.identity.store.policies import said_in
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.worlds import DENSE, NOW

LATER = {
    NamespacePolicy: {"luhn", "prefixes", "case_rules", "folding"},
    Safeguards: {"merges_per_minute"},
}
"""Fields that processes of before do not know."""

COUNTS = st.none() | st.integers(0, 3)
RULES = st.builds(
    NamespacePolicy,
    priority=st.integers(1, 9),
    max_per_person=COUNTS | st.builds(CapByTier, tier_0_1=COUNTS, tier_2_up=COUNTS),
    window_days=COUNTS,
    hub_threshold=COUNTS,
    ttl_days=COUNTS,
    reassign_after_days=COUNTS,
    singleton=st.none() | st.booleans(),
    bridges=st.booleans(),
    look_back_days=COUNTS,
    parent=st.none() | st.just("phone"),
    blocked=st.sampled_from([(), ("0",)]),
    luhn=st.booleans(),
    prefixes=st.sampled_from([(), ("62",)]),
    case_rules=st.sampled_from([{}, {"*": "insensitive"}]),
    folding=st.sampled_from([{}, {"a.example": Folding()}, {"a.example": Folding(dots=True)}]),
    consent_purpose=st.sampled_from([None, "linking"]),
)
GUARDS = st.builds(
    Safeguards, largest_person=COUNTS, joins_per_minute=COUNTS, merges_per_minute=COUNTS, dormant_days=COUNTS
)


def of_before(one: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The same without the fields that came later; what it does not know it refuses."""
    fields = [
        (field.name, field.type)
        if field.required
        else (field.name, field.type, {} if field.default is msgspec.NODEFAULT else field.default)
        for field in msgspec.structs.fields(one)
        if field.name not in LATER[one]
    ]
    return msgspec.defstruct("OfBefore", fields, forbid_unknown_fields=True, kw_only=True)


@given(st.builds(Declared, st.dictionaries(st.sampled_from(["email", "phone"]), RULES), GUARDS))
def test_policies_are_read_back_as_they_were_declared(declared: Declared) -> None:
    assert msgspec.convert(said_in(declared), Declared) == declared


@pytest.mark.parametrize("one", [NamespacePolicy(priority=2, bridges=False, max_per_person=0), Safeguards()])
def test_a_process_of_before_reads_what_uses_nothing_new(one: Any) -> None:
    said = said_in(Declared({"email": one}) if isinstance(one, NamespacePolicy) else Declared(safeguards=one))
    read = msgspec.convert(said["namespaces"].get("email", said["safeguards"]), of_before(type(one)))
    assert all(getattr(read, name) == getattr(one, name) for name in read.__struct_fields__)


async def test_what_is_stored_says_nothing_of_a_rate_that_is_off(graph_of: Any) -> None:
    graph: Graph = await graph_of(DENSE)
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        version = await policies.put(tx, WORKSPACE, Declared(safeguards=Safeguards(largest_person=None)), NOW)
        text = "select safeguards from policy_set where workspace_id = :one and version = :version"
        kept = await tx.fetch_value(statement(text), one=WORKSPACE, version=version)
        read = await policies.read(tx, WORKSPACE, version)
    assert kept == {"largest_person": None, "joins_per_minute": 50, "dormant_days": 365}
    assert read.safeguards == Safeguards(largest_person=None)
