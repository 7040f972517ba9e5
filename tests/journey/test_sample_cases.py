"""The sample journeys, in the neutral form of tests/cases, played on the app with a driven clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fixtures.shared_data import sample_cases
from tests.journey.stage import Stage, named

CASES = sample_cases("journeys_sample.json")
LONG = timedelta(days=60)


class Play:
    """One case: turns its words into calls and events, and writes down what came of it."""

    def __init__(self, stage: Stage, case: dict[str, Any]) -> None:
        self.stage = stage
        self.case = case
        self.journeys: dict[str, str] = {}
        self.definitions: dict[str, dict[str, Any]] = {}
        self.withdrawn: set[tuple[str, str]] = set()
        self.ledger: list[dict[str, Any]] = []
        self.names: dict[str, str] = {}

    def definition(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Return a case's journey in this system's JSON: segments by id, everything else as it stands."""

        def walk(value: Any) -> Any:
            if isinstance(value, dict):
                return {
                    k: self.segment(v) if k == "segment" else walk(v)
                    for k, v in value.items()
                    if k != "id" or "type" in value
                }
            return [walk(item) for item in value] if isinstance(value, list) else value

        definition: dict[str, Any] = walk(raw)
        definition.setdefault("entry", {}).setdefault("on", "event")
        return definition

    def segment(self, name: str) -> str:
        segment = self.stage.segment(name)
        self.names[segment] = name
        return segment

    async def run(self) -> None:
        for person in self.case["people"]:
            self.stage.person(person)
        for raw in self.case["journeys"]:
            self.definitions[raw["id"]] = raw
            self.journeys[raw["id"]] = await self.stage.journey(self.definition(raw), name=raw["id"])
        for step in self.case["steps"]:
            await self.clock(datetime.fromisoformat(step["at"]))
            await getattr(self, f"do_{step['do']}")(step)
            await self.answer()
        await self.clock(self.stage.now + LONG)
        await self.branches()

    async def clock(self, until: datetime) -> None:
        """Go from due instant to due instant, with messaging answering at each."""
        app = self.stage.app
        while self.stage.now < until:
            due = await app.runtime.loops["advance_due_runs"].job.next_due(app.runtime, 1)  # type: ignore[misc]
            await app.put_clock(min(until, due or until), held=False)
            await app.drain()
            await self.answer()

    async def answer(self) -> None:
        """Be the messaging service: decide each intent once, by consent."""
        while intents := await self.stage.read_outbox():
            for intent in intents:
                person = next(n for n in self.stage.person_nos if named("person", n) == intent.person_id)
                allowed = (person, intent.purpose) not in self.withdrawn
                outcome = ("sent", "") if allowed else ("suppressed", "consent")
                line = {"at": self.stage.now, "person": person, "node": intent.node, "run": str(intent.run_id),
                        "result": "sent" if allowed else "dropped"}  # fmt: skip
                self.ledger.append(line if allowed else {**line, "reason": "consent"})
                await self.stage.say(self.stage.outcome(intent, *outcome))

    async def branches(self) -> None:
        """Take the ways out of waits from the traces into the ledger."""
        for journey in self.journeys.values():
            for run in await self.stage.runs(journey):
                person = next(n for n in self.stage.person_nos if str(named("person", n)) == run["person_id"])
                for line in self.ledger:
                    if line.get("run") == run["id"]:
                        line.pop("run")
                        line["key"] = run["key"]
                for moment in await self.stage.steps(run["id"]):
                    if moment["what"] in {"left", "passed"} and moment["branch"].startswith(("events/", "timeout")):
                        reason = moment["reason"]
                        for segment, name in self.names.items():
                            reason = reason.replace(segment, name)
                        self.ledger.append({"at": datetime.fromisoformat(moment["at"]), "person": person,
                                            "node": moment["node"], "result": "left", "reason": reason,
                                            "key": run["key"]})  # fmt: skip

    async def do_event(self, step: dict[str, Any]) -> None:
        at = datetime.fromisoformat(step["event_time"]) if "event_time" in step else None
        await self.stage.say(
            self.stage.event(step["person"], step["event"], id=step["id"], at=at, properties=step.get("props", {}))
        )

    async def do_segment(self, step: dict[str, Any]) -> None:
        await self.stage.say(self.stage.membership(step["person"], step["segment"], step["state"]))

    async def do_consent(self, step: dict[str, Any]) -> None:
        change = self.withdrawn.add if step["state"] == "withdrawn" else self.withdrawn.discard
        change((step["person"], step["purpose"]))

    async def do_publish(self, step: dict[str, Any]) -> None:
        whole = {**self.definitions[step["journey"]], **step["definition"]}
        await self.stage.edit(
            self.journeys[step["journey"]],
            self.definition(whole),
            policy=step["policy"],
            deleted=step.get("deleted", {}),
        )
        await self.stage.app.drain()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
async def test_the_sample_journeys_end_as_written(stage: Stage, case: dict[str, Any]) -> None:
    await stage.app.put_clock(datetime(2026, 5, 1, tzinfo=UTC), held=False)
    play = Play(stage, case)
    await play.run()
    found = sorted((_line(line, "key" in line) for line in play.ledger), key=str)
    for expected in case["expect"]["ledger"]:
        assert _line({**expected, "at": datetime.fromisoformat(expected["at"])}, True) in found
    assert len(found) == len(case["expect"]["ledger"]), found
    runs = [run for journey in play.journeys.values() for run in await stage.runs(journey)]
    assert len(runs) == len(case["expect"]["runs"])
    for run, expected in zip(runs, case["expect"]["runs"], strict=True):
        assert (run["state"], run["reason"], run["key"]) == (
            expected["state"], expected.get("reason"), expected.get("key", ""),
        )  # fmt: skip
        assert datetime.fromisoformat(run["ended_at"]) == datetime.fromisoformat(expected["ended"])


def _line(line: dict[str, Any], keyed: bool) -> tuple[Any, ...]:
    return (
        line["at"],
        line["person"],
        line["node"],
        line["result"],
        line.get("reason"),
        line.get("key", "") if keyed else "",
    )
