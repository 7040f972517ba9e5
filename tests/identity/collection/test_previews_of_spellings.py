"""Case 30 where several spellings denote one: what a preview says is what the import then does."""

import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.policy import Declared, Folding, NamespacePolicy, PolicySet, Safeguards
from services.identity.jobs import respell_identifiers, run_import_previews
from services.identity.usecases.graph.batch import Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.put_policies import put_policies
from tests.identity.collection.conftest import Door, OpenDoor
from tests.identity.collection.foreseeing import (
    customers,
    foreseen,
    imported,
    named,
    resolved,
    snapshot,
    what_happened,
    what_was_said,
    write_rows,
)
from tests.identity.collection.test_import_previews import a_row
from tests.identity.graph.worlds import DENSE, EXAMPLES, FADING, NOW, a_history

MAIL = NamespacePolicy(priority=4, max_per_person=3, hub_threshold=2)
FOLDED = msgspec.structs.replace(MAIL, folding={"mail.example": Folding(dots=True, plus_tags=True)})
ACCOUNT = msgspec.structs.replace(DENSE.of("account"), case_rules={"*": "insensitive"})
PLAIN = PolicySet(1, {**DENSE.policies, "email": MAIL})
SPELLED = PolicySet(2, {**DENSE.policies, "email": FOLDED, "account": ACCOUNT})
FADED = PolicySet(3, {**FADING.policies, "email": FOLDED})
HELD = PolicySet(4, SPELLED.policies, safeguards=Safeguards(largest_person=3, joins_per_minute=3))


async def put(door: Door, policies: PolicySet) -> None:
    """Put policies in force, and have all that is known followed through."""
    declared = Declared(policies.policies, policies.safeguards, policies.linking)
    home = door.workspace.workspace_id
    async with door.runtime.worker_database.transaction(home) as tx:
        await put_policies(tx, door.runtime.parts.graph, home, declared)


async def followed(door: Door) -> None:
    while await respell_identifiers.run(door.runtime):
        pass
    await resolved(door)


def respelled(chance: random.Random, namespace: str, value: str) -> tuple[str, str]:
    """An account in any case, and a mailbox in any spelling instead of a telephone number."""
    if namespace == "account":
        return namespace, chance.choice(["Ab", "aB", "ab"]) + value
    if namespace != "tel":
        return namespace, value
    domain = chance.choice(["mail.example", "mail.example", "else.example"])
    return "email", f"{chance.choice(['an.na', 'anna', 'anna+x'])}{value}@{domain}"


def a_history_of_spellings(seed: int) -> list[Evidence]:
    chance = random.Random(seed)
    found = []
    for number, fact in enumerate(a_history(chance, chance.randrange(50), 5), start=1_000 * seed):
        spelled = (Identifier(name, one.scope, value) for one in fact.identifiers
                   for name, value in [respelled(chance, one.namespace, one.value)])  # fmt: skip
        who = tuple(dict.fromkeys(spelled))
        found.append(msgspec.structs.replace(fact, event_id=UUID(int=number + 1), identifiers=who))
    return [
        one for one in found if one.kind not in {"supersede", "must_link", "cannot_link"} or len(one.identifiers) > 1
    ]


def a_file_of_spellings(seed: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    rows = [a_row(chance, number, 6) for number in range(chance.randrange(1, 30))]
    for one in (one for row in rows for one in row["context"]["externalIds"]):
        one["type"], one["id"] = respelled(chance, one["type"], one["id"])
    return rows


async def live(door: Door, facts: Sequence[Evidence]) -> None:
    home = door.workspace.workspace_id
    async with door.runtime.worker_database.transaction(home) as tx:
        await resolve_evidence(tx, [Fact(home, one) for one in facts], door.runtime.parts.graph)
    await followed(door)


@pytest.mark.parametrize("policies", [SPELLED, FADED, HELD], ids=["dense", "fading", "guarded"])
@pytest.mark.parametrize("seed", range(EXAMPLES // 4))
async def test_what_a_preview_says_of_spellings_is_what_the_import_then_does(
    open_door: OpenDoor, policies: PolicySet, seed: int
) -> None:
    door = await open_door(driven_now=NOW)
    # What was known before it was declared is followed through, and counts as if it came later.
    for declared in (PLAIN, policies) if seed % 2 else (policies, policies):
        await put(door, declared)
        await live(door, a_history_of_spellings(2 * seed + (declared is PLAIN)))
    for number in range(4):
        name = write_rows(door.import_dir / f"{number}.ndjson", a_file_of_spellings(1_000 * seed + number))
        before = await snapshot(door, policies)
        told = await foreseen(door, name)
        assert told["state"] == "done", told["why"]
        door.runtime.parts.batch_size = 1_000
        await imported(door, name)
        after = await snapshot(door, policies)
        assert what_was_said(told["report"]) == what_happened(before, after)
        assert told["report"]["identifiers"]["new"] == len(after.owner) - len(before.owner)


async def test_two_who_meet_in_an_alias_are_foreseen_to_be_one(open_door: OpenDoor) -> None:
    door = await open_door(driven_now=NOW)
    await put(door, SPELLED)
    await followed(door)
    known = [{**customers(1, taobao_id="m1"), "traits": {"email": "an.na@mail.example"}}]
    await imported(door, write_rows(door.import_dir / "known.ndjson", known))
    rows = [{**customers(2, jd_id="j1"), "traits": {"email": "anna+news@mail.example"}}]
    report = (await foreseen(door, write_rows(door.import_dir / "rows.ndjson", rows)))["report"]
    assert (report["persons"]["new"], report["persons"]["largest_after"]) == (0, 7)
    assert report["identifiers"]["new"] == 3, "the alias is known"


async def test_a_preview_waits_until_what_was_declared_is_followed_through(open_door: OpenDoor) -> None:
    door = await open_door(driven_now=NOW)
    await put(door, PLAIN)
    await live(door, a_history_of_spellings(1))
    known = [{"type": "identify", "context": {"externalIds": named(taobao_id="m1", account="AB-1")}}]
    await imported(door, write_rows(door.import_dir / "known.ndjson", known))
    await put(door, SPELLED)
    rows = [{"type": "identify", "context": {"externalIds": named(jd_id="j1", account="ab-1")}}]
    asked = {"source_id": door.server.source_id, "path": write_rows(door.import_dir / "rows.ndjson", rows)}
    made = await door.ask("POST", "/v1/imports/previews", json=asked)
    assert await run_import_previews.run(door.runtime) == 0
    await followed(door)
    assert await run_import_previews.run(door.runtime) == 1
    told = (await door.ask("GET", made.headers["location"])).json()
    assert (told["report"]["persons"]["new"], told["report"]["identifiers"]["new"]) == (0, 1)
