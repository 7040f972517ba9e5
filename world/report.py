"""The scores of a world as a table."""

from rich.console import Console
from rich.table import Table

from world.scores import Tally


def as_json(whole: Tally, told: Tally) -> dict[str, object]:
    """Return both comparisons as plain values."""
    return {"truth": _plain(whole), "tellable": _plain(told)}


def _plain(tally: Tally) -> dict[str, object]:
    return {
        "items": tally.items,
        "humans": tally.humans,
        "persons": tally.persons,
        "pairwise": {
            "precision": tally.pairwise.precision, "recall": tally.pairwise.recall, "f1": tally.pairwise.f1,
        },
        "b_cubed": {"precision": tally.b_cubed.precision, "recall": tally.b_cubed.recall, "f1": tally.b_cubed.f1},
        "wrongly_merged_persons": tally.mixed_persons,
        "wrongly_merged_persons_per_million": tally.wrong_per_million,
        "humans_in_wrong_merges": tally.mixed_humans,
        "split_humans": tally.split_humans,
        "missed_by_cause": dict(tally.missed.most_common()),
    }  # fmt: skip


def print_scores(console: Console, whole: Tally, told: Tally) -> None:
    """Print both comparisons and what was missed why."""
    table = Table("", "precision", "recall", "F1", title="Recognition against the generator's truth")
    for title, tally in (("the whole truth", whole), ("what the events tell at all", told)):
        for name, score in (("pairwise", tally.pairwise), ("B-cubed", tally.b_cubed)):
            numbers = (f"{value:.6f}" for value in (score.precision, score.recall, score.f1))
            table.add_row(f"{title}, {name}", *numbers)
    console.print(table)
    console.print(
        f"{whole.humans:,} humans seen, {whole.items:,} identifiers, {whole.persons:,} persons;"
        f" wrongly merged persons {whole.mixed_persons:,} ({whole.wrong_per_million:,.0f} per million)",
        soft_wrap=True,
    )
    causes = Table("identifiers apart from their human's main person, because", "")
    for cause, count in whole.missed.most_common():
        causes.add_row(cause, f"{count:,}")
    console.print(causes)
