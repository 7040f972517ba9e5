"""The generated touchpoints: the same every time, and their truth is a partition."""

from demo.calls import MAX_EVENT_BYTES, calls_of
from demo.shopping import Basket, Campaign, Household, Line, Shopping
from demo.stream import BATCH_BYTES, BATCH_EVENTS, batches, encode_year
from demo.touchpoints import YEAR_START, generate_world, identifiers_of


def a_shop(households: int = 30, lines: int = 3) -> Shopping:
    made = []
    for number in range(1, households + 1):
        basket_lines = tuple(Line(p, 1, 1.25, 0.0, 0.0) for p in range(lines))
        made.append(Household(number, [Basket(number * 10, number, 7, YEAR_START, basket_lines)], {}, [1], []))
    campaigns = {1: Campaign(1, "Type A", YEAR_START, YEAR_START)}
    return Shopping(made, campaigns, dict.fromkeys(range(lines), ("GROCERY", "BREAD", "National")), households * lines)


def test_the_same_households_have_the_same_touchpoints():
    assert generate_world(list(range(1, 60))) == generate_world(list(range(1, 60)))


def test_a_households_touchpoints_do_not_hang_on_how_many_are_replayed():
    few, many = generate_world([1, 2, 3]), generate_world(list(range(1, 100)))
    assert identifiers_of(few[2]) == identifiers_of(many[2])


def test_no_identifier_belongs_to_two_humans():
    world = generate_world(list(range(1, 400)))
    owned = [identifier for touchpoints in world.values() for identifier in identifiers_of(touchpoints)]
    assert len(owned) == len(set(owned))


def test_every_call_has_a_message_id_of_its_own():
    shop = a_shop()
    world = generate_world([household.household_id for household in shop.households])
    ids = [
        call.body["messageId"]
        for household in shop.households
        for call in calls_of(household, world[household.household_id], shop)
    ]
    assert len(ids) == len(set(ids))


def test_a_large_order_is_split_under_the_limit_and_loses_no_line():
    shop = a_shop(households=1, lines=900)
    world = generate_world([1])
    orders = [call.body for call in calls_of(shop.households[0], world[1], shop) if "order_id" in str(call.body)]
    assert len(orders) > 1
    assert sum(len(order["properties"]["products"]) for order in orders) == 900
    assert {order["properties"]["parts"] for order in orders} == {len(orders)}
    assert all(len(encoded.body) < MAX_EVENT_BYTES for encoded in encode_year(shop, world))


def test_batches_keep_the_collectors_limits_and_every_call():
    shop = a_shop(households=200, lines=60)
    calls = encode_year(shop, generate_world([household.household_id for household in shop.households]))
    made = list(batches(calls))
    assert sum(count for _, count, _ in made) == len(calls)
    assert all(count <= BATCH_EVENTS and len(body) <= BATCH_BYTES + 40_000 for _, count, body in made)
