"""message: a message or campaign was received, opened, clicked, suppressed for a reason ..."""

from typing import get_args

from libs.common.contracts.messaging.message_progressed import MessageState
from services.segment.domain.condition import Condition, ConditionKind, Grammar
from services.segment.domain.counting import read_count
from services.segment.domain.happened import Happened, read_named_properties
from services.segment.domain.occurrence import Occurrence, read_filters
from services.segment.domain.reader import Reader
from services.segment.domain.shape import COUNT, FILTERS, TEXTS, WINDOW, Example, Shape, words
from services.segment.domain.window import read_window

STATES: tuple[str, ...] = get_args(MessageState)
_WORDS = {"received": "delivered", **{state: state for state in STATES}}
PROPERTIES = {
    "campaign": "campaign_id",
    "journey": "journey_id",
    "template": "template_id",
    "message_id": "message_id",
    "channel": "channel",
    "reason": "reason",
    "node": "node",
    "topic": "topic",
    "category": "category",
    "link": "link",
}


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    reader.only("message", *PROPERTIES, "count", "window", "where")
    state = _WORDS[reader.need("message").one_of(*_WORDS)]
    named = read_named_properties(reader, grammar, PROPERTIES)
    where = (*read_filters(reader.get("where"), grammar), *named)
    what = Occurrence(f"$message_{state}", where, read_window(reader.get("window")))
    return Happened(what, read_count(reader.get("count")))


condition = ConditionKind(
    ("message",),
    _parse,
    (
        Shape(
            {"message": words(*_WORDS)},
            {**dict.fromkeys(PROPERTIES, TEXTS), "count": COUNT, "window": WINDOW, "where": FILTERS},
        ),
    ),
    (
        Example(
            "opened a message of the campaign in the last month",
            {"message": "opened", "campaign": "spring", "window": {"last": "1 month"}},
        ),
        Example(
            "was kept from a message because of a cap or quiet hours",
            {"message": "suppressed", "reason": ["cap", "quiet_hours"]},
        ),
    ),
)
