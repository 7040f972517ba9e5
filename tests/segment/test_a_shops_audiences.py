"""A year of a real shop: its stage by interest grid is what pandas finds in the same lines, also a month later.

Times are the file's own. Cancellations ("C...") are events of their own, lines without a customer are quarantined.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.segment.market import a_market, differences, one_in_a_hundred, real_file

pandas = pytest.importorskip("pandas", reason="the independent computation needs pandas")

END = datetime(2011, 12, 10, tzinfo=UTC)
LATER = END + timedelta(days=37, hours=5)
BOUGHT, RETURNED = "Order Line", "Return Line"
INTERESTS = ("CHRISTMAS", "BAG", "HEART", "LUNCH", "VINTAGE", "T-LIGHT")


def stage(key, definition):
    return {"key": key, "name": key.title(), "definition": definition}


def did(event, days=None, **more):
    return {"did": event, **({"window": {"last": f"{days} days"}} if days else {}), **more}


def total(function, prop, op, value, days=None):
    window = {"window": {"last": f"{days} days"}} if days else {}
    return {"aggregate": function, "event": BOUGHT, "prop": prop, "op": op, "value": value, **window}


LOYAL = total("distinct", "invoice", "gte", 4)
STAGES = [
    stage("new", {"first_time": BOUGHT, "window": {"last": "30 days"}}),
    stage("loyal", {"all": [did(BOUGHT, 90), LOYAL]}),
    stage("occasional", {"all": [did(BOUGHT, 90), {"none": [LOYAL]}]}),
    stage("lapsed", {"all": [did(BOUGHT), {"none": [did(BOUGHT, 90)]}]}),
    stage("big", total("sum", "amount", "gte", 1000, 180)),
    stage("returner", did(RETURNED, 180)),
]
GRID = {
    "name": "{stage} x {interest}", "key": "shop-{stage}-{interest}", "state": "live",
    "axes": [
        {"name": "stage", "values": STAGES},
        {
            "name": "interest",
            "values": [
                stage(
                    word.lower(),
                    did(BOUGHT, where=[{"prop": "description", "op": "contains", "value": word, "ignore_case": True}]),
                )
                for word in INTERESTS
            ],
        },
    ],
}  # fmt: skip


def lines_of(chosen):
    """Return the lines of the chosen customers, and one in a hundred of those without."""
    file = real_file("online_retail/online_retail.csv.gz")
    lines = pandas.read_csv(file, dtype=str, keep_default_na=False)
    nobody = lines["CustomerID"] == ""
    theirs, nobodies = lines[lines["CustomerID"].map(chosen) & ~nobody], lines[nobody & (lines.index % 100 == 0)]
    return typed(theirs), typed(nobodies)


def typed(lines):
    lines = lines.copy()
    lines["at"] = pandas.to_datetime(lines["InvoiceDate"], utc=True)
    lines["amount"] = [Decimal(q) * Decimal(p) for q, p in zip(lines["Quantity"], lines["UnitPrice"], strict=True)]
    lines["bought"] = ~lines["InvoiceNo"].str.startswith("C")
    return lines


def calls(lines):
    for number, line in zip(lines.index, lines.to_dict("records"), strict=True):
        yield {
            "type": "track", "event": BOUGHT if line["bought"] else RETURNED, "messageId": f"line-{number}",
            "timestamp": line["at"].isoformat(),
            "properties": {
                "invoice": line["InvoiceNo"], "sku": line["StockCode"], "description": line["Description"],
                "quantity": int(line["Quantity"]), "price": Decimal(line["UnitPrice"]), "amount": line["amount"],
            },
            **({"userId": line["CustomerID"]} if line["CustomerID"] else {}),
        }  # fmt: skip


def audiences(lines, now):
    """Return who is in each cell, computed without the service."""
    bought, returned = lines[lines["bought"]], lines[~lines["bought"]]

    def since(rows, days):
        return rows[rows["at"] >= now - timedelta(days=days)]

    def who(rows):
        return set(rows["CustomerID"])

    first = bought.groupby("CustomerID")["at"].min()
    invoices = bought.groupby("CustomerID")["InvoiceNo"].nunique()
    spent = since(bought, 180).groupby("CustomerID")["amount"].sum()
    loyal, active = set(invoices[invoices >= 4].index), who(since(bought, 90))
    stages = {
        "new": set(first[first >= now - timedelta(days=30)].index),
        "loyal": active & loyal,
        "occasional": active - loyal,
        "lapsed": who(bought) - active,
        "big": set(spent[spent >= 1000].index),
        "returner": who(since(returned, 180)),
    }
    interests = {word.lower(): who(bought[bought["Description"].str.upper().str.contains(word)]) for word in INTERESTS}
    return {(one, two): whom & liked for one, whom in stages.items() for two, liked in interests.items()}


async def play(templates, bus, data_dir, chosen):
    lines, nobodies = lines_of(chosen)
    async with a_market(templates, bus, data_dir, now=END) as market:
        await market.post(calls(lines))
        await market.post(calls(nobodies))
        assert market.answered["accepted"] == len(lines)
        assert market.answered["quarantined"] == len(nobodies) > 1000, "a line without a customer is nobody's"
        await market.learn(sorted(set(lines["CustomerID"])))
        grid = await market.segments(GRID)
        assert len(grid) == len(STAGES) * len(INTERESTS)
        sizes = []
        for now in (END, LATER):
            await market.clock(now)
            expected = audiences(lines, now)
            found = {cell: await market.members(segment_id) for cell, segment_id in grid.items()}
            assert not differences(found, expected), now
            sizes.append(sum(map(len, found.values())))
        assert min(sizes) > 20
        assert sizes[0] != sizes[1], "time alone moved some"
        assert set().union(*found.values()) <= set(lines["CustomerID"])


async def test_the_grid_of_a_real_shop_is_what_pandas_finds(templates, memory_bus, tmp_path):
    await play(templates, memory_bus, tmp_path, one_in_a_hundred)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_the_grid_of_the_whole_shop_is_what_pandas_finds(templates, memory_bus, tmp_path):
    await play(templates, memory_bus, tmp_path, lambda _: True)
