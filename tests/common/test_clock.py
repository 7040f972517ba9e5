"""The present is the database's, whatever this machine's clock says."""

from datetime import UTC, datetime, timedelta

from libs.common import clock
from libs.common.clock import DatabaseClock


async def test_a_wrong_wall_clock_changes_nothing(database_of, monkeypatch):
    database = await database_of("sample")
    hours_off = datetime(2001, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(clock, "wall_now", lambda: hours_off)
    measured = DatabaseClock()
    assert measured.now() - hours_off < timedelta(minutes=1), "nothing better is known before the first measurement"
    await measured.synchronise(database.worker)
    before = measured.now()
    async with database.worker.transaction(()) as tx:
        truth = await tx.driver.fetchval("select clock_timestamp()")
    # what is asked for in between lies in between, however long it takes
    assert before - timedelta(seconds=1) < truth < measured.now() + timedelta(seconds=1)


async def test_the_present_never_goes_back_between_measurements(database_of):
    database = await database_of("sample")
    measured = DatabaseClock()
    await measured.synchronise(database.worker)
    instants = [measured.now() for _ in range(1_000)]
    assert instants == sorted(instants)
