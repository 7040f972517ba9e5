"""What has to hold of a workspace when nothing is in flight: by the pure rule, over HTTP, and by what was told."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.service_playing import owners
from bench.service_telling import Told, listen
from bench.service_world import Workspace
from libs.common.db import Tx, statement
from libs.common.painting import Said, paint
from services.identity.domain.evidence import Identifier
from services.identity.domain.partition import Partition, partition
from services.identity.domain.respelling import unheld
from services.identity.store import evidence, history, holds, nodes, shadows
from services.identity.store.nodes import NodeRow, key
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.name_holds import named_holds
from services.identity.usecases.graph.stored_evidence import evidence_of
from services.identity.usecases.graph.verify_partition import verify_partition

PAIRS = 4
"""How many pairs of identifiers are explained, of one person and of two."""
IDS = 8
"""How many ids that were ever answered are asked for; all of them are looked up in the database."""
QUEUES = (
    "ingest_queue", "shadow_queue", "erasure_queue", "respelling_queue", "renaming_queue", "outbox_queue",
)  # fmt: skip

_LETTERS = statement("select consumer, reason from dead_letter where workspace_id = :one")
_LINKS = statement("select low_no, high_no, state, reason from link where workspace_id = :one")
_PERSONS = statement(
    "select person_no, person_id::text as id, state, redirect_to from person where workspace_id = :one"
)


@dataclass
class Stored:
    """A workspace as PostgreSQL holds it."""

    rows: list[NodeRow]
    names: dict[int, Identifier]
    persons: dict[int, tuple[str, str, int | None]]
    """By number: id, state, and the number of whom he ended in."""
    states: dict[tuple[Identifier, Identifier], tuple[str | None, str]]
    ownership: dict[int, list[history.Owned]]
    expected: Partition
    nobodys: set[Identifier]


async def judge(home: Workspace, chance: random.Random) -> list[str]:
    """Wait until nothing is open, and return everything that differs; empty when all holds."""
    await home.send("GET", "drained", params={"wait": "true"}, driving=True)
    await home.send_again()
    drained = await home.send("GET", "drained", params={"wait": "true"}, driving=True)
    if not drained or not drained["drained"]:
        home.wrong.append(f"not drained: {drained}")
    runtime = home.service.runtimes[0]
    async with runtime.worker_database.transaction(home.number) as tx:
        home.wrong += await _left_behind(tx, home.number)
        verified = await verify_partition(tx, runtime.parts.graph, home.number)
        if verified.different:
            home.wrong.append(f"verify_partition: {verified}")
        stored = await _read(tx, home)
    told = listen(home.service.heard(home.number))
    home.wrong += [
        *_persons_by_the_rule(stored),
        *_links_by_the_rule(stored),
        *_redirects(stored),
        *_against_what_was_told(stored, told),
        *_counted(home, stored, told),
    ]
    await _over_http(home, stored, chance)
    home.wrong += [f"logged: {said}" for said in home.service.complaints.said]
    home.service.complaints.said.clear()
    return home.wrong


async def _left_behind(tx: Tx, workspace_id: int) -> list[str]:
    """Return what waits in a queue although nothing is open, and every dead letter."""
    found = []
    for queue in QUEUES:
        sql = f"select count(*)::int from {queue} where workspace_id = :one"
        if left := await tx.fetch_value(statement(sql), one=workspace_id):
            found.append(f"{left} rows stay in {queue}")
    letters = await tx.fetch(_LETTERS, one=workspace_id)
    return [*found, *(f"dead letter of {row['consumer']}: {row['reason']}" for row in letters)]


async def _read(tx: Tx, home: Workspace) -> Stored:
    tools = home.service.runtimes[0].parts.graph
    numbers = [one async for chunk in shadows.all_nodes(tx, home.number) for one in chunk]
    rows = await nodes.read(tx, [key(home.number, one) for one in numbers])
    names = {row.key: name_of(row, tools) for row in rows}
    batch = Batch((), {}, {}, names=names)
    said = [evidence_of(row, batch) for row in await evidence.centred(tx, list(names))]
    policies, now = await tools.present_policies(tx, home.number), tools.now(home.number)
    consents = {names[row.key]: row.consents(now) for row in rows if row.permissions}
    decided = named_holds(home.number, await holds.effective(tx, home.number, numbers), names)
    links, people = await tx.fetch(_LINKS, one=home.number), await tx.fetch(_PERSONS, one=home.number)
    owned: dict[int, list[history.Owned]] = {}
    for one in await history.ownership_of(tx, home.number, numbers):
        owned.setdefault(one.node_no, []).append(one)
    return Stored(
        rows, names, {row["person_no"]: (row["id"], row["state"], row["redirect_to"]) for row in people},
        {_pair(names, home.number, row): (row["state"], row["reason"]) for row in links},
        owned, partition(said, policies, now, consents, decided), unheld(said, policies) & set(names.values()),
    )  # fmt: skip


def _pair(names: dict[int, Identifier], workspace_id: int, row: Any) -> tuple[Identifier, Identifier]:
    one, other = (names[key(workspace_id, row[end])] for end in ("low_no", "high_no"))
    return min(one, other), max(one, other)


def _groups(stored: Stored) -> dict[int, set[Identifier]]:
    groups: dict[int, set[Identifier]] = {}
    for row in stored.rows:
        if row.person_no:
            groups.setdefault(row.person_no, set()).add(stored.names[row.key])
    return groups


def _persons_by_the_rule(stored: Stored) -> Iterable[str]:
    expected = {person - stored.nobodys for person in stored.expected.persons} - {frozenset()}
    found = set(map(frozenset, _groups(stored).values()))
    if found != expected:
        yield f"persons that are stored alone: {sorted(map(sorted, found - expected))}"
        yield f"persons of the rule alone: {sorted(map(sorted, expected - found))}"
    shared = {stored.names[row.key] for row in stored.rows if row.is_shared}
    if shared != stored.expected.shared:
        yield f"hubs: stored {sorted(shared)}, by the rule {sorted(stored.expected.shared)}"


def _links_by_the_rule(stored: Stored) -> Iterable[str]:
    by_rule = dict.fromkeys(stored.expected.active, ("active", ""))
    by_rule |= {pair: (why.state, why.reason) for pair, why in stored.expected.refused.items()}
    told = {pair: (state, reason) for pair, (state, reason) in stored.states.items() if state}
    for pair in sorted(by_rule.keys() | told.keys()):
        if told.get(pair) != by_rule.get(pair):
            yield f"link {pair}: stored {told.get(pair)}, by the rule {by_rule.get(pair)}"


def _redirects(stored: Stored) -> Iterable[str]:
    """Every owner lives, everybody who lives owns something, and whoever ended leads to somebody who lives."""
    owners_now = _groups(stored).keys()
    living = {number for number, (_, state, _) in stored.persons.items() if state == "active"}
    anonymous = {row.anonymous_no for row in stored.rows}
    if not owners_now <= living <= owners_now | anonymous:
        yield f"owners {sorted(owners_now)}, living {sorted(living)}"
    for number, (_, state, target) in stored.persons.items():
        if state == "merged" and target not in living:
            yield f"person {number} leads to {target}, who does not live"


def _against_what_was_told(stored: Stored, told: Told) -> Iterable[str]:
    """A listener to `person.*` and `ownership.changed` alone knows the same persons and owners."""
    yield from told.out_of_order
    for row in stored.rows:
        heard = told.owners.get(row.node_no, [])
        painted = paint(heard)
        if painted != paint(stored.ownership.get(row.node_no, [])):
            yield f"ownership of {stored.names[row.key]}: told {painted}, stored {stored.ownership.get(row.node_no)}"
        elif row.person_no and not row.is_timed and _latest(heard) != row.person_no:
            yield f"{stored.names[row.key]} is {row.person_no}'s, told {_latest(heard)}'s"
    for number, (_, state, target) in stored.persons.items():
        heard_state, heard_target = told.states.get(number, ("", 0))
        if heard_state != state:
            yield f"person {number} is {state} ({target}), told {heard_state} ({heard_target})"
        elif state == "merged" and told.survivor(number) != _survivor(stored, number):
            yield f"person {number} leads to {target}, told {told.survivor(number)}"


def _latest(heard: Sequence[Said]) -> int:
    painted = paint(heard)
    return painted[-1].person_no if painted else 0


def _survivor(stored: Stored, number: int) -> int:
    while (target := stored.persons[number][2]) is not None:
        number = target
    return number


def _counted(home: Workspace, stored: Stored, told: Told) -> Iterable[str]:
    """Every event that was taken is told once, unless somebody was erased: his are not, and no key of them is known."""
    erased = any(state == "erased" for _, state, _ in stored.persons.values())
    for message in home.posted:
        times = told.events[message]
        if times != 1 and not erased:
            yield f"event {message} was told {times} times"


async def _over_http(home: Workspace, stored: Stored, chance: random.Random) -> None:
    known = [
        ({"namespace": one.namespace, "scope": one.scope, "value": one.value}, stored.persons[row.person_no][0])
        for row in stored.rows
        if row.person_no and not (one := stored.names[row.key]).namespace.endswith("_alias")
    ]
    asked = {"items": [{"identifiers": [one for one, _ in known]}]} if known else None
    answer = await home.send("POST", "resolve", asked) if asked else None
    for (given, owner), got in zip(known, answer["items"][0]["identifiers"] if answer else (), strict=False):
        # policies in force may spell it another way, or refuse it
        if got["identifier"] and got["identifier"]["value"] == given["value"] and got["person_id"] != owner:
            home.wrong.append(f"resolve of {given} answers {got['person_id']}, stored is {owner}")
    await _explained(home, known, chance)
    await _lead_somewhere(home, stored, chance)


async def _explained(home: Workspace, known: list[tuple[dict[str, str], str]], chance: random.Random) -> None:
    pairs = [(one, other) for place, one in enumerate(known) for other in known[place + 1 :]]
    together = [pair for pair in pairs if pair[0][1] == pair[1][1]]
    apart = [pair for pair in pairs if pair[0][1] != pair[1][1]]
    chosen = [chance.sample(some, min(PAIRS // 2, len(some))) for some in (together, apart)]
    for (one, owner), (other, others) in (pair for some in chosen for pair in some):
        told = await home.send("POST", "explain", {"a": one, "b": other})
        why = await home.send("POST", "why-not", {"a": one, "b": other})
        if told is None or why is None:
            if [owner, others] == await owners(home, one, other):
                home.wrong.append(f"explain and why-not of {one} and {other} answer {told} and {why}")
            continue
        same = owner == others
        if told["one_person"] != same or bool(told["links"]) != same or (same and why["links"]):
            home.wrong.append(f"explain of {one} ({owner}) and {other} ({others}): {told} {why}")
        if any(link["state"] != "active" or not link["evidence"] for link in told["links"]):
            home.wrong.append(f"explain of {one} and {other} gives links that hold nothing: {told}")


async def _lead_somewhere(home: Workspace, stored: Stored, chance: random.Random) -> None:
    """Every id that was ever answered leads to a living person, or is gone for good."""
    state_of = {person_id: state for person_id, state, _ in stored.persons.values()}
    living = {person_id for person_id, state in state_of.items() if state == "active"}
    if unknown := home.ids - state_of.keys():
        home.wrong.append(f"ids that were answered and are not there: {sorted(unknown)}")
    known = sorted(home.ids & state_of.keys())
    for person_id in chance.sample(known, min(IDS, len(known))):
        found = await home.send("GET", f"persons/{person_id}")
        if found is not None and found["canonical_id"] not in living:
            home.wrong.append(f"person {person_id} leads to {found['canonical_id']}, who does not live")
        if found is None and state_of[person_id] == "active":
            home.wrong.append(f"person {person_id} lives and is not answered")
