"""A mini-program joins fans to members, exactly."""

from bench.bridge_humans import Brand
from bench.identity_bridge import resolved


async def test_fans_of_many_accounts_and_members_become_exactly_the_humans(database_of):
    database = await database_of("identity")
    _, persons = await resolved(database.worker, Brand(accounts=6, fans=20, members=80, bridges=30))
    assert persons == 40 + 80 - 30
