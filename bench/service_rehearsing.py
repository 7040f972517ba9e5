"""What is foretold has to happen: dry runs, previews of evidence and shadow runs, held against the deed itself.

Nothing else is in flight meanwhile, so that nothing but the deed can make the difference.
"""

import random
from collections import Counter
from typing import Any

from bench.service_playing import owners
from bench.service_steps import Drawing
from bench.service_world import Workspace
from libs.common.db import statement

_PERSONS = statement(
    "select person_no, state, exists (select from node n where n.workspace_id = p.workspace_id"
    " and n.person_no = p.person_no) as owns from person p where workspace_id = :one"
)
_LINKS = statement(
    "select distinct low_no, high_no, state, reason from link where workspace_id = :one and state is not null"
)
NEW = "new"
"""How a person is called who is made by the deed: each time he has another id."""


async def rehearse(home: Workspace, chance: random.Random) -> list[str]:
    """Foretell something, do it, and note where the two differ; return everything that is wrong so far."""
    drawing = Drawing(chance)
    deed = chance.choice((_merged_and_parted, _previewed, _in_the_shadow, _erased))
    await deed(home, drawing)
    return home.wrong


async def _twice(home: Workspace, path: str, body: dict[str, Any]) -> Any:
    """Rehearse and do; return what was done, None where both were refused."""
    foretold = await home.send("POST", path, {**body, "dry_run": True})
    done = await home.send("POST", path, body)
    changes = [one and (one.get("others") or one) for one in (foretold, done)]
    one, other = (change and _plain(change) for change in changes)
    if one != other:
        home.wrong.append(f"{path} {body}: foretold {one}, done {other}")
    return done


def _plain(change: dict[str, Any]) -> dict[str, Any]:
    """Return a change without the ids and numbers that are made for it."""
    made = set(change["created"])

    def who(person_id: str | None) -> str | None:
        return NEW if person_id in made else person_id

    return {
        "created": len(made),
        "revived": sorted(change["revived"]),
        "merged": sorted((one["person_id"], who(one["into"])) for one in change["merged"]),
        "moved": sorted(
            (*(one["identifier"][name] for name in ("namespace", "scope", "value")), str(one["from_person_id"]),
             str(who(one["to_person_id"])))
            for one in change["moved"]
        ),
    }  # fmt: skip


async def _merged_and_parted(home: Workspace, drawing: Drawing) -> None:
    one, other = await owners(home, *drawing.pair())
    if not one or not other or one == other:
        return
    done = await _twice(home, "persons/merge", {"person_ids": [one, other]})
    for merged in done["merged"] if done else ():
        await _twice(home, f"persons/{merged['into']}/unmerge", {"retired_id": merged["person_id"]})


async def _erased(home: Workspace, drawing: Drawing) -> None:
    [person] = await owners(home, drawing.identifier())
    if person and drawing.chance.random() < 1 / 3:
        await _twice(home, f"persons/{person}/erase", {})


async def _persons(home: Workspace) -> dict[int, tuple[str, bool]]:
    async with home.service.runtimes[0].worker_database.transaction(home.number) as tx:
        return {row["person_no"]: (row["state"], row["owns"]) for row in await tx.fetch(_PERSONS, one=home.number)}


async def _links(home: Workspace) -> dict[tuple[int, int], str]:
    async with home.service.runtimes[0].worker_database.transaction(home.number) as tx:
        rows = await tx.fetch(_LINKS, one=home.number)
    return {
        (row["low_no"], row["high_no"]): f"{row['state']}({row['reason']})" if row["reason"] else row["state"]
        for row in rows
    }


async def _previewed(home: Workspace, drawing: Drawing) -> None:
    items = [{**one, "id": f"previewed-{drawing.chance.randrange(10**9)}"} for one in drawing.evidence()]
    foretold = await home.send("POST", "evidence/preview", {"items": items}, keep=False)
    before = await _persons(home)
    done = await home.send("POST", "evidence", {"items": items})
    after = await _persons(home)
    if (foretold is None) != (done is None):
        home.wrong.append(f"evidence {items}: foretold {foretold}, done {done}")
    if foretold is None or done is None:
        return
    turned = Counter((before[number][0], state) for number, (state, _) in after.items() if number in before)
    told = foretold["persons_created"], foretold["persons_merged"], foretold["persons_revived"]
    was = len(after.keys() - before.keys()), turned["active", "merged"], turned["merged", "active"]
    if told != was:
        home.wrong.append(f"evidence {items}: created, merged, revived foretold {told}, done {was}")


async def _in_the_shadow(home: Workspace, drawing: Drawing) -> None:
    begun = await home.send("POST", "policies/shadows", drawing.policies())
    home.service.wake()
    await home.send("GET", "drained", params={"wait": "true"}, driving=True)
    found = await home.send("GET", f"policies/shadows/{begun['shadow_id']}") if begun else None
    if found is None or found["state"] != "done":
        home.wrong.append(f"a shadow run is not done: {found}")
        return
    links = await _links(home)
    living = sum(owns for _, owns in (await _persons(home)).values())
    await home.send("POST", f"policies/shadows/{found['shadow_id']}/switch")
    await home.send("GET", "drained", params={"wait": "true"}, driving=True)
    report, now = found["report"], sum(owns for _, owns in (await _persons(home)).values())
    if (report["persons_before"], report["persons_after"]) != (living, now):
        home.wrong.append(f"shadow run: {report}, but there were {living} and are {now}")
    after = await _links(home)
    states = Counter((links.get(pair, "absent"), after.get(pair, "absent")) for pair in links.keys() | after.keys())
    became = {f"{was} -> {becomes}": count for (was, becomes), count in states.items() if was != becomes}
    foretold = {f"{one['was']} -> {one['becomes']}": one["count"] for one in report["links"]}
    if became != foretold:
        home.wrong.append(f"shadow run: links foretold {foretold}, became {became}")
