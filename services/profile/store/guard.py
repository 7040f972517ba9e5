"""Erasure against everything else: who records shares a workspace, who erases holds it alone until the commit."""

from collections.abc import Iterable

from libs.common.db import Tx, statement

_CLASS = 7262
_SHARE = "select pg_advisory_xact_lock_shared(:class, w) from (select w from unnest(:ids::int[]) w order by w) o"
_HOLD = "select pg_advisory_xact_lock(:class, w) from (select w from unnest(:ids::int[]) w order by w) o"


async def share_workspaces(tx: Tx, workspace_ids: Iterable[int]) -> None:
    """Keep erasures of these workspaces out until the commit; recorders do not hinder each other."""
    await tx.execute(statement(_SHARE), **{"class": _CLASS, "ids": sorted(set(workspace_ids))})


async def hold_workspaces(tx: Tx, workspace_ids: Iterable[int]) -> None:
    """Wait for every recorder of these workspaces and keep new ones out until the commit."""
    await tx.execute(statement(_HOLD), **{"class": _CLASS, "ids": sorted(set(workspace_ids))})
