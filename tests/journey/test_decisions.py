"""Nodes and the walk through a graph, without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from libs.common.ids import new_id
from services.journey.domain.advance import CONTROL, ZONE, Advance, advance
from services.journey.domain.chance import draw
from services.journey.domain.graph import Graph
from services.journey.domain.node import Facts, Question
from services.journey.domain.reading import read_graph
from services.journey.domain.run import Run
from services.journey.domain.signal import Signal
from services.journey.domain.zones import zone
from services.journey.store.graphs import node_kinds

KINDS = node_kinds()
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PERSON = UUID("018f0000-0000-7000-8000-00000000beef")
ENTRY = {"on": "event", "event": "go"}
END = {"id": "end", "type": "exit"}


def a_graph(*nodes: dict[str, Any], **more: Any) -> Graph:
    return read_graph({"entry": ENTRY, "nodes": list(nodes), **more}, KINDS)


def a_run(**more: Any) -> Run:
    return Run(
        **{
            "run_id": new_id(), "workspace_id": 1, "journey_id": UUID(int=1), "version": 1, "person_no": 1,
            "person_id": PERSON, "entry_time": NOW, "entry_event_id": None, "arrived_at": NOW, "planned_at": NOW,
            **more,
        }
    )  # fmt: skip


def facts(now: datetime = NOW, *heard: Signal, **more: Any) -> Facts:
    return Facts(now=now, zone=zone("UTC"), heard=heard, **more)


def heard(name: str, at: datetime, **properties: Any) -> Signal:
    return Signal(id=new_id(), name=name, at=at, properties=properties)


def walk(run: Run, graph: Graph, known: Facts) -> Advance:
    return advance(run, graph, known, "live")


def test_a_jump_is_bounded_and_then_leaves_the_journey_as_a_loop() -> None:
    graph = a_graph(
        {"id": "a", "type": "wait", "for": "PT1H"}, {"id": "back", "type": "jump", "to": "a", "max_visits": 2}
    )
    run, now = a_run(), NOW
    found = walk(run, graph, facts(now))
    visits = [run.visit]
    while found.due_at is not None:
        now = found.due_at
        found = walk(run, graph, facts(now))
        visits.append(run.visit)
    assert (found.state, found.reason) == ("exited", "loop")
    assert now == NOW + timedelta(hours=3)
    assert visits == [1, 2, 3, 3]


def test_a_wait_that_is_asked_twice_says_the_same() -> None:
    graph = a_graph({"id": "w", "type": "wait", "for": "P1D"})
    run = a_run()
    first = walk(run, graph, facts())
    again = walk(run, graph, facts(NOW + timedelta(hours=5)))
    assert first.due_at == again.due_at == NOW + timedelta(days=1)
    assert again.steps == []


def test_a_date_in_the_past_goes_on_at_once_marked_late_or_out_if_the_author_says_so() -> None:
    node = {"id": "w", "type": "wait", "until": "2026-01-01T00:00:00Z"}
    late = walk(a_run(), a_graph(node), facts())
    assert (late.state, late.steps[-1].reason) == ("completed", "late")
    out = walk(a_run(), a_graph({**node, "if_past": "exit"}), facts())
    assert (out.state, out.reason) == ("exited", "expired")


def test_a_wait_until_the_entry_events_date_moves_by_its_offset() -> None:
    until = {"kind": "property", "name": "expires_on", "offset": "-P3D", "at": "10:00"}
    run = a_run(entry={"expires_on": "2026-03-20"}, zone="Asia/Shanghai")
    known = Facts(now=NOW, zone=zone("Asia/Shanghai"))
    found = walk(run, a_graph({"id": "w", "type": "wait", "until": until}), known)
    assert found.due_at == datetime(2026, 3, 17, 2, 0, tzinfo=UTC)
    without = walk(a_run(entry={}, zone="UTC"), a_graph({"id": "w", "type": "wait", "until": until}), facts())
    assert (without.state, without.steps[-1].reason) == ("completed", "no_date")


def test_the_zone_is_asked_for_when_the_entry_event_had_none() -> None:
    graph = a_graph({"id": "w", "type": "wait", "until": {"kind": "local_time", "at": "10:00"}})
    run = a_run()
    assert walk(run, graph, facts()).questions == (ZONE,)
    found = walk(run, graph, Facts(now=NOW, zone=zone("Asia/Shanghai"), answers={ZONE: "Asia/Shanghai"}))
    assert found.due_at == datetime(2026, 3, 3, 2, 0, tzinfo=UTC)


WAIT_FOR: dict[str, Any] = {
    "id": "wf", "type": "wait_for", "events": [{"event": "paid", "to": "yes"}], "timeout": "P1D", "timeout_to": "no",
}  # fmt: skip
ENDS = ({"id": "yes", "type": "exit", "reason": "goal"}, {"id": "no", "type": "exit"})


def test_what_happened_since_the_entry_lets_a_wait_pass_at_once_unless_only_new_counts() -> None:
    wait = {"id": "w", "type": "wait", "for": "PT1H"}
    paid = heard("paid", NOW + timedelta(minutes=5))
    later = facts(NOW + timedelta(hours=1), paid)
    for only_new, expected in ((False, "exited"), (True, "waiting")):
        run = a_run()
        graph = a_graph(wait, {**WAIT_FOR, "only_new": only_new}, *ENDS)
        walk(run, graph, facts())
        assert walk(run, graph, later).state == expected


def test_the_first_of_several_events_wins_whatever_the_order_of_arrival() -> None:
    events = [{"event": "paid", "to": "yes"}, {"event": "called", "to": "no"}]
    graph = a_graph({**WAIT_FOR, "events": events}, *ENDS)
    called, paid = heard("called", NOW + timedelta(minutes=1)), heard("paid", NOW + timedelta(minutes=2))
    for order in ((called, paid), (paid, called)):
        found = walk(a_run(), graph, facts(NOW + timedelta(minutes=3), *order))
        assert found.reason == "not_matching"


def test_an_event_at_or_after_the_time_out_loses() -> None:
    graph = a_graph(WAIT_FOR, *ENDS)
    deadline = NOW + timedelta(days=1)
    for at, reason in ((deadline, "not_matching"), (deadline - timedelta(seconds=1), "goal")):
        run = a_run()
        assert walk(run, graph, facts()).due_at == deadline
        assert walk(run, graph, facts(deadline, heard("paid", at))).reason == reason


def test_a_named_event_restarts_the_time_out() -> None:
    graph = a_graph({**WAIT_FOR, "restart_on": [{"event": "viewed"}]}, *ENDS)
    run = a_run()
    walk(run, graph, facts())
    viewed = heard("viewed", NOW + timedelta(hours=20))
    found = walk(run, graph, facts(NOW + timedelta(days=1), viewed))
    assert found.due_at == NOW + timedelta(hours=44)


def test_a_filter_may_refer_to_the_entry_event() -> None:
    events = [{"event": "paid", "to": "yes", "filter": [{"path": "cart_id", "same": "cart_id"}]}]
    graph = a_graph({**WAIT_FOR, "events": events}, *ENDS)
    assert graph.reads_entry
    for cart, state in (("c1", "exited"), ("c2", "waiting")):
        run = a_run(entry={"cart_id": "c1"})
        assert walk(run, graph, facts(NOW, heard("paid", NOW, cart_id=cart))).state == state


def test_a_segment_one_is_in_already_lets_a_wait_pass() -> None:
    events = [{"segment": "vip", "to": "yes"}]
    graph = a_graph({**WAIT_FOR, "events": events}, *ENDS)
    question = Question("segment", "vip")
    run = a_run()
    assert walk(run, graph, facts()).questions == (question,)
    assert walk(run, graph, facts(answers={question: True})).reason == "goal"


def test_exit_rules_act_wherever_the_run_is_also_before_its_first_step() -> None:
    graph = a_graph({"id": "m", "type": "send", "channel": "email"}, exit_rules=[{"event": "paid"}])
    found = walk(a_run(), graph, facts(NOW, heard("paid", NOW + timedelta(seconds=1))))
    assert (found.state, found.reason, found.messages) == ("exited", "exit_rule", [])


def test_the_goal_counts_within_its_window_only() -> None:
    graph = a_graph({"id": "w", "type": "wait", "for": "P9D"}, goal={"event": "paid", "window": "P7D"})
    for days, reason in ((6, "goal"), (8, None)):
        found = walk(a_run(), graph, facts(NOW, heard("paid", NOW + timedelta(days=days))))
        assert found.reason == reason


def test_the_control_arm_walks_the_journey_without_messages() -> None:
    graph = a_graph({"id": "m", "type": "send", "channel": "email", "on_drop": "exit"}, control={"percent": 50})
    for arm, sent in (("control", 0), ("treatment", 1)):
        run = a_run()
        found = walk(run, graph, facts(arms={CONTROL: arm}))
        assert (run.arm, len(found.messages)) == (arm, sent)
    fresh = walk(a_run(), graph, facts())
    assert fresh.arms[CONTROL] in {"control", "treatment"}


@given(st.lists(st.floats(0.5, 50), min_size=2, max_size=6), st.uuids())
def test_a_person_draws_the_same_arm_for_ever(weights: list[float], person: UUID) -> None:
    arms = {str(number): weight for number, weight in enumerate(weights)}
    assert draw("salt", person, arms) == draw("salt", person, arms)
    assert draw("salt", person, arms) in arms


def test_arms_are_drawn_in_proportion_to_their_weights() -> None:
    drawn = [draw("j/n", UUID(int=number), {"a": 30, "b": 70}) for number in range(20_000)]
    assert 0.28 < drawn.count("a") / len(drawn) < 0.32


def test_an_arm_drawn_before_stays_when_the_weights_change() -> None:
    def graph(first: float) -> Graph:
        arms = [{"name": "a", "weight": first, "to": "yes"}, {"name": "b", "weight": 1, "to": "no"}]
        return a_graph({"id": "p", "type": "split_percent", "arms": arms}, *ENDS)

    before = walk(a_run(), graph(1e6), facts())
    assert before.arms == {"p": "a"}
    after = walk(a_run(), graph(1e-6), facts(arms={"p": "a"}))
    assert (after.reason, after.arms) == ("goal", {})


def test_a_send_goes_on_at_once_unless_the_author_cares_for_an_outcome() -> None:
    found = walk(a_run(), a_graph({"id": "m", "type": "send", "channel": "email"}), facts())
    assert (found.state, len(found.messages)) == ("completed", 1)
    graph = a_graph({"id": "m", "type": "send", "channel": "email", "on_drop": {"consent": "exit"}})
    for properties, state, reason in (
        ({"state": "sent"}, "completed", None),
        ({"state": "suppressed", "reason": "consent"}, "exited", "consent"),
        ({"state": "suppressed", "reason": "cap"}, "completed", None),
        ({"state": "deferred", "reason": "quiet"}, "waiting", None),
    ):
        run = a_run()
        assert walk(run, graph, facts()).state == "waiting"
        found = walk(run, graph, facts(NOW, heard("$message:m:1", NOW, **properties)))
        assert (found.state, found.reason, found.messages) == (state, reason, [])


def test_a_message_that_expired_while_the_run_was_kept_is_dropped() -> None:
    graph = a_graph({"id": "m", "type": "send", "channel": "email", "expires": "PT2H"})
    found = walk(a_run(), graph, facts(NOW + timedelta(hours=3)))
    assert (found.messages, found.steps[-1].reason) == ([], "expired")


def test_a_value_splits_n_ways() -> None:
    cases = [{"op": "gte", "value": 100, "to": "yes"}]
    graph = a_graph({"id": "s", "type": "split_value", "name": "total", "cases": cases, "otherwise": "no"}, *ENDS)
    for total, reason in ((100, "goal"), ("250.5", "goal"), (99, "not_matching"), (None, "not_matching")):
        assert walk(a_run(entry={"total": total}), graph, facts()).reason == reason


def test_a_pause_keeps_a_run_and_a_stop_ends_it() -> None:
    graph = a_graph({"id": "w", "type": "wait", "for": "P1D"}, exit_rules=[{"event": "paid"}])
    run = a_run()
    walk(run, graph, facts())
    assert advance(run, graph, facts(NOW + timedelta(days=2)), "paused").parked
    assert advance(run, graph, facts(NOW, heard("paid", NOW)), "paused").reason == "exit_rule"
    assert advance(run, graph, facts(), "stopped").reason == "operator"


@given(st.permutations(range(6)), st.lists(st.integers(0, 2000), min_size=6, max_size=6))
def test_the_order_in_which_things_were_heard_never_changes_a_decision(order: list[int], minutes: list[int]) -> None:
    names = ["paid", "viewed", "called", "paid", "viewed", "other"]
    signals = [
        Signal(id=UUID(int=number + 1), name=name, at=NOW + timedelta(minutes=minutes[number]))
        for number, name in enumerate(names)
    ]
    graph = a_graph(
        {**WAIT_FOR, "events": [{"event": "paid", "to": "yes"}, {"event": "called", "to": "no"}],
         "restart_on": [{"event": "viewed"}]}, *ENDS,
    )  # fmt: skip
    now = NOW + timedelta(days=2)
    straight = walk(a_run(), graph, facts(now, *signals))
    shuffled = walk(a_run(), graph, facts(now, *[signals[number] for number in order]))
    assert (straight.state, straight.reason, straight.due_at) == (shuffled.state, shuffled.reason, shuffled.due_at)
