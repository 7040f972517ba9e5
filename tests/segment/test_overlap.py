"""How segments overlap: the numbers of the matrix are those of plain sets."""

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segment.domain.overlap import overlap_of

SETS = st.lists(st.sets(st.integers(1, 30)), min_size=1, max_size=8)


@given(SETS)
def test_the_matrix_is_that_of_plain_sets(sets):
    found = overlap_of([BitMap(one) for one in sets])
    assert found.counts == [[len(one & other) for other in sets] for one in sets]
    everybody = set().union(*sets)
    assert found.persons == len(everybody) == sum(found.first) == sum(found.in_how_many)
    assert found.first == [len(one - set().union(*sets[:place])) for place, one in enumerate(sets)]
    times = [sum(person in one for one in sets) for person in everybody]
    assert found.in_how_many == [times.count(n + 1) for n in range(len(sets))]
