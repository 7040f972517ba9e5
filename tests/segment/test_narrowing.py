"""An answer for those alone to whom it can matter changes nobody's membership."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segment.domain.formula import All, AnyOf, Atom, Drawn, Formula, Members, Not, evaluate
from services.segment.domain.narrowing import beside_each

QUESTIONS = 6
UNIVERSE = BitMap(range(1, 33))
_persons = st.sets(st.integers(1, 32)).map(BitMap)
_leaves: st.SearchStrategy[Formula] = st.one_of(
    st.integers(0, QUESTIONS - 1).map(Atom), st.just(Members(UUID(int=7))), st.just(Drawn("salt", 0, 400_000))
)


def _grown(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    parts = st.lists(inner, max_size=4).map(tuple)
    return st.one_of(inner.map(Not), parts.map(All), parts.map(AnyOf))


_formulas = st.recursive(_leaves, _grown, max_leaves=12)


@given(
    formulas=st.lists(_formulas, min_size=1, max_size=3),
    answers=st.lists(_persons, min_size=QUESTIONS, max_size=QUESTIONS),
    noise=st.lists(_persons, min_size=QUESTIONS, max_size=QUESTIONS),
    full=st.sets(st.integers(0, QUESTIONS - 1)),
    members=_persons,
)
def test_whoever_it_cannot_matter_to_may_be_answered_anyhow(
    formulas: list[Formula], answers: list[BitMap], noise: list[BitMap], full: set[int], members: BitMap
) -> None:
    beside = beside_each(formulas)
    narrowed = list(answers)
    for number in set(beside) - full:
        matters = BitMap(UNIVERSE)
        for other in beside[number] & full:
            matters &= answers[other]
        narrowed[number] = (answers[number] & matters) | (noise[number] - matters)

    def held(formula: Formula, atoms: list[BitMap]) -> BitMap:
        return evaluate(formula, atoms=atoms, universe=UNIVERSE, members=lambda _: members)

    for formula in formulas:
        assert held(formula, narrowed) == held(formula, answers)


def test_what_stands_beside_a_question() -> None:
    a, b, c, d = map(Atom, range(4))
    assert beside_each([All((a, b, Not(c)))]) == {0: {1}, 1: {0}, 2: {0, 1}}
    assert beside_each([All((a, AnyOf((b, All((c, d))))))]) == {0: set(), 1: {0}, 2: {0, 3}, 3: {0, 2}}
    assert beside_each([AnyOf((a, b))]) == {0: set(), 1: set()}
    # an answer that two formulas share matters wherever it does in either
    assert beside_each([All((a, b)), b]) == {0: {1}, 1: set()}
    assert beside_each([All((AnyOf((All((a, b)), All((a, c)))), d))]) == {
        0: {1, 3} & {2, 3},
        1: {0, 3},
        2: {0, 3},
        3: {0},
    }
