"""Read the rows of a file as the resolver would, into the outline of a graph that is only foreseen."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from libs.common.access.model import Source
from libs.common.db import Tx
from services.identity.domain.basis import with_basis
from services.identity.domain.calls import event_time
from services.identity.domain.deduplication import copy_key, event_key
from services.identity.domain.erasing import without
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.forecast import Forecast
from services.identity.domain.import_rows import Chunk, MappedRow
from services.identity.domain.reading import Reading, RecordedCall, read_evidence
from services.identity.domain.respelling import denoted, respelling
from services.identity.domain.tracking_plan import TrackingPlan, sort_calls
from services.identity.domain.twins import TWIN_SOURCE, twins_of
from services.identity.store import erasures, foreseen, imports, nodes
from services.identity.store.nodes import NodeRow
from services.identity.usecases.graph.foreseen_graph import ForeseenGraph
from services.identity.usecases.graph.tools import GraphTools

MOST_NAMES = 200
OTHERS = "(others)"
_NOBODYS = UUID(int=0)
Said = list[tuple[int, Evidence]]


async def read_sayings(
    tx: Tx, tools: GraphTools, graph: ForeseenGraph, chunk: Chunk, source: Source, plan: TrackingPlan | None,
    found: Forecast,
) -> None:  # fmt: skip
    """Take the evidence of a chunk's rows into the graph, and count in `found` what cannot be taken, by reason."""
    found.rows += len(chunk.calls) + len(chunk.bad)
    calls = chunk.calls
    refused = Counter(found.refused)
    refused.update(one.refusal.reason for one in chunk.bad)
    if plan is not None:
        done = sort_calls([one.call for one in calls], plan)
        refused.update(refusal.reason for _, refusal in done.held)
        calls = [calls[one] for one in done.staying]
    found.refused = dict(refused)
    new = await _unrecorded(tx, graph, calls)
    found.duplicates += len(calls) - len(new)
    found.personless += sum(one.personless for one in new)
    # Thousands of rows are read, and phones are parsed, long enough to hold the event loop.
    said = await asyncio.to_thread(_said, tools, graph, new, source, found)
    numbers, said = await _numbered(tx, tools, graph, said, found)
    for row_no, fact in said:
        places = [numbers[one] for one in fact.identifiers]
        if fact.source_id != TWIN_SOURCE:
            graph.tier = fact.tier
            graph.sayings.add(fact, places, row_no, graph.policies)
        elif len(places) > 1:
            graph.spell(*places)


def _said(tools: GraphTools, graph: ForeseenGraph, rows: Sequence[MappedRow], source: Source, found: Forecast) -> Said:
    said: Said = []
    for one in rows:
        reading = read_evidence(_recorded(graph, one), source, tools.namespaces, graph.policies)
        _count_invalid(found, reading)
        said += [(one.row_no, with_basis(fact, graph.policies)) for fact in reading.evidence]
    return said + _spellings(graph, said)


def _spellings(graph: ForeseenGraph, said: Said) -> Said:
    """Return what the policies say of the file's identifiers; of issuers that ignore case they are lower already."""
    if not graph.policies.respelling:
        return []
    found: dict[Identifier, tuple[int, Evidence]] = {}
    for row_no, fact in said:
        for one, other in denoted(fact, graph.policies):
            if one not in found:
                found[one] = row_no, respelling(one, other, event_id=_NOBODYS, received_at=fact.first_received_at)
    return list(found.values())


async def _unrecorded(tx: Tx, graph: ForeseenGraph, calls: Sequence[MappedRow]) -> list[MappedRow]:
    """Return the rows that the record does not have yet; another content under a known id is one."""
    keys = [event_key(graph.workspace_id, graph.source_id, one.message_id) for one in calls]
    copies = [copy_key(key, one.call.content_hash) for key, one in zip(keys, calls, strict=True)]
    known = await imports.contents(tx, [*keys, *copies]) if keys else {}
    return [
        one
        for one, key, copy in zip(calls, keys, copies, strict=True)
        if known.get(key) != one.call.content_hash and copy not in known
    ]


