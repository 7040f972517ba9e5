"""The report in the terminal."""

from rich.console import Console
from rich.table import Table

from demo.figures import Figures, JourneyFigures
from demo.scores import Difference

SPARKS = "▁▂▃▄▅▆▇█"


def spark(values: list[int]) -> str:
    """Return a line of small bars."""
    top = max([*values, 1])
    return "".join(SPARKS[min(len(SPARKS) - 1, value * len(SPARKS) // (top + 1))] for value in values)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index == 0 else "right")
    return table


def _difference(found: Difference | None) -> str:
    return "-" if found is None else f"{found.value:+.1%}  [{found.low:+.1%}, {found.high:+.1%}]"


def print_report(console: Console, figures: Figures) -> None:
    """Print everything."""
    console.print(_reconciliation(figures))
    console.print(_recognition(figures))
    console.print(_segments(figures))
    for journey in figures.journeys:
        console.print(_funnel(journey))
        console.print("  runs: " + ", ".join(f"{name} {count:,}" for name, count in sorted(journey.runs.items())))
    console.print(_messages(figures))
    console.print(_effects(figures))
    console.print(_pace(figures))
    for line in figures.restarts:
        console.print(f"  [yellow]{line}[/]")
    console.print("[bold green]Every count agrees.[/]" if figures.reconciled else "[bold red]Counts differ.[/]")


def _reconciliation(figures: Figures) -> Table:
    table = _table("Reconciliation", "events", "count")
    for name in (
        "posted", "accepted", "duplicates", "conflicts", "quarantined", "recorded", "columnar", "timelines",
        "own_events_columnar", "own_events_timelines", "lines_published", "lines_rejoined",
    ):  # fmt: skip
        table.add_row(name.replace("_", " "), f"{getattr(figures.reconciliation, name):,}")
    for name, holds in figures.checks.items():
        table.add_row(name, "[green]yes[/]" if holds else "[bold red]NO[/]")
    return table


def _recognition(figures: Figures) -> Table:
    table = _table("OneID against the generated truth", "", "")
    table.add_row("persons", f"{figures.persons:,}")
    table.add_row("merges", f"{figures.merges:,}")
    table.add_row("identifiers", f"{figures.identifiers:,}")
    if figures.pairs and figures.reachable_pairs:
        table.add_row("precision of pairs", f"{figures.pairs.precision:.4f}")
        table.add_row("recall, all true pairs", f"{figures.pairs.recall:.4f}")
        table.add_row("recall, pairs any event ever joined", f"{figures.reachable_pairs.recall:.4f}")
    table.add_row("persons that hold two humans", f"{figures.wrongly_merged:,}")
    return table


def _segments(figures: Figures) -> Table:
    table = _table("Segments", "segment", "over the year", "size")
    for key, size in figures.segments[-1][1].items() if figures.segments else ():
        table.add_row(key, spark([sizes.get(key, 0) for _, sizes in figures.segments]), f"{size:,}")
    return table


def _funnel(journey: JourneyFigures) -> Table:
    table = _table(f"Journey {journey.name}", "node", "entered", "waiting", "left by")
    for node in journey.nodes:
        left = ", ".join(f"{branch} {count:,}" for branch, count in node["left"].items())
        table.add_row(str(node["node"]), f"{node['entered']:,}", f"{node['waiting']:,}", left)
    return table


def _messages(figures: Figures) -> Table:
    table = _table("Messages", "state", "count")
    for name, count in sorted(figures.messages.items()):
        table.add_row(name, f"{count:,}")
    for name, count in sorted(figures.drops.items()):
        table.add_row(f"dropped: {name}", f"{count:,}")
    table.add_row("in the mail sink", f"{figures.sink_messages:,}")
    return table


def _effects(figures: Figures) -> Table:
    table = _table("Win-back: treated minus control, 95 % interval", "", "")
    table.add_row("orders in 14 days (A/A: purchases are fixed history)", _difference(figures.control_check))
    table.add_row(f"generated visits (known effect {figures.effect_known:+.0%})", _difference(figures.effect_found))
    for name, holds in figures.findings.items():
        table.add_row(name, "[green]yes[/]" if holds else "[yellow]no[/]")
    return table


def _pace(figures: Figures) -> Table:
    table = _table("Pace", "", "")
    table.add_row("events/s, everything included", f"{figures.events_per_second:,.0f}")
    for name, seconds in figures.seconds.items():
        table.add_row(name, f"{seconds:,.1f} s")
    table.add_row("due instants", f"{figures.instants:,}")
    return table
