"""Which subjects belong to which account, so that who owns them is asked again when the account changes."""

from collections.abc import Sequence

from libs.common.db import Tx, statement

_LINK = statement(
    """
    insert into segment.account_member (workspace_id, account, subject_no)
    select distinct :workspace_id::int, given.account, given.subject_no
    from unnest(:accounts::text[], :subject_nos::bigint[]) as given (account, subject_no)
    on conflict do nothing
    """
)
_MEMBERS = statement(
    """
    select distinct member.account, subject.person_no
    from segment.account_member as member
    join segment.subject using (workspace_id, subject_no)
    where member.workspace_id = :workspace_id::int and member.account = any(:accounts::text[]) and subject.person_no > 0
    """
)
_UNLINK = statement(
    """
    delete from segment.account_member
    where workspace_id = :workspace_id::int and subject_no = any(:subject_nos::bigint[])
    """
)


async def link_accounts(tx: Tx, workspace_id: int, links: Sequence[tuple[str, int]]) -> None:
    """Keep that subjects belong to accounts: (account, subject_no)."""
    await tx.execute(
        _LINK,
        workspace_id=workspace_id,
        accounts=[account for account, _ in links],
        subject_nos=[subject_no for _, subject_no in links],
    )


async def members_of_accounts(tx: Tx, workspace_id: int, accounts: Sequence[str]) -> dict[str, list[int]]:
    """Return the persons that belong to each account now."""
    found: dict[str, list[int]] = {}
    for row in await tx.fetch(_MEMBERS, workspace_id=workspace_id, accounts=list(accounts)):
        found.setdefault(row["account"], []).append(row["person_no"])
    return found


async def unlink_subjects(tx: Tx, workspace_id: int, subject_nos: Sequence[int]) -> None:
    """Forget the accounts of erased subjects."""
    await tx.execute(_UNLINK, workspace_id=workspace_id, subject_nos=list(subject_nos))
