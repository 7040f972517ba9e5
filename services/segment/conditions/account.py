"""account: any, all or none of the accounts a person belongs to have traits like these."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.columns import trait_columns
from services.segment.domain.condition import (
    Concerns,
    Condition,
    ConditionKind,
    Grammar,
    Inquiry,
    Question,
    Told,
    negate,
)
from services.segment.domain.formula import Formula
from services.segment.domain.occurrence import MOST_FILTERS, PropertyTest, patterns_of, read_path
from services.segment.domain.reader import Reader, Refused
from services.segment.domain.shape import Example, Shape, listed, named, words
from services.segment.domain.values import GROUP_EVENT


@dataclass(frozen=True)
class OfAccounts(Condition):
    """Some account of the person passes every test (or each of them does); who belongs to none has none like that."""

    every: bool
    negated: bool
    tests: tuple[PropertyTest, ...]

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        rows = tuple(self._row(tested, inquiry) for tested in self.tests)
        parts = [
            f"not {name}" if tested.test.negated else name for (name, _), tested in zip(rows, self.tests, strict=True)
        ]
        passes = f"({' and '.join(parts)})"
        holds = f"countIf(not {passes}) = 0" if self.every else f"countIf({passes}) > 0"
        shown = f"arrayStringConcat(arraySort(groupUniqArrayIf(account, {passes})), ', ')"
        names = tuple(sorted({tested.path[0] for tested in self.tests}))
        return negate(inquiry.ask(Question("account", holds, names, value=shown, tests=rows)), when=self.negated)

    def _row(self, tested: PropertyTest, inquiry: Inquiry) -> tuple[str, str]:
        bind = inquiry.bind
        value = trait_columns(tested.path[1:], bind)
        sql = f"countIf(name = {bind.text(tested.path[0])} and {tested.test.predicate(value, inquiry)}) > 0"
        # equal tests of a statement are one column
        return f"t{hashlib.sha256(sql.encode()).hexdigest()[:16]}", sql

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        traits = frozenset(tested.path[0] for tested in self.tests)
        return Concerns(events=frozenset({GROUP_EVENT}), account_traits=traits)

    def tells(self) -> Iterator[tuple[str, Told]]:
        """Yield the traits whose values its answer tells something of."""
        for place, tested in enumerate(self.tests):
            if tested.test.tells_value:
                yield f"/where/{place}", Told(tested.path, of_account=True)

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield the patterns to be proved."""
        yield from patterns_of(self.tests, "where")


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    reader.only("account", "where")
    word = reader.need("account").one_of("any", "all", "none")
    given = reader.need("where")
    tests: list[PropertyTest] = []
    for item in given.items(at_least=1, at_most=MOST_FILTERS):
        try:
            tests.append(PropertyTest(read_path(item.need("trait")), grammar.test(item, "trait", of_events=True)))
        except Refused:
            continue
    return OfAccounts(word == "all", word == "none", tuple(tests))


condition = ConditionKind(
    ("account",),
    _parse,
    (
        Shape(
            {"account": words("any", "all", "none"), "where": listed(named("account_filter"), 1, MOST_FILTERS)},
        ),
    ),
    (
        Example(
            "belongs to some company that pays and has at least fifty seats",
            {
                "account": "any",
                "where": [
                    {"trait": "plan", "op": "equals", "value": "paid"},
                    {"trait": "seats", "op": "gte", "value": 50},
                ],
            },
        ),
        Example(
            "belongs to some, and all of them pay",
            {"account": "all", "where": [{"trait": "plan", "op": "equals", "value": "paid"}]},
        ),
        Example(
            "belongs to none that churned, or to none at all",
            {"account": "none", "where": [{"trait": "state", "op": "equals", "value": "churned"}]},
        ),
    ),
)
