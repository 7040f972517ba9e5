"""How often a person did something: events by name (or name prefix), filtered, in a window, since another event."""

from services.segment.domain.condition import Condition, ConditionKind, Grammar
from services.segment.domain.counting import read_count
from services.segment.domain.happened import Happened
from services.segment.domain.occurrence import Occurrence, read_filters
from services.segment.domain.reader import Reader
from services.segment.domain.shape import COUNT, FILTERS, TEXT, Example, Shape, named
from services.segment.domain.window import EVER, read_window


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    prefix = "did_prefix" in reader.members()
    key = "did_prefix" if prefix else "did"
    reader.only(key, "count", "window", "where")
    name = reader.need(key).text()
    where = read_filters(reader.get("where"), grammar)
    count = read_count(reader.get("count"))
    given = reader.get("window")
    since = given.get("since") if given else None
    if given is None or since is None:
        return Happened(Occurrence(name, where, read_window(given), prefix), count)
    rest = Reader({key: value for key, value in given.members().items() if key != "since"}, given.pointer, given.faults)
    window = read_window(rest) if rest.members() else EVER
    return Happened(Occurrence(name, where, window, prefix), count, _read_since(since, grammar))


def _read_since(reader: Reader, grammar: Grammar) -> Occurrence:
    if isinstance(reader.value, str):
        return Occurrence(reader.text())
    reader.only("event", "where")
    return Occurrence(reader.need("event").text(), read_filters(reader.get("where"), grammar))


condition = ConditionKind(
    ("did", "did_prefix"),
    _parse,
    (
        Shape({"did": TEXT}, {"count": COUNT, "window": named("window_since"), "where": FILTERS}),
        Shape({"did_prefix": TEXT}, {"count": COUNT, "window": named("window_since"), "where": FILTERS}),
    ),
    (
        Example(
            "bought at least twice in the last seven days",
            {"did": "bought", "count": {"op": "gte", "n": 2}, "window": {"last": "7 days"}},
        ),
        Example("never complained", {"did": "complained", "count": {"op": "equals", "n": 0}}),
        Example(
            "one to three orders of a brand in 2024",
            {
                "did": "bought",
                "count": {"op": "between", "n": [1, 3]},
                "window": {"from": "2024-01-01", "to": "2025-01-01"},
                "where": [{"prop": ["item", "brand"], "op": "equals", "value": "acme"}],
            },
        ),
        Example("bought this month", {"did": "bought", "window": {"period": "month"}}),
        Example(
            "seen between two weeks and one week ago",
            {"did": "seen", "window": {"from_ago": "14 days", "to_ago": "7 days"}},
        ),
        Example(
            "bought since the last reminder was opened",
            {
                "did": "bought",
                "window": {
                    "since": {
                        "event": "$message_opened",
                        "where": [{"prop": "template_id", "op": "equals", "value": "reminder"}],
                    }
                },
            },
        ),
        Example("anything in the mall", {"did_prefix": "mall_"}),
    ),
)
