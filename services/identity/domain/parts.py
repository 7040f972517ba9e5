"""Connected parts of a large graph."""

import numpy as np

from services.identity.domain.columns import Ints


def connected(count: int, low: Ints, high: Ints) -> Ints:
    """Return by node 0..count-1 a representative of its part: larger roots hook onto smaller ones, links contract.

    After Shiloach and Vishkin 1982; the links that are left shrink with every round.
    """
    root = np.arange(count)
    while len(low):
        np.minimum.at(root, np.maximum(low, high), np.minimum(low, high))
        while True:
            above = root[root]
            if np.array_equal(above, root):
                break
            root = above
        low, high = root[low], root[high]
        open_ = low != high
        low, high = low[open_], high[open_]
    return root
