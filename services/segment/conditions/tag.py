"""tag: the person has a tag (or has it not), while its time to live lasts."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.columns import TRAIT_COLUMNS, map_columns
from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry, Question, negate
from services.segment.domain.edges import Edge, TimeEdge
from services.segment.domain.fact import concern, row_name
from services.segment.domain.formula import Formula
from services.segment.domain.reader import Reader
from services.segment.domain.shape import TEXT, Example, Shape, words
from services.segment.domain.spans import Span


@dataclass(frozen=True)
class Tagged(Condition):
    """Profile said that the person has the tag, and its time is not over; `negated`: anything else."""

    tag: str
    negated: bool = False

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        name = row_name("tag", self.tag)
        until = map_columns("leaf", inquiry.bind.text("until"))
        here = f"name = {inquiry.bind.text(name)} and {TRAIT_COLUMNS.present}"
        over = f"({until.present} and {until.time} <= {inquiry.bind.time(inquiry.moment.now)})"
        ends = f"if({until.present}, concat(' until ', toString({until.time})), '')"
        shown = f"anyIf(concat('since ', toString(since), {ends}), {here})"
        atom = inquiry.ask(Question("trait", f"{here} and not {over}", (name,), value=shown, by_row=True))
        return negate(atom, when=self.negated)

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return Concerns(facts=frozenset({concern("tag", self.tag)}))

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns: those whose tag runs out."""
        yield Edge("trait", row_name("tag", self.tag), Span(), after=False, path=("until",))


def _parse(reader: Reader, _grammar: Grammar) -> Condition:
    reader.only("tag", "op")
    given = reader.get("op")
    return Tagged(reader.need("tag").text(), given is not None and given.one_of("has", "has_not") == "has_not")


condition = ConditionKind(
    ("tag",),
    _parse,
    (Shape({"tag": TEXT}, {"op": words("has", "has_not")}),),
    (
        Example("has the tag, and its time to live is not over", {"tag": "gold"}),
        Example("has it not", {"tag": "gold", "op": "has_not"}),
    ),
)
