"""Between the neutral form of the cases and this system's own words."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from tests.messaging.neighbours import FakeNeighbours, FakePerson
from tests.messaging.stage import Stage

_DURATION = TypeAdapter(timedelta)
_SHOWN = ("sent", "delivered", "failed", "dropped", "deferred", "retrying", "unknown")


def duration(text: str) -> timedelta:
    return _DURATION.validate_python(text)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def policy_of(workspace: dict[str, Any]) -> dict[str, Any]:
    """Return the body of PUT policies: the forms are the same, only the zone has another meaning."""
    return {name: workspace[name] for name in workspace if name != "zone"} | {"zone": workspace.get("zone", "UTC")}


def prepare_people(neighbours: FakeNeighbours, people: dict[str, Any], numbers: dict[str, int]) -> None:
    for name, facts in people.items():
        neighbours.people[numbers[name]] = FakePerson(
            timezone=facts.get("zone"), consent=facts.get("consent", {}), addresses=facts.get("addresses", {})
        )


async def shown_ledger(stage: Stage, messages: dict[str, str], repeats: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the trails of all messages as the cases write them."""
    names = {message_id: name for name, message_id in messages.items()}
    lines = [{**repeat, "state": "dropped", "reason": "duplicate"} for repeat in repeats]
    for name, message_id in messages.items():
        for step in (await stage.message(message_id))["steps"]:
            if step["state"] not in _SHOWN:
                continue
            line = {"at": instant(step["at"]), "intent": name, "channel": step["channel"], "state": step["state"]}
            values = step["values"]
            line |= {"reason": step["reason"]} if step["reason"] else {}
            line |= {"until": instant(values["until"])} if step["state"] == "deferred" else {}
            line |= {"by": values["cap"]} if step["reason"] == "cap" else {}
            line |= {"winner": names[values["winner"]]} if step["reason"] == "priority" else {}
            lines.append(line)
    return _sorted(lines)


def wanted_ledger(case: dict[str, Any]) -> list[dict[str, Any]]:
    lines = []
    for line in case["expect"]["ledger"]:
        wanted = {name: value for name, value in line.items() if name not in ("person", "accept_reasons")}
        wanted["at"] = instant(line["at"])
        if "until" in line:
            wanted["until"] = instant(line["until"])
        lines.append(wanted)
    return _sorted(lines)


def _sorted(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(lines, key=lambda line: (line["at"], line["intent"], line.get("channel", ""), line["state"]))
