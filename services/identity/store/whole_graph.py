"""The whole graph of a workspace read as columns: by COPY, two statements, nothing opened."""

import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from libs.common.db import Statement, Tx, load_sql, statement
from services.identity.domain.columns import KINDS, Columns, Flags, Ints
from services.identity.domain.consents import EVERY
from services.identity.domain.seen_alone import NEVER_ALONE
from services.identity.domain.twins import TWIN_SOURCE

_NODES = load_sql(__file__, "whole_nodes.sql")
_EVIDENCE = load_sql(__file__, "whole_evidence.sql")
_MAY_BE_IDLE = statement("select set_config('idle_in_transaction_session_timeout', '0', true)")
_TEXT = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class WholeGraph:
    """All evidence as columns, and what is stored about each node, by its position: number, person, hub, and when it
    was last seen alone (`alone_at`, in microseconds since 1970, or NEVER_ALONE)."""

    columns: Columns
    node_no: Ints
    person_no: Ints
    shared: Flags
    alone_at: Ints


async def read_whole(tx: Tx, workspace_id: int) -> WholeGraph:
    """Read every identifier and every fact of a workspace; what names an identifier that is gone is left out.

    The transaction may be idle from here on as long as it takes to add all up.
    """
    await tx.fetch_value(_MAY_BE_IDLE)
    facts = await _copy(
        tx,
        _EVIDENCE,
        ["fact", "kind", "tier", "at", "basis", "derived", "node"],
        {"kind": _TEXT, "basis": _TEXT},
        workspace_id=workspace_id,
        derived_source=TWIN_SOURCE,
    )
    # Of what was said about consent only purposes matter that evidence was taken for.
    purposes = [one for one in (EVERY, *pc.unique(facts["basis"]).to_pylist()) if one]
    nodes = await _copy(
        tx,
        _NODES,
        ["no", "person", "namespace", "scope", "shared", "restless", "alone_at"],
        {"namespace": _TEXT, "scope": _TEXT},
        workspace_id=workspace_id,
        purposes=purposes,
        never=NEVER_ALONE,
    )
    node_no = _column(nodes, "no")
    named = _column(facts, "node")
    place = np.searchsorted(node_no, named)
    there = np.append(node_no, -1)[place] == named
    if not there.all():
        facts, place = facts.filter(pa.array(there)), place[there]
    fact = _column(facts, "fact")
    first = np.flatnonzero(np.concatenate([[True], fact[1:] != fact[:-1]])) if len(fact) else np.zeros(0, np.int64)
    kinds, kind = _coded(facts, "kind")
    bases, basis = _coded(facts, "basis")
    namespaces, namespace = _coded(nodes, "namespace")
    columns = Columns(
        namespaces=namespaces,
        bases=bases or [""],
        namespace=namespace,
        scope=_coded(nodes, "scope")[1],
        restless=_column(nodes, "restless").astype(np.bool_),
        kind=np.array([KINDS.index(one) for one in kinds], dtype=np.int64)[kind[first]] if kinds else first,
        tier=_column(facts, "tier")[first],
        at=_column(facts, "at")[first],
        basis=basis[first],
        derived=_column(facts, "derived")[first].astype(np.bool_),
        start=np.append(first, len(fact)),
        node=place,
    )
    shared = _column(nodes, "shared").astype(np.bool_)
    return WholeGraph(columns, node_no, _column(nodes, "person"), shared, _column(nodes, "alone_at"))


async def _copy(
    tx: Tx, statement: Statement, names: list[str], text: dict[str, pa.DataType], **arguments: object
) -> pa.Table:
    lines = io.BytesIO()
    await tx.driver.copy_from_query(statement.text, *statement.bind(arguments), output=lines, format="csv")
    types = {name: text.get(name, pa.int64()) for name in names}
    if not lines.tell():
        return pa.table({name: pa.array([], type=types[name]) for name in names})
    lines.seek(0)
    return csv.read_csv(
        lines,
        read_options=csv.ReadOptions(column_names=names),
        convert_options=csv.ConvertOptions(column_types=types, strings_can_be_null=False),
    )


def _column(table: pa.Table, name: str) -> Ints:
    column: Ints = table[name].to_numpy().astype(np.int64)
    return column


def _coded(table: pa.Table, name: str) -> tuple[list[str], Ints]:
    """Return the texts of a column, and by row which it is."""
    column = table[name].combine_chunks() if table.num_rows else table[name].cast(pa.string()).combine_chunks()
    coded = pc.dictionary_encode(column.cast(pa.string()))
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    codes: Ints = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return coded.dictionary.to_pylist(), codes
