"""Persons that answers matter for alone, laid down for as long as they are asked about."""

from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np
from pyroaring import BitMap

from libs.common.ids import new_id
from services.segment.store.columnar import KEPT, Columnar
from services.segment.store.scope import Scope

FEW, MOST, SHARE = 1_000, 500_000, 8
"""They are laid down if they are few, or at the most one of so many: each row is looked up among them then, 10 ns."""


class Crowds:
    """Lays persons down in the engine's memory; a set that several questions share once. A context: they go at its end.

    Bound with a statement, a set of 100,000 would cost it 50 ms.
    """

    def __init__(self, columnar: Columnar) -> None:
        self._columnar = columnar
        self._tables: list[tuple[BitMap, str]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, table in self._tables:
            await self._columnar.command(f"drop table if exists {table}")

    async def scope_of(self, everybody: Scope, matters: BitMap | None) -> Scope:
        """Return the scope of questions whose answers matter for some persons alone, or for everybody (None)."""
        if matters is None or not _are_few(matters):
            return everybody
        for persons, table in self._tables:
            if persons == matters:
                return replace(everybody, among=table)
        table = f"{KEPT}.crowd_{new_id().hex}"
        self._tables.append((matters, table))
        await self._columnar.command(f"create table {table} (person_no Int32) engine = Memory")
        await self._columnar.insert_numbers(table, np.asarray(matters, np.dtype("<i4")).tobytes())
        return replace(everybody, among=table)


def _are_few(persons: BitMap) -> bool:
    """Tell whether looking rows up among them is worth it; numbers are dense: the highest tells how many there are."""
    return len(persons) <= min(MOST, max(FEW, persons.max() // SHARE))
