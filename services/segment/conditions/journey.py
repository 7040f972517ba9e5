"""journey: entered, is in, finished, left a journey, or reached one of its nodes."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry, Question
from services.segment.domain.counting import read_count
from services.segment.domain.edges import TimeEdge
from services.segment.domain.formula import Formula
from services.segment.domain.happened import Happened, read_named_properties
from services.segment.domain.occurrence import IS_OURS, Occurrence, PropertyTest, property_columns
from services.segment.domain.reader import Reader
from services.segment.domain.shape import COUNT, TEXT, TEXTS, WINDOW, Example, Shape, words
from services.segment.domain.window import read_window

_EVENTS = {
    "entered": "$journey_entered",
    "reached": "$journey_moved",
    "finished": "$journey_completed",
    "left": "$journey_exited",
}
_ENDS = (_EVENTS["finished"], _EVENTS["left"])


@dataclass(frozen=True)
class InJourney(Condition):
    """The person is on a way through the journey that has not ended (and is at one of the nodes)."""

    journey: tuple[PropertyTest, ...]
    nodes: tuple[str, ...] = ()

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        bind = inquiry.bind
        run, node = (property_columns((name,), inquiry).text for name in ("run_id", "node"))
        place = property_columns(("sequence",), inquiry).number
        names = tuple(_EVENTS.values())
        asked = [f"has({bind.texts(names)}, name)", IS_OURS, *(tested.sql(inquiry) for tested in self.journey)]
        these = " and ".join(asked)
        ended = f"has({bind.texts(_ENDS)}, name)"
        told = f"arraySort(groupArrayIf(({run}, {place}, event_time, {node}, {ended}), {these}))"
        # as long as the steps, where there are none too: who knows other journeys alone
        following = f"arrayPopFront(arrayPushBack(arrayMap(step -> step.1, {told}), ''))"
        here = f" and has({bind.texts(self.nodes)}, step.4)" if self.nodes else ""
        last = f"arrayFilter((step, next) -> step.1 != next and not step.5{here}, {told}, {following})"
        shown = f"arrayStringConcat(arrayMap(step -> step.4, {last}), ', ')"
        return inquiry.ask(Question("event", f"notEmpty({last})", names, value=shown))

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return Concerns(events=frozenset(_EVENTS.values()))

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        yield from ()


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    reader.only("journey", "state", "node", "reason", "count", "window")
    named = reader.need("journey")
    key = "journey_id" if _is_id(named.text()) else "journey_name"
    journey = read_named_properties(reader, grammar, {"journey": key})
    state = reader.need("state").one_of("in", *_EVENTS)
    node = reader.get("node")
    if state == "in":
        for member in ("reason", "count", "window"):
            if reader.get(member):
                raise reader.at(member).refuse("whether somebody is in a journey is asked of now alone")
        nodes = tuple(item.text() for item in node.items(at_least=1)) if node and isinstance(node.value, list) else ()
        return InJourney(journey, nodes or ((node.text(),) if node else ()))
    if state == "reached" and node is None:
        raise reader.refuse("`node` is required: which one was reached")
    where = (*journey, *read_named_properties(reader, grammar, {"node": "node", "reason": "reason"}))
    what = Occurrence(_EVENTS[state], where, read_window(reader.get("window")))
    return Happened(what, read_count(reader.get("count")))


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


condition = ConditionKind(
    ("journey",),
    _parse,
    (
        Shape({"journey": TEXT, "state": words("in")}, {"node": TEXTS}),
        Shape(
            {"journey": TEXT, "state": words("reached"), "node": TEXTS},
            {"reason": TEXTS, "count": COUNT, "window": WINDOW},
        ),
        Shape(
            {"journey": TEXT, "state": words("entered", "finished", "left")},
            {"node": TEXTS, "reason": TEXTS, "count": COUNT, "window": WINDOW},
        ),
    ),
    (
        Example(
            "is in the journey now, at one of two nodes", {"journey": "welcome", "state": "in", "node": ["wait", "ask"]}
        ),
        Example(
            "finished it within the last year",
            {"journey": "welcome", "state": "finished", "window": {"last": "1 year"}},
        ),
    ),
)
