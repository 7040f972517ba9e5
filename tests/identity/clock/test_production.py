"""In production nobody drives a clock."""

from datetime import timedelta

import pytest

from tests.fixtures.apps import START, House, ServiceApp


@pytest.fixture
async def identity(house: House) -> ServiceApp:
    app = await house.start("identity")
    app.runtime.settings.__dict__["mode"] = "production"
    return app


async def test_a_clock_is_neither_made_nor_moved_in_production(identity: ServiceApp) -> None:
    later = (START + timedelta(days=1)).isoformat()
    moved = await identity.client.post("/v1/identity/clock", json={"now": later})
    assert moved.status_code == 403
    put = await identity.client.put(
        "/v1/identity/clock", headers=identity.as_service("journey"), json={"now": later, "held": False}
    )
    assert put.status_code == 403
    assert identity.runtime.now(1) == START


async def test_only_services_put_a_clock_and_only_forward(house: House) -> None:
    profile = await house.start("profile")
    earlier = {"now": (START - timedelta(days=1)).isoformat(), "held": False}
    assert (await profile.client.put("/v1/profile/clock", json=earlier)).status_code == 403
    answer = await profile.client.put("/v1/profile/clock", headers=profile.as_service("identity"), json=earlier)
    assert answer.status_code == 200
    assert profile.runtime.now(1) == START
