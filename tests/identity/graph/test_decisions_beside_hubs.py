"""A decision about two identifiers may make a hub beside them somebody's again: a supersede counts or not."""

from itertools import permutations
from typing import Any

import pytest

from services.identity.domain.evidence import Evidence
from tests.identity.graph.graphs import Graph
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import DENSE, an_identifier, evidence

TEL = an_identifier("tel", "hotline")
ONE, TWO, THREE, NEW = (an_identifier("account", name) for name in ("one", "two", "three", "new"))
CROWD = [evidence(number, account, TEL, at=1) for number, account in enumerate((ONE, TWO, THREE))]
MOVED = evidence(10, THREE, NEW, kind="supersede", tier=0, at=2)
BACK = evidence(11, NEW, THREE, kind="supersede", tier=0, at=3)
PARTED = evidence(12, THREE, NEW, kind="cannot_link", tier=0, at=4)
JOINED = evidence(13, THREE, NEW, kind="must_link", tier=0, at=5)


@pytest.mark.parametrize(
    "decisions",
    [[MOVED, PARTED, JOINED], [MOVED, BACK, PARTED], [MOVED, PARTED, JOINED, BACK]],
    ids=["parted_and_joined", "moved_and_back", "all"],
)
async def test_id07_a_hub_stands_or_falls_by_what_is_decided_of_its_neighbours_in_any_order(
    graph_of: Any, decisions: list[Evidence]
) -> None:
    for order in list(permutations(decisions))[:: len(decisions) - 2]:
        graph: Graph = await graph_of(DENSE)
        said = [*CROWD]
        await graph.take(said)
        for one in order:
            said.append(one)
            await graph.take([one])
            await graph.look_again()
            assert_equal(await graph.stored(), said, DENSE)
