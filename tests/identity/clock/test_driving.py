"""The driven clock goes from due instant to due instant of any service, and says what does not end."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from libs.common.errors import Unavailable
from services.identity.clients import driven_clock
from services.identity.clients.driven_clock import SERVICES, ClockDriver

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


class FakeServices:
    """Five services with instants at which each has work; what is done is noted with the clock it was done at."""

    def __init__(self, dues: dict[str, list[datetime]]) -> None:
        self.dues = {service: sorted(dues.get(service, [])) for service in SERVICES}
        self.now = dict.fromkeys(SERVICES, START)
        self.held = dict.fromkeys(SERVICES, False)
        self.activity: dict[str, int] = defaultdict(int)
        self.stuck: dict[str, int] = {}
        self.done: list[tuple[str, datetime, datetime]] = []

    def driver(self) -> ClockDriver:
        runtime: Any = SimpleNamespace(
            peers=self, now=lambda _workspace: self.now["identity"], is_driven=lambda _: True
        )
        return ClockDriver(runtime)

    async def get(self, service: str, _path: str, _workspace_id: int, answer: Any) -> Any:
        return self._backlog(service, answer)

    async def put(self, service: str, _path: str, _workspace_id: int, body: dict[str, Any], answer: Any) -> Any:
        self.now[service], self.held[service] = body["now"], body["held"]
        if not body["held"]:
            assert len(set(self.now.values())) == 1, "a service is let go before all have the new time"
            while self.dues[service] and self.dues[service][0] <= self.now[service]:
                self.done.append((service, self.dues[service].pop(0), self.now[service]))
                self.activity[service] += 1
        return self._backlog(service, answer)

    def _backlog(self, service: str, answer: Any) -> Any:
        return answer(
            open=dict(self.stuck) if service == "journey" else {},
            activity=self.activity[service],
            next_due=self.dues[service][0] if self.dues[service] else None,
            now=self.now[service],
            held=self.held[service],
        )


DUES = {"journey": [at(10), at(10.5), at(300)], "segment": [at(11)], "messaging": [at(10), at(500)]}


async def test_by_default_each_instant_is_done_exactly_at_its_time() -> None:
    services = FakeServices(DUES)
    hops = await services.driver().advance(1, at(400), timedelta(0))
    assert [due for _, due, _ in services.done] == [now for _, _, now in services.done]
    assert sorted(due for _, due, _ in services.done) == [at(10), at(10), at(10.5), at(11), at(300)]
    assert set(services.now.values()) == {at(400)}
    assert hops == 5, "four instants, and the end"


async def test_a_step_coalesces_what_falls_within_it() -> None:
    services = FakeServices(DUES)
    hops = await services.driver().advance(1, at(400), timedelta(hours=1))
    assert hops < 5
    for _, due, now in services.done:
        assert due <= now <= due + timedelta(hours=1)
    assert len(services.done) == 5


async def test_what_does_not_end_is_named_by_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driven_clock, "STUCK_SECONDS", 0.05)
    services = FakeServices({})
    services.stuck = {"subscriber on_event_recorded": 3}
    with pytest.raises(Unavailable, match=r"'journey': \{'subscriber on_event_recorded': 3\}"):
        await services.driver().advance(1, at(1), timedelta(0))
    assert set(services.now.values()) == {START}
