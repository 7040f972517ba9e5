"""Islands come whole, small ones together and a large one alone."""

from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.islands import Islands


@given(st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=4), max_size=40), st.integers(1, 12))
def test_every_island_is_in_one_batch_and_a_large_one_is_its_own(stars: list[list[int]], size: int) -> None:
    islands, found = Islands(), dict[int, set[int]]()
    for star in stars:
        islands.join(star)
        together = set(star).union(*(found.get(one, set()) for one in star))
        found.update(dict.fromkeys(together, together))
    batches = list(islands.batches(size))
    assert sorted(one for batch in batches for one in batch) == sorted(found)
    for batch in batches:
        inside = {frozenset(found[one]) for one in batch}
        assert set(batch) == set().union(*inside), "no island is cut"
        assert len(inside) == 1 or all(len(island) < size for island in inside)