def _recorded(graph: ForeseenGraph, row: MappedRow) -> RecordedCall:
    call = row.call
    return RecordedCall(
        workspace_id=graph.workspace_id,
        event_id=_NOBODYS,
        source_id=graph.source_id,
        received_at=graph.now,
        event_time=event_time(call, graph.now, sent_at=None, correct=False),
        original_time=call.original_time,
        kind=call.kind,
        name=call.name,
        message_id=row.message_id,
        imported=True,
        live=False,
        body=call.body,
    )


def _count_invalid(found: Forecast, reading: Reading) -> None:
    for one in reading.invalid:
        # A file may name a namespace a row, or have a value where a namespace should be: neither belongs in the report.
        is_told = one.reason != "unknown_namespace" and (
            one.namespace in found.invalid or len(found.invalid) < MOST_NAMES
        )
        name = one.namespace if is_told else OTHERS
        reasons = found.invalid.setdefault(name, {})
        reasons[one.reason] = reasons.get(one.reason, 0) + 1


async def _numbered(
    tx: Tx, tools: GraphTools, graph: ForeseenGraph, said: Said, found: Forecast
) -> tuple[dict[Identifier, int], Said]:
    """Return the numbers of all identifiers, and the evidence without what is about erased ones."""
    home = graph.workspace_id
    wanted = {tools.lookup(home, one): one for _, fact in said for one in fact.identifiers}
    stored = await nodes.find(tx, [(home, one) for one in wanted]) if wanted else {}
    numbers = {wanted[lookup]: number for (_, lookup), (number, _) in stored.items()}
    missing = {lookup: one for lookup, one in wanted.items() if one not in numbers}
    buried = await erasures.buried_among(tx, [(home, one) for one in missing]) if missing else set()
    erased = {missing.pop(lookup) for _, lookup in buried}
    if erased:
        told = (fact for _, fact in said if fact.source_id != TWIN_SOURCE)
        found.erased += sum(one in erased for fact in told for one in fact.identifiers)
        left = [(row_no, without(fact, erased, graph.policies)) for row_no, fact in said]
        said = [(row_no, fact) for row_no, fact in left if fact is not None]
        named = {one for _, fact in said for one in fact.identifiers}
        numbers = {one: number for one, number in numbers.items() if one in named}
        missing = {lookup: one for lookup, one in missing.items() if one in named}
    numbers |= {missing[lookup]: number for lookup, number in (await foreseen.find(tx, list(missing))).items()}
    await _make(tx, tools, graph, {lookup: one for lookup, one in missing.items() if one not in numbers}, numbers)
    for one, number in numbers.items():
        if not graph.knows(number):
            graph.touch(number, one.namespace)
    return numbers, said


async def _make(
    tx: Tx, tools: GraphTools, graph: ForeseenGraph, missing: dict[bytes, Identifier], numbers: dict[Identifier, int]
) -> None:
    """Give numbers to identifiers that nobody knows, and note their hashes."""
    rows: list[NodeRow] = []
    hashes: list[tuple[bytes, int | None, int | None]] = []
    home, sealer = graph.workspace_id, tools.sealer(graph.workspace_id)
    for lookup, one in missing.items():
        graph.next_no += 1
        number = numbers[one] = graph.highest + graph.next_no
        rows.append(NodeRow(home, number, lookup, one.namespace, one.scope, sealer.seal(one.value.encode())))
        twins = twins_of(one, tools.namespaces.get(one.namespace))
        hashes += [(tools.sealed_lookup(home, twin), number, None) for twin in twins]
        if one.namespace in tools.hashes:
            hashes.append((lookup, None, number))
    if rows:
        await foreseen.add(tx, rows)
    if hashes:
        await foreseen.note_twins(tx, hashes)
