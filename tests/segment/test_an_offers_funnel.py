"""Offers sent to real customers: received, viewed, completed in that order, by offer, channel and who they are.

An hour of the file is an hour; lines of one hour keep their order by a microsecond each. A line that is there twice
is the same call twice. An age of 118 is how the file says that it knows none.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.segment.market import a_market, differences, one_in_a_hundred, real_file

pandas = pytest.importorskip("pandas", reason="the independent computation needs pandas")

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HALF, WHOLE = 360, 720
NO_AGE = 118
STEPS = {"offer received": "Offer Received", "offer viewed": "Offer Viewed", "offer completed": "Offer Completed"}
GENDERS = ("F", "M", "O")
CHANNELS = ("web", "email", "mobile", "social")


def is_(prop, value):
    return [{"prop": prop, "op": "equals", "value": value}]


def funnel(where):
    return {"sequence": [{"event": name, "where": where} for name in STEPS.values()], "same": "offer"}


def value(key, definition):
    return {"key": key, "name": key.title(), "definition": definition}


RECENTLY = {"last": "7 days"}
GRID = {
    "name": "{stage} x {gender}", "key": "offer-{stage}-{gender}", "state": "live",
    "axes": [
        {
            "name": "stage",
            "values": [
                value("unseen", {"all": [{"did": "Offer Received"}, {"none": [{"did": "Offer Viewed"}]}]}),
                value("waiting", {"all": [
                    {"did": "Offer Viewed", "window": RECENTLY},
                    {"none": [{"did": "Offer Completed", "window": RECENTLY}]},
                ]}),
                value("led", funnel([])),
                value("unled", {"all": [{"did": "Offer Completed"}, {"none": [funnel([])]}]}),
            ],
        },
        {
            "name": "gender",
            "values": [
                *(value(g.lower(), {"trait": "gender", "op": "equals", "value": g}) for g in GENDERS),
                value("unknown", {"trait": "gender", "op": "missing"}),
            ],
        },
    ],
}  # fmt: skip


def read(chosen):
    """Return the lines and the customers chosen, and the offers."""
    lines = pandas.read_json(real_file("starbucks_offers/transcript.json.gz"), lines=True)
    lines = lines[lines["person"].map(chosen)].copy()
    lines["offer"] = [said.get("offer id") or said.get("offer_id") or "" for said in lines["value"]]
    lines["said"] = [json.dumps(said, sort_keys=True) for said in lines["value"]]
    # which line it is: of equal ones the first
    lines["number"] = lines.index
    lines["number"] = lines.groupby(["person", "event", "said", "time"])["number"].transform("min")
    people = pandas.read_json(real_file("starbucks_offers/profile.json.gz"), lines=True)
    offers = pandas.read_json(real_file("starbucks_offers/portfolio.json"), lines=True).set_index("id")
    return lines, people[people["id"].map(chosen)], offers


def calls(lines, offers):
    for line in lines.to_dict("records"):
        known = offers.loc[line["offer"]] if line["offer"] else None
        told = {key: one for key, one in line["value"].items() if key in ("amount", "reward")}
        if known is not None:
            told |= {"offer": line["offer"], "type": known["offer_type"], "channels": list(known["channels"])}
        yield {
            "type": "track", "event": STEPS.get(line["event"], "Paid"), "userId": line["person"],
            "messageId": f"line-{line['number']}", "properties": told,
            "timestamp": (BEGIN + timedelta(hours=line["time"], microseconds=line["number"])).isoformat(),
        }  # fmt: skip


def introductions(people):
    for one in people.to_dict("records"):
        traits = {"age": one["age"]} if one["age"] != NO_AGE else {}
        if isinstance(one["gender"], str):
            traits["gender"] = one["gender"]
        yield {
            "type": "identify", "userId": one["id"], "traits": traits, "messageId": f"who-{one['id']}",
            "timestamp": BEGIN.isoformat(),
        }  # fmt: skip


def led(lines):
    """Return who received, then viewed, then completed one and the same offer, walking each one's lines."""
    found = set()
    in_order = lines[lines["offer"] != ""].sort_values(["time", "number"])
    for (person, offer), rows in in_order.groupby(["person", "offer"]):
        wanted = list(STEPS)
        for event in rows["event"]:
            if wanted and event == wanted[0]:
                wanted.pop(0)
        if not wanted:
            found.add((person, offer))
    return found


def expected_of(lines, people, offers, now):
    """Return the cells of the grid, the funnels by offer and channel, and who is of no known age."""
    recent = BEGIN + pandas.to_timedelta(lines["time"], unit="h") >= now - timedelta(days=7)

    def who(event, *, lately=False):
        return set(lines[(lines["event"] == event) & (recent | (not lately))]["person"])

    pairs = led(lines)
    through = {person for person, _ in pairs}
    stages = {
        "unseen": who("offer received") - who("offer viewed"),
        "waiting": who("offer viewed", lately=True) - who("offer completed", lately=True),
        "led": through,
        "unled": who("offer completed") - through,
    }
    genders = {g.lower(): set(people[people["gender"] == g]["id"]) for g in GENDERS}
    genders["unknown"] = set(people[people["gender"].isna()]["id"])
    cells = {(one, two): whom & theirs for one, whom in stages.items() for two, theirs in genders.items()}
    by_offer = {offer: {person for person, one in pairs if one == offer} for offer in offers.index}
    by_channel = {
        channel: {person for person, offer in pairs if channel in offers.loc[offer]["channels"]} for channel in CHANNELS
    }
    return cells | by_offer | by_channel | {"ageless": set(people[people["age"] == NO_AGE]["id"])}


async def play(templates, bus, data_dir, chosen):
    lines, people, offers = read(chosen)
    repeats = len(lines) - lines["number"].nunique()
    async with a_market(templates, bus, data_dir, now=BEGIN + timedelta(hours=HALF)) as market:
        await market.post(introductions(people))
        segments = await market.segments(GRID)
        for offer in offers.index:
            segments[offer] = await market.segment(f"offer {offer}", funnel(is_("offer", offer)))
        for channel in CHANNELS:
            through = [{"prop": "channels", "op": "has_any", "value": [channel]}]
            segments[channel] = await market.segment(channel, funnel(through))
        segments["ageless"] = await market.segment("ageless", {"trait": "age", "op": "missing"})
        await market.learn(people["id"])
        for begin, end in ((-1, HALF), (HALF, WHOLE)):
            await market.clock(BEGIN + timedelta(hours=end + 1))
            now = lines[(lines["time"] > begin) & (lines["time"] <= end)]
            await market.post(calls(now, offers))
            known = lines[lines["time"] <= end]
            for passed in (1, 24 * 9 if end == WHOLE else 1):
                instant = BEGIN + timedelta(hours=end + passed)
                await market.clock(instant)
                expected = expected_of(known, people, offers, instant)
                found = {name: await market.members(segment_id) for name, segment_id in segments.items()}
                assert not differences(found, expected), instant
        assert market.answered["duplicate"] == repeats > 0
        assert not market.answered["conflict"]
        assert any(expected[offer] for offer in offers.index)
        assert not any(expected["waiting", one.lower()] for one in GENDERS), "nothing was viewed in the last week"


async def test_the_funnels_of_real_offers_are_what_pandas_finds(templates, memory_bus, tmp_path):
    await play(templates, memory_bus, tmp_path, one_in_a_hundred)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_the_funnels_of_all_offers_are_what_pandas_finds(templates, memory_bus, tmp_path):
    await play(templates, memory_bus, tmp_path, lambda _: True)
