"""Fold traits again after their facts or their owners changed, and say what is different."""

import base64
from collections.abc import Mapping
from datetime import datetime

import msgspec

from libs.common import outbox
from libs.common.contracts.profile.trait_changed import TraitChanged
from libs.common.db import Tx
from libs.common.ids import fact_id
from services.profile.domain.keys import PersonKey, TraitKey
from services.profile.domain.trait import DEFAULT_RULE, Fact, TraitRule, View
from services.profile.domain.trait_advance import advance
from services.profile.domain.trait_fold import fold
from services.profile.store import persons, tag_touches, trait_facts, trait_rules, trait_views
from services.profile.store.trait_views import NewView, TraitView
from services.profile.usecases.means import Means


class Touch(msgspec.Struct, frozen=True):
    """Why a trait is looked at: facts it has not seen, or None when everything may be different.

    `silent` is what no journey starts from: merges, splits, imports.
    """

    received_at: datetime
    facts: tuple[Fact, ...] | None = None
    silent: bool = False


Touched = dict[TraitKey, Touch]


def touch(touched: Touched, key: TraitKey, new: Touch) -> None:
    """Add a reason to look at a trait."""
    known = touched.get(key)
    if known is None:
        touched[key] = new
        return
    facts = None if known.facts is None or new.facts is None else (*known.facts, *new.facts)
    touched[key] = Touch(max(known.received_at, new.received_at), facts, known.silent and new.silent)


async def refold_traits(tx: Tx, touched: Mapping[TraitKey, Touch], *, means: Means) -> None:
    """Bring the views of these traits up to date and publish the changes."""
    if not touched:
        return
    versions = await persons.lock_persons(tx, {key.person for key in touched})
    keys = [key for key in sorted(touched) if key.person in versions]
    rules = await trait_rules.load_rules(tx, {key.workspace_id for key in keys})
    present = await trait_views.load_views(tx, keys, means.sealer_of)
    folded = await _fold_all(tx, keys, touched, present, rules, means)
    changes = [key for key in keys if _differs(present.get(key), folded[key])]
    await persons.raise_versions(tx, {key.person for key in changes})
    changed = set(changes)
    saved: list[NewView] = []
    events: list[TraitChanged] = []
    for key in keys:
        view, before, reason = folded[key], present.get(key), touched[key]
        if before is not None and view == before.view:
            continue
        received_at = max(reason.received_at, before.received_at) if before else reason.received_at
        version = versions[key.person] + 1 if key in changed else before.version if before else 0
        new = _sealed(key, view, version, received_at, means)
        saved.append(new)
        if key in changed:
            events.append(_event(new, before, silent=reason.silent))
    await trait_views.save_views(tx, saved)
    await outbox.add(tx, events)
    if events:
        people = {PersonKey(event.workspace_id, event.person_no) for event in events}
        await tag_touches.touch(tx, people, received_at=max(event.received_at for event in events))


async def _fold_all(
    tx: Tx,
    keys: list[TraitKey],
    touched: Mapping[TraitKey, Touch],
    present: Mapping[TraitKey, TraitView],
    rules: Mapping[tuple[int, str], TraitRule],
    means: Means,
) -> dict[TraitKey, View | None]:
    """Return the new view of each trait: by the short way where it holds, else from all facts."""
    folded: dict[TraitKey, View | None] = {}
    for key in keys:
        facts, known = touched[key].facts, present.get(key)
        rule = rules.get((key.workspace_id, key.trait), DEFAULT_RULE)
        if facts is not None and known is None:
            folded[key] = fold(facts, rule, means.ranks_of(key.workspace_id))
        elif facts is not None and known is not None:
            short = advance(known.view, facts, rule)
            if short is not None:
                folded[key] = short
    rest = [key for key in keys if key not in folded]
    known_facts = await trait_facts.facts_of_traits(tx, rest, means.sealer_of) if rest else {}
    for key in rest:
        rule = rules.get((key.workspace_id, key.trait), DEFAULT_RULE)
        folded[key] = fold(known_facts.get(key, ()), rule, means.ranks_of(key.workspace_id))
    return folded


def _differs(before: TraitView | None, view: View | None) -> bool:
    if before is None or before.view.value is None:
        return view is not None and view.value is not None
    return view is None or (view.value, view.since) != (before.view.value, before.view.since)


def _sealed(key: TraitKey, view: View | None, version: int, received_at: datetime, means: Means) -> NewView:
    sealed = None
    if view is not None and view.personal and view.value is not None:
        sealed = means.sealer_of(key.workspace_id).seal(view.value)
    return NewView(key, view, sealed, version, received_at)


def _event(new: NewView, before: TraitView | None, *, silent: bool) -> TraitChanged:
    view = new.view
    removed = view is None or view.value is None
    since = view.since if view is not None else before.view.since if before is not None else new.received_at
    clear = view.value if view is not None and not view.personal else None
    return TraitChanged(
        id=fact_id("trait", *new.key, new.version),
        workspace_id=new.key.workspace_id,
        person_no=new.key.person_no,
        received_at=new.received_at,
        occurred_at=since,
        name=new.key.trait,
        version=new.version,
        since=since,
        value=msgspec.Raw(clear if clear is not None else b"null"),
        sealed=base64.b64encode(new.sealed).decode("ascii") if new.sealed is not None else None,
        removed=removed,
        silent=silent,
    )
