"""Islands: identifiers that any evidence ever named together, however loosely. No rule reaches across their shores."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby


class Islands:
    """Disjoint sets of node numbers; four bytes a node, so that tens of millions fit."""

    def __init__(self) -> None:
        self._parent = array("i")

    def add(self, node: int) -> None:
        """Take a node in."""
        if node >= len(self._parent):
            self._parent.extend([-1] * (node + 1 - len(self._parent)))
        if self._parent[node] < 0:
            self._parent[node] = node

    def join(self, nodes: Sequence[int]) -> None:
        """Say that nodes were named together."""
        for node in nodes:
            self.add(node)
        roots = {self._root(node) for node in nodes}
        least = min(roots, default=0)
        for root in roots:
            self._parent[root] = least

    def _root(self, node: int) -> int:
        parent = self._parent
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    def batches(self, size: int) -> Iterator[list[int]]:
        """Yield whole islands, small ones together, `size` nodes or more at a time; a large one comes alone."""
        batch: list[int] = []
        for island in self._islands():
            if len(island) >= size:
                yield island
                continue
            batch += island
            if len(batch) >= size:
                yield batch
                batch = []
        if batch:
            yield batch

    def _islands(self) -> Iterator[list[int]]:
        order = sorted(self._nodes(), key=lambda node: (self._root(node), node))
        return (list(nodes) for _, nodes in groupby(order, key=self._root))

    def _nodes(self) -> Iterable[int]:
        return (node for node, parent in enumerate(self._parent) if parent >= 0)
