"""A batch of group calls: facts about accounts, their fold, and what is different."""

from collections.abc import Collection

from libs.common import outbox
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.db import Tx
from services.profile.domain.recorded import opened_part, read_said
from services.profile.domain.trait import DEFAULT_RULE, Fact
from services.profile.domain.trait_fold import fold
from services.profile.store import accounts
from services.profile.store.accounts import AccountTrait, AccountView, NewAccountFact
from services.profile.usecases.means import Means
from services.profile.usecases.say_account import account_changed


async def record_accounts(tx: Tx, events: Collection[EventRecorded], *, means: Means) -> None:
    """Keep what group calls say of their accounts; any order and repetition of them ends in the same views."""
    facts = [fact for event in events for fact in _facts(event, means)]
    if not facts:
        return
    keys = {fact.about.key for fact in facts}
    await accounts.note_accounts(tx, keys)
    versions = await accounts.lock_accounts(tx, keys)
    touched = await accounts.add_account_facts(tx, facts, means.sealer_of)
    if not touched:
        return
    present = await accounts.views_of(tx, touched)
    told = await accounts.facts_of(tx, touched, means.sealer_of)
    found = [_view(about, told[about], versions[about.key] + 1, means) for about in touched]
    changed = [view for view in found if _differs(present.get(view.about), view, means)]
    await accounts.raise_versions(tx, {view.about.key for view in changed})
    await accounts.save_views(tx, changed)
    await outbox.add(tx, [account_changed(view) for view in changed])


def _facts(event: EventRecorded, means: Means) -> list[NewAccountFact]:
    account = event.account
    if account is None:
        return []
    return [
        NewAccountFact(
            AccountTrait(event.workspace_id, account, said.name),
            Fact(
                event_id=event.id,
                subject_no=0,
                source_id=event.source_id,
                event_time=event.occurred_at,
                kind=said.kind,
                type=said.type,
                value=said.value,
                personal=said.personal,
            ),
            event.received_at,
        )
        for said in read_said(bytes(event.traits), opened_part(event, means.sealer_of(event.workspace_id)))
    ]


def _view(about: AccountTrait, facts: list[NewAccountFact], version: int, means: Means) -> AccountView:
    view = fold((new.fact for new in facts), DEFAULT_RULE, means.ranks_of(about.workspace_id))
    if view is None:
        raise AssertionError("a fact was added just now")
    sealed = clear = None
    if view.value is not None:
        sealed = means.sealer_of(about.workspace_id).seal(view.value) if view.personal else None
        clear = None if view.personal else view.value
    return AccountView(about, clear, sealed, view.since, max(new.received_at for new in facts), version)


def _differs(before: AccountView | None, after: AccountView, means: Means) -> bool:
    if before is None:
        return True
    sealer = means.sealer_of(after.about.workspace_id)

    def shown(view: AccountView) -> tuple[object, ...]:
        return view.value, sealer.open(view.sealed) if view.sealed is not None else None, view.since

    return shown(before) != shown(after)
