"""The stage of the pipeline's tests."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.fixtures.apps import House
from tests.messaging.stage import Stage, a_stage


@pytest_asyncio.fixture
async def stage(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """Messaging with fake neighbours; the mail relay is a closed port unless a test opens one."""
    monkeypatch.setenv("MESSAGING_SMTP_PORT", "9")
    monkeypatch.setenv("MESSAGING_RENDER_PROCESSES", "1")
    yield await a_stage(house)


@pytest_asyncio.fixture
async def idle_stage(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """The same without running jobs or subscribers: the test makes every round itself."""
    monkeypatch.setenv("MESSAGING_SMTP_PORT", "9")
    monkeypatch.setenv("MESSAGING_RENDER_PROCESSES", "1")
    monkeypatch.setenv("RAPPORT_ROLES", "api")
    stage = await a_stage(house)
    # A test does not wait a minute to call a worker dead.
    stage.app.runtime.parts.settings.__dict__["handoff_lease_seconds"] = 0.2
    # On a busy machine two seconds pass between what reach says and the handoff, and the round does nothing.
    stage.app.runtime.parts.settings.__dict__["consent_lease_seconds"] = 60.0
    yield stage


@pytest_asyncio.fixture
async def lasting_stage(lasting_house: House, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The same for what is refused: the service lasts for the session."""
    monkeypatch.setenv("MESSAGING_SMTP_PORT", "9")
    monkeypatch.setenv("MESSAGING_RENDER_PROCESSES", "1")
    return await a_stage(lasting_house)
