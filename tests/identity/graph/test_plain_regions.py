"""Regions that need no run of the rule: what is said of them is what the rule says."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.domain.assignment import assign
from services.identity.domain.graph import Node
from services.identity.domain.partition import graph_of
from services.identity.domain.plain import plain_regions
from services.identity.domain.policy import NamespacePolicy, PolicySet
from tests.identity.graph.worlds import DENSE, EXAMPLES, NOW, an_identifier, evidence, histories

POSITIVE = {"login", "bind", "import", "observe", "logout"}
ROOMY = PolicySet(
    1,
    {
        **DENSE.policies,
        "tel": NamespacePolicy(priority=3, max_per_person=6, hub_threshold=4),
        "union": NamespacePolicy(priority=2),
        "cookie": NamespacePolicy(priority=7, window_days=40, max_per_person=9, hub_threshold=4, bridges=False),
    },
)


def compare(events, policies) -> int:
    """Hold the plain regions to the rule; return how many nodes are in one."""
    graph = graph_of(events, policies)
    names = {index: node.identifier for index, node in enumerate(graph.nodes)}
    links = {(link.low, link.high): link.facts for link in graph.links}
    told = plain_regions(names, links, policies, NOW, [])
    result = assign(graph.nodes, graph.links, policies, NOW)
    groups = {frozenset(group) for group in result.groups}
    settled = {one for group in told.groups for one in group}
    assert {frozenset(group) for group in told.groups} == {group for group in groups if group & settled}
    for link, state in zip(graph.links, result.states, strict=True):
        if {link.low, link.high} & settled:
            assert state is not None and state.state == "active"
    assert settled <= result.calm
    assert not settled & result.shared
    due = {at for one, at in result.recheck.items() if one in settled}
    assert set(told.recheck.values()) == due
    return len(settled)


def compare_with_hubs(events, policies, at_edge: bool) -> int:
    """Hold the plain regions between known hubs to the rule; return how many links to hubs are told."""
    graph = graph_of(events, policies)
    names = {index: node.identifier for index, node in enumerate(graph.nodes)}
    result = assign(graph.nodes, graph.links, policies, NOW)
    edge = result.shared if at_edge else frozenset()
    given = [link for link in graph.links if not edge.issuperset((link.low, link.high))]
    nodes = [Node(node.identifier, node.alone_at, known_hub=one in edge) for one, node in enumerate(graph.nodes)]
    result = assign(nodes, given, policies, NOW)
    links = {(link.low, link.high): link.facts for link in given}
    told = plain_regions(names, links, policies, NOW, {}, result.shared, edge)
    groups = {frozenset(group) for group in result.groups}
    settled = {one for group in told.groups for one in group}
    assert {frozenset(group) for group in told.groups} == {group for group in groups if group & settled}
    assert not settled & edge
    assert result.shared - edge <= settled
    states = dict(zip(((link.low, link.high) for link in given), result.states, strict=True))
    for ends in links:
        if settled.intersection(ends) and result.shared.isdisjoint(ends):
            assert states[ends].state == "active"
    for ends in told.hanging:
        assert states[ends].state == "shared"
    if not at_edge:
        assert settled <= result.calm
    return len(told.hanging)


@settings(max_examples=4 * EXAMPLES, deadline=None)
@given(histories(most=20), st.sampled_from([DENSE, ROOMY]), st.booleans(), st.booleans())
def test_what_is_said_of_plain_regions_between_hubs_is_what_the_rule_says(events, policies, only_positive, at_edge):
    compare_with_hubs([one for one in events if not only_positive or one.kind in POSITIVE], policies, at_edge)


def test_who_comes_to_a_hub_is_plain():
    members = [an_identifier("account", number) for number in range(3)]
    device = an_identifier("device", 1)
    events = [evidence(number, one, device, at=100) for number, one in enumerate(members)]
    assert compare_with_hubs(events, DENSE, at_edge=False) == compare_with_hubs(events, DENSE, at_edge=True) == 3


@settings(max_examples=4 * EXAMPLES, deadline=None)
@given(histories(most=14), st.sampled_from([DENSE, ROOMY]), st.booleans())
def test_what_is_said_of_plain_regions_is_what_the_rule_says(events, policies, only_positive):
    compare([one for one in events if not only_positive or one.kind in POSITIVE], policies)


def test_a_member_with_telephone_and_browser_is_plain():
    member, tel, cookie = (an_identifier(kind, 1) for kind in ("account", "tel", "cookie"))
    assert compare([evidence(1, member, tel, at=100), evidence(2, member, cookie, at=100)], DENSE) == 3


def test_two_who_meet_over_a_browser_alone_are_not():
    one, other = an_identifier("account", 1), an_identifier("tel", 2)
    browser = an_identifier("cookie", 3)
    assert compare([evidence(1, one, browser, at=100), evidence(2, other, browser, at=100)], DENSE) == 0


def test_an_expired_link_and_a_decision_are_for_the_rule():
    member, device = an_identifier("account", 1), an_identifier("device", 1)
    tel, other = an_identifier("tel", 1), an_identifier("tel", 2)
    assert compare([evidence(1, member, device, at=1)], DENSE) == 0
    assert compare([evidence(1, tel, other, kind="must_link", tier=0, at=100)], DENSE) == 0
