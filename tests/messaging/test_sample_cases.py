"""The sample conformance cases, through the HTTP API with a driven clock."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.messaging.domain.channel import Outgoing
from services.messaging.domain.provider_errors import CanonicalError
from services.messaging.store.handoffs import Report
from services.messaging.usecases.record_reports import record_reports
from tests.fixtures.shared_data import sample_cases
from tests.messaging.cases import duration, instant, policy_of, prepare_people, shown_ledger, wanted_ledger
from tests.messaging.neighbours import person_id_of
from tests.messaging.stage import Stage

CASES = sample_cases("messaging_sample.json")
SAME_NAMES = ("priority", "value", "expires_at", "key", "topic", "category", "on_lose", "fallback_after")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
async def test_a_sample_case_ends_as_it_says(case: dict[str, Any], stage: Stage) -> None:
    play = Play(stage, case)
    await play.steps()
    assert await shown_ledger(stage, play.messages, play.repeats) == wanted_ledger(case)


class Play:
    """Plays a case's steps in the order of time; the subject of each message is the name of its intent."""

    def __init__(self, stage: Stage, case: dict[str, Any]) -> None:
        self.stage = stage
        self.case = case
        self.messages: dict[str, str] = {}
        self.repeats: list[dict[str, Any]] = []
        self.coming: list[tuple[datetime, Report]] = []
        self.numbers = {name: place for place, name in enumerate(case["people"], start=1)}
        for channel in ("push", "sms", "wx", "email"):
            stage.provider(channel, answer=lambda outgoing, channel=channel: self._plan(channel, outgoing))

    async def steps(self) -> None:
        await self.stage.policies(**policy_of(self.case["workspace"]))
        prepare_people(self.stage.neighbours, self.case["people"], self.numbers)
        ordered = sorted(self.case["steps"], key=lambda step: step["at"])
        for step in ordered:
            await self._go_to(instant(step["at"]))
            assert step["do"] == "intent"
            await self._ask(step)
            await self.stage.settle()
        await self._go_to(instant(ordered[-1]["at"]) + timedelta(days=2))

    async def _go_to(self, until: datetime) -> None:
        """Advance, giving each receipt at exactly its time."""
        while (due := min((at for at, _ in self.coming if at <= until), default=None)) is not None:
            await self.stage.advance(due)
            reports = [report for at, report in self.coming if at == due]
            self.coming = [(at, report) for at, report in self.coming if at != due]
            runtime = self.stage.app.runtime
            async with runtime.worker_database.transaction(1) as tx:
                await record_reports(tx, 1, reports, now=due)
            runtime.wake_all()
            await self.stage.settle()
        await self.stage.advance(until)

    def _plan(self, channel: str, outgoing: Outgoing) -> None:
        [step] = [s for s in self.case["steps"] if s["id"] == outgoing.content["subject"]]
        told = step.get("provider", {}).get(channel)
        if told is None:
            return
        failed = told["result"] == "failed_permanent"
        report = Report(
            intent_id=outgoing.intent_id,
            channel=channel,
            state="failed" if failed else told["result"],
            at=self.stage.now,
            error=CanonicalError(told["reason"].upper()) if failed else None,
        )
        self.coming.append((self.stage.now + duration(told["after"]), report))

    async def _ask(self, step: dict[str, Any]) -> None:
        body = {
            "person_id": str(person_id_of(self.numbers[step["person"]])),
            "channels": step.get("channels") or [step["channel"]],
            "class": step.get("class", "marketing"),
            "content": {"subject": step["id"], "text": step.get("content", step["id"])},
            **{name: step[name] for name in SAME_NAMES if name in step},
        }
        answer = await self.stage.client.post("/v1/messaging/messages", json=body)
        assert answer.status_code in (200, 202), answer.text
        if answer.json()["duplicate"]:
            self.repeats.append({"at": instant(step["at"]), "intent": step["id"]})
        else:
            self.messages[step["id"]] = answer.json()["message_id"]
