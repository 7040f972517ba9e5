"""The short way from a view and new facts to the next view, where it provably equals the fold of all facts."""

from collections.abc import Sequence

import msgspec

from services.profile.domain.trait import Fact, TraitRule, View
from services.profile.domain.values import accepts


def advance(view: View, new: Sequence[Fact], rule: TraitRule) -> View | None:
    """Return the view after facts it has not seen, or None when only the fold of all facts can tell."""
    if rule.kind not in ("most_recent", "first") or view.once or view.value is None:
        return None
    for fact in sorted(new, key=lambda fact: fact.event_time):
        if fact.kind != "set" or fact.type != view.type or fact.personal != view.personal:
            return None
        if rule.type is not None and not accepts(rule.type, fact.type):
            return None
        newer = _after(view, fact, rule)
        if newer is None:
            return None
        view = newer
    return view


def _after(view: View, fact: Fact, rule: TraitRule) -> View | None:
    latest = max(view.latest, fact.event_time)
    if fact.event_time > view.since and (rule.kind == "first" or fact.value == view.value):
        return msgspec.structs.replace(view, latest=latest)
    if rule.kind == "most_recent" and fact.event_time > view.latest:
        return msgspec.structs.replace(
            view,
            value=fact.value,
            since=fact.event_time,
            source_id=fact.source_id,
            subject_no=fact.subject_no,
            event_id=fact.event_id,
            latest=latest,
        )
    return None
