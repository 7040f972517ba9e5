"""Collects the report's figures through the public API."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta

from demo.api import Api
from demo.calls import linked_by_evidence
from demo.figures import Figures, JourneyFigures
from demo.replay import Replay
from demo.scores import score_pairs, wrongly_merged
from demo.setting_up import Workspace
from demo.touchpoints import YEAR_END, YEAR_START, Identifier, Touchpoints, identifiers_of

QUESTIONS_AT_ONCE = 500
COOKIE_TTL = timedelta(days=180)


async def resolve(api: Api, identifiers: list[Identifier]) -> dict[Identifier, str]:
    """Return the person id each identifier belongs to; those never seen are absent."""
    found: dict[Identifier, str] = {}
    for start in range(0, len(identifiers), QUESTIONS_AT_ONCE):
        part = identifiers[start : start + QUESTIONS_AT_ONCE]
        items = [{"identifiers": [{"namespace": n, "scope": s, "value": v}]} for n, s, v in part]
        answer = await api.post("identity", "/v1/identity/resolve", {"items": items})
        answered = zip(part, answer["items"], strict=True)
        found |= {identifier: item["person_id"] for identifier, item in answered if item["person_id"]}
    return found


async def person_numbers(api: Api, person_ids: list[str]) -> dict[str, int]:
    """Return the number each person is counted by."""
    numbers: dict[str, int] = {}
    for start in range(0, len(person_ids), QUESTIONS_AT_ONCE):
        body = {"person_ids": person_ids[start : start + QUESTIONS_AT_ONCE]}
        answer = await api.post("identity", "/v1/identity/persons/lookup", body)
        numbers |= {item["person_id"]: item["canonical_no"] for item in answer["items"] if item["canonical_no"]}
    return numbers


def _any(truth: dict[Identifier, int]) -> dict[Hashable, Hashable]:
    return dict(truth.items())


async def recognition(
    api: Api, figures: Figures, world: dict[int, Touchpoints], joined: dict[str, datetime]
) -> dict[str, int]:
    """Score OneID against the generator's truth; return which household each person is.

    `joined` says when a cookie was last sent with a user id: a link not used for 180 days is forgotten on purpose, so
    pairs that hang on it are no part of what could be recognised.
    """
    truth: dict[Identifier, int] = {i: number for number, t in world.items() for i in identifiers_of(t)}
    found = await resolve(api, list(truth))
    clusters: dict[Hashable, Hashable] = dict(found.items())
    reachable = {
        identifier: number
        for identifier, number in truth.items()
        if identifier[2] in linked_by_evidence(world[number])
        and (identifier[0] != "cookie" or joined.get(identifier[2], YEAR_START) >= YEAR_END - COOKIE_TTL)
    }
    figures.identifiers = len(found)
    figures.pairs = score_pairs(clusters, _any(truth))
    figures.reachable_pairs = score_pairs(clusters, _any(reachable))
    figures.wrongly_merged = wrongly_merged(clusters, _any(truth))
    return {
        found[identifier]: number
        for identifier, number in truth.items()
        if identifier[0] == "user_id" and identifier in found
    }


async def counts(api: Api, figures: Figures, replay: Replay) -> None:
    """Fill in the reconciliation from every service's own count."""
    numbers = figures.reconciliation
    numbers.posted = replay.posted
    numbers.accepted = replay.answered.get("accepted", 0)
    numbers.duplicates = replay.answered.get("duplicate", 0)
    numbers.conflicts = replay.answered.get("conflict", 0)
    numbers.quarantined = replay.answered.get("quarantined", 0) + replay.answered.get("refused", 0)
    usage = await api.get("identity", "/v1/identity/usage", since="2016-01-01", until="2019-01-01")
    numbers.accepted_ever = usage["totals"]["accepted"]
    identity = await api.get("identity", "/v1/identity/counts")
    numbers.recorded = identity["events"]
    figures.persons, figures.merges = identity["persons"], identity["merges"]
    by_origin: Counter[str] = Counter()
    for day in await api.get("segment", "/v1/segment/columnar/counts"):
        by_origin[day["origin"]] += day["events"]
    numbers.columnar, numbers.own_events_columnar = by_origin["collected"], by_origin["own"]
    timelines = await api.get("profile", "/v1/profile/counts")
    numbers.timelines, numbers.own_events_timelines = timelines["collected"], timelines["own"]


async def journeys(api: Api, figures: Figures, workspace: Workspace) -> None:
    """Fill in the funnels."""
    for name, journey_id in workspace.journey_ids.items():
        funnel = await api.get("journey", f"/v1/journey/journeys/{journey_id}/funnel")
        runs: Counter[str] = Counter()
        arms: Counter[str] = Counter()
        for state in funnel["states"]:
            runs[" ".join(filter(None, (state["state"], state["reason"])))] += state["runs"]
            arms[state["arm"]] += state["runs"]
        counted = await api.get("messaging", "/v1/messaging/counts", journey_id=journey_id)
        sent = {
            " ".join(filter(None, (line["channel"], line["state"], line["reason"]))): line["messages"]
            for line in counted["states"]
        }
        converted = sum(state["converted"] for state in funnel["states"])
        figures.journeys.append(
            JourneyFigures(name, dict(runs), funnel["nodes"], converted=converted, arms=dict(arms), messages=sent)
        )


async def rejoined_lines(api: Api) -> int:
    """Read every order back from the record and count its lines; the parts of a split order by its order_id."""
    parts: dict[str, dict[int, int]] = defaultdict(dict)
    for name in ("Order Completed", "Order Continued"):
        async for event in api.items("identity", "/v1/identity/events", name=name):
            order = event["body"]["properties"]
            parts[order["order_id"]][order["part"]] = len(order["products"])
    return sum(sum(lines.values()) for lines in parts.values())


async def messages(api: Api, figures: Figures) -> None:
    """Fill in messages by state and drops by reason."""
    answer = await api.get("messaging", "/v1/messaging/counts")
    states: Counter[str] = Counter()
    drops: Counter[str] = Counter()
    for line in answer["states"]:
        states[f"{line['channel']} {line['state']}"] += line["messages"]
        if line["reason"]:
            drops[line["reason"]] += line["messages"]
    figures.messages, figures.drops = dict(states), dict(drops)
    figures.mails_sent = sum(
        count for name, count in states.items() if name in {"email sent", "email accepted", "email delivered"}
    )


async def visited(api: Api, person_no_of: dict[int, int], households: Iterable[int], event: str) -> set[int]:
    """Ask the segment service which households did an event."""
    household_of = {person_no_of[number]: number for number in households if number in person_no_of}
    numbers = sorted(household_of)
    found: set[int] = set()
    condition = {"did": event, "count": {"op": "gte", "n": 1}}
    for start in range(0, len(numbers), QUESTIONS_AT_ONCE):
        body = {"condition": condition, "person_nos": numbers[start : start + QUESTIONS_AT_ONCE]}
        answer = await api.post("segment", "/v1/segment/questions/membership", body)
        found |= {household_of[number] for number in answer["person_nos"]}
    return found
