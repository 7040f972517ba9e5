"""Events become rows, rows become messages: nothing is lost, order is kept, bounds hold."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from libs.common.ids import partition
from libs.common.outbox.messages import ClaimedRow, merge
from libs.common.outbox.rows import MAX_BYTES, MAX_EVENTS, encode_line, group
from tests.common.sample.contracts import NoteWritten, a_note

DECODER = msgspec.json.Decoder(NoteWritten)

notes = st.lists(
    st.builds(
        a_note,
        st.text(max_size=20) | st.just("x" * 60_000),
        workspace_id=st.integers(1, 3),
        person_no=st.integers(0, 40),
    ),
    max_size=60,
)


def claimed(rows):
    return [
        ClaimedRow(number, row.workspace_id, row.subject, row.pp, len(row.lines), row.payload, 0, None)
        for number, row in enumerate(rows)
    ]


@given(notes)
def test_every_event_travels_once_in_order_within_its_partition(events):
    rows = group(events)
    messages = merge(claimed(rows))
    arrived: dict[tuple[int, int], list] = {}
    for message in messages:
        assert message.event_count <= MAX_EVENTS
        assert len(message.payload) <= MAX_BYTES or message.event_count == 1
        first = message.rows[0]
        assert {(row.subject, row.workspace_id, row.pp) for row in message.rows} == {
            (first.subject, first.workspace_id, first.pp)
        }
        lines = message.payload.split(b"\n")
        assert len(lines) == message.event_count
        arrived.setdefault((first.workspace_id, first.pp), []).extend(DECODER.decode(line) for line in lines)
    said: dict[tuple[int, int], list] = {}
    for event in events:
        said.setdefault((event.workspace_id, partition(event.workspace_id, event.person_no)), []).append(event)
    assert arrived == said


def test_rows_are_cut_at_the_number_of_events():
    rows = group([a_note() for _ in range(MAX_EVENTS + 1)])
    assert [len(row.lines) for row in rows] == [MAX_EVENTS, 1]


def test_messages_have_the_same_key_for_the_same_rows():
    rows = claimed(group([a_note(person_no=number) for number in range(50)]))
    assert [message.key for message in merge(rows)] == [message.key for message in merge(rows)]


def test_a_pretty_printed_part_stays_on_one_line():
    class WithRaw(NoteWritten, frozen=True, kw_only=True):
        body: msgspec.Raw

    event = WithRaw(**msgspec.structs.asdict(a_note("a\nb")), body=msgspec.Raw(b'{\n  "a": [1,\r\n 2]\n}'))
    line = encode_line(event)
    assert b"\n" not in line and b"\r" not in line
    decoded = msgspec.json.decode(line)
    assert (decoded["text"], decoded["body"]) == ("a\nb", {"a": [1, 2]})
