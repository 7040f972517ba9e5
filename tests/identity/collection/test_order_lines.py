"""Order lines of a real shop are imported and reconciled to what is in the file."""

import csv
import gzip
from decimal import Decimal
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from services.identity.jobs import run_imports
from tests.identity.collection.conftest import Door, OpenDoor
from tests.identity.collection.importing import run_to_end, start
from tests.identity.collection.shared_data import shared_file

RETAIL = {
    "event": {"constant": "Order Line"},
    "userId": {"column": "CustomerID", "as": "text"},
    "timestamp": {"column": "InvoiceDate", "zone": "Europe/London"},
    "properties": {
        "invoice": {"column": "InvoiceNo", "as": "text"},
        "stock_code": {"column": "StockCode", "as": "text"},
        "description": {"column": "Description"},
        "quantity": {"column": "Quantity", "as": "integer"},
        "unit_price": {"column": "UnitPrice", "as": "number"},
        "country": {"column": "Country"},
    },
    "personless": True,
}


class _Line(msgspec.Struct):
    invoice: str
    stock_code: str
    quantity: int
    unit_price: Decimal
    country: str


class _Order(msgspec.Struct):
    properties: _Line
    timestamp: str
    userId: str | None = None  # noqa: N815


async def test_an_import_of_order_lines_reconciles_to_what_is_in_the_file(open_door: OpenDoor, tmp_path: Path) -> None:
    some = tmp_path / "some.csv"
    with gzip.open(shared_file("data/online_retail/online_retail.csv.gz"), "rt", newline="") as whole:
        some.write_text("".join(islice(whole, 20_001)))
    with some.open(newline="") as file:
        lines = list(csv.DictReader(file))
    door = await open_door(import_dir=str(tmp_path))
    made = await start(door, path=some.name, mapping=RETAIL)
    assert made["total_rows"] == len(lines) == 20_000
    await run_to_end(door)
    done = (await door.ask("GET", f"/v1/imports/{made['import_id']}")).json()
    nobodies = sum(not line["CustomerID"] for line in lines)
    told = {name: done[name] for name in ("state", "accepted", "quarantined", "personless")}
    assert told == {"state": "done", "accepted": 20_000, "quarantined": 0, "personless": nobodies}
    found = sorted((o.properties.invoice, o.properties.stock_code, o.userId or "") for o in await _orders(door))
    assert found == sorted((line["InvoiceNo"], line["StockCode"], line["CustomerID"]) for line in lines)
    revenue = sum((int(line["Quantity"]) * Decimal(line["UnitPrice"]) for line in lines), Decimal())
    assert _revenue(await _orders(door)) == round(revenue, 2)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_an_import_of_half_a_million_order_lines_reconciles_to_every_published_total(
    open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_imports, "BACKLOG_ROWS", 10_000_000)
    source = shared_file("data/online_retail/online_retail.csv.gz")
    door = await open_door(import_dir=str(source.parent))
    made = await start(door, path=source.name, mapping=RETAIL)
    assert made["total_rows"] == 541_909
    await run_to_end(door)
    done = (await door.ask("GET", f"/v1/imports/{made['import_id']}")).json()
    told = {name: done[name] for name in ("state", "accepted", "duplicate", "conflict", "quarantined", "personless")}
    assert told == {
        "state": "done", "accepted": 541_909, "duplicate": 0, "conflict": 0, "quarantined": 0, "personless": 135_080,
    }  # fmt: skip
    counts = await door.counts()
    assert counts["posted"] == counts["accepted"] == 541_909
    orders = await _orders(door)
    assert len(orders) == 541_909
    assert len({o.properties.invoice for o in orders}) == 25_900
    assert len({o.userId for o in orders if o.userId}) == 4_372
    assert len({o.properties.stock_code for o in orders}) == 4_070
    assert len({o.properties.country for o in orders}) == 38
    assert sum(o.properties.invoice.startswith("C") for o in orders) == 9_288
    assert _revenue(orders) == Decimal("9747747.93")
    known = [o for o in orders if o.userId]
    assert (len(known), _revenue(known)) == (406_829, Decimal("8300065.81"))
    kept = [o for o in known if not o.properties.invoice.startswith("C")]
    assert (len(kept), len({o.userId for o in kept}), _revenue(kept)) == (397_924, 4_339, Decimal("8911407.90"))


async def _orders(door: Door) -> list[_Order]:
    decoder = msgspec.json.Decoder(_Order)
    sealer = door.runtime.sealer(door.workspace.workspace_id)
    rows = await door.rows("select payload from event_log")
    return [decoder.decode(sealer.open(row["payload"])) for row in rows]


def _revenue(orders: list[_Order]) -> Decimal:
    return round(sum((o.properties.quantity * o.properties.unit_price for o in orders), Decimal()), 2)
