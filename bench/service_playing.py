"""How each verb of a random history is done over HTTP: what it needs to know is asked first, as a caller would."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from bench.service_steps import Given, Step
from bench.service_world import Workspace

_versions = count(1)
RARELY = 0.5
"""Of persons who are asked for by an old id so many are only rehearsed about."""


async def play(home: Workspace, steps: list[Step]) -> None:
    """Do steps at once."""
    await asyncio.gather(*(PLAYS[verb](home, given) for verb, given in steps))
    home.service.wake()


async def owners(home: Workspace, *identifiers: Given) -> list[str | None]:
    """Return whose identifiers are."""
    if not identifiers:
        return []
    asked = {"items": [{"identifiers": [one]} for one in identifiers]}
    told = await home.send("POST", "resolve", asked)
    return [one["person_id"] for one in told["items"]] if told else [None] * len(identifiers)


async def _batch(home: Workspace, given: dict[str, Any]) -> None:
    await home.post_calls(given["source"], given["calls"])


async def _evidence(home: Workspace, given: list[dict[str, Any]]) -> None:
    await home.send("POST", "evidence", {"items": given})


async def _preview(home: Workspace, given: list[dict[str, Any]]) -> None:
    await home.send("POST", "evidence/preview", {"items": given}, keep=False)


async def _merge(home: Workspace, given: list[Given]) -> None:
    one, other = await owners(home, *given)
    if one and other:
        await home.send("POST", "persons/merge", {"person_ids": [one, other], "dry_run": True})
        await home.send("POST", "persons/merge", {"person_ids": [one, other]})


async def _unmerge(home: Workspace, given: tuple[Given, str]) -> None:
    identifier, how = given
    found = await home.send("GET", "persons/by-identifier", params=identifier)
    if found is None:
        return
    retired = [one for one in found["retired_ids"] if one != found["person_id"]]
    leaving = [{name: one[name] for name in ("namespace", "scope", "value")} for one in found["identifiers"]]
    if how == "retired" and retired:
        body: dict[str, Any] = {"retired_id": retired[-1]}
    elif len(leaving) > 1:
        body = {"leaving": leaving[: len(leaving) // 2]}
    else:
        return
    await home.send("POST", f"persons/{found['canonical_id']}/unmerge", {**body, "dry_run": True})
    await home.send("POST", f"persons/{found['canonical_id']}/unmerge", body)


async def _erase(home: Workspace, given: Given) -> None:
    [person] = await owners(home, given)
    if person:
        await home.send("POST", f"persons/{person}/erase", {"dry_run": True})
        await home.send("POST", f"persons/{person}/erase", {"reason": "asked"})


async def _reopen(home: Workspace, given: Given) -> None:
    await home.send("POST", "erasures/reopen", {"identifiers": [given]})


async def _policies(home: Workspace, given: dict[str, Any]) -> None:
    await home.send("PUT", "policies", given)


async def _shadow(home: Workspace, given: dict[str, Any]) -> None:
    begun = await home.send("POST", "policies/shadows", given)
    home.service.wake()
    found = begun
    for _ in range(100):
        if found is None or found["state"] != "waiting":
            break
        await asyncio.sleep(0.05)
        found = await home.send("GET", f"policies/shadows/{begun['shadow_id']}")
    if found and found["state"] == "failed":
        home.wrong.append(f"a shadow run failed: {found}")
    if found and found["state"] == "done":
        await home.send("POST", f"policies/shadows/{begun['shadow_id']}/switch")


async def _permission(home: Workspace, given: dict[str, Any]) -> None:
    found = await home.send("GET", "persons/by-identifier", params=given["identifier"])
    for one in found["identifiers"] if found else ():
        if one["namespace"] == given["identifier"]["namespace"]:
            await home.allow(one["subject_no"], given["state"], given["since"], next(_versions))


async def _migrate(home: Workspace, given: dict[str, Any]) -> None:
    moved = {"from_appid": given["from_appid"], "to_appid": given["to_appid"], "migrated_at": home.now.isoformat()}
    made = await home.send("POST", "wechat/migrations", moved)
    if made:
        await home.send("GET", f"wechat/migrations/{made['migration_id']}/outstanding")
        await home.send("POST", f"wechat/migrations/{made['migration_id']}/results", {"result_list": given["lines"]})


async def _release(home: Workspace, given: str) -> None:
    listed = await home.send("GET", "quarantined-links")
    held = [one["hold_id"] for one in listed["items"]] if listed else []
    await home.send("GET", "quarantined-links/causes")
    if held:
        await home.send("POST", f"quarantined-links/{given}", {"hold_ids": held[:3], "dry_run": True})
        await home.send("POST", f"quarantined-links/{given}", {"hold_ids": held[:3]})


async def _suggestion(home: Workspace, given: str) -> None:
    listed = await home.send("GET", "suggestions")
    verb, more = ("refuse", {"keep_apart": True}) if given == "keep_apart" else (given, {})
    for one in listed["items"][:2] if listed else ():
        await home.send("POST", f"suggestions/{one['suggestion_id']}/{verb}", {**more, "dry_run": True})
        await home.send("POST", f"suggestions/{one['suggestion_id']}/{verb}", more)


async def _at_risk(home: Workspace, given: str) -> None:
    listed = await home.send("GET", "at-risk-joins")
    for one in listed["items"][:1] if listed else ():
        await home.send("POST", f"at-risk-joins/{one['join_id']}/{given}", {})


async def _by_id(home: Workspace, given: tuple[str, float]) -> None:
    """Do something with an id that was answered some time ago, whatever became of him."""
    verb, place = given
    known = sorted(home.ids)
    if not known:
        return
    one, other = known[int(place * len(known))], known[-1]
    await home.send("GET", f"persons/{one}")
    await home.send("GET", f"persons/{one}/history")
    body: dict[str, Any] = {"retired_id": other} if verb == "unmerge" else {}
    if verb == "merge":
        await home.send("POST", "persons/merge", {"person_ids": [one, other]})
    else:
        await home.send("POST", f"persons/{one}/{verb}", {**body, "dry_run": place < RARELY})


async def _create(home: Workspace, given: list[Given]) -> None:
    await home.send("POST", "resolve", {"items": [{"identifiers": given}], "create": True})


async def _wait(home: Workspace, given: int) -> None:
    await home.send("POST", "clock", {"advance_seconds": given * 86_400}, driving=True)


async def _ask(home: Workspace, given: list[Given]) -> None:
    one, other = given
    await home.send("POST", "explain", {"a": one, "b": other})
    await home.send("POST", "why-not", {"a": one, "b": other})
    await home.send("GET", "identifiers/history", params=one)
    [person] = await owners(home, one)
    if person:
        await home.send("GET", f"persons/{person}/history")
        await home.send("GET", f"persons/{person}", params={"as_of": home.now.isoformat()})


PLAYS: dict[str, Callable[[Workspace, Any], Awaitable[None]]] = {
    "batch": _batch,
    "evidence": _evidence,
    "preview": _preview,
    "merge": _merge,
    "unmerge": _unmerge,
    "erase": _erase,
    "reopen": _reopen,
    "policies": _policies,
    "shadow": _shadow,
    "permission": _permission,
    "migrate": _migrate,
    "release": _release,
    "suggestion": _suggestion,
    "at_risk": _at_risk,
    "create": _create,
    "by_id": _by_id,
    "wait": _wait,
    "ask": _ask,
}
