"""Policy sets as rows: every version is kept, one is in force."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec

from libs.common.db import Tx, statement
from services.identity.domain.policy import Declared, NamespacePolicy, Safeguards

_HEADS = statement(
    "select workspace_id, version from policy_head where workspace_id = any(:workspace_ids) order by 1 for share"
)
_ENSURE = statement(
    "insert into policy_head (workspace_id, version) select w, 0 from unnest(:workspace_ids::int[]) w order by w"
    " on conflict do nothing"
)
_READ = statement(
    "select policies as namespaces, safeguards, linking from policy_set"
    " where workspace_id = :workspace_id and version = :version"
)
_PRESENT = statement("select version from policy_head where workspace_id = :workspace_id")
_LOCK = statement("select version from policy_head where workspace_id = :workspace_id for update")
_KEEP = statement(
    "insert into policy_set (workspace_id, version, policies, safeguards, linking, created_at)"
    " values (:workspace_id, :version, :policies, :safeguards, :linking, :created_at)"
)
_ADVANCE = statement("update policy_head set version = :version where workspace_id = :workspace_id")


async def hold(tx: Tx, workspace_ids: Collection[int]) -> dict[int, int]:
    """Return the version in force per workspace; it cannot change until the transaction ends.

    Whoever holds it changes the graph: by index from here on.
    """
    await tx.plan_by_index()
    wanted = list(workspace_ids)
    heads = {row[0]: row[1] for row in await tx.fetch(_HEADS, workspace_ids=wanted)}
    missing = [one for one in wanted if one not in heads]
    if missing:
        await tx.execute(_ENSURE, workspace_ids=missing)
        heads |= {row[0]: row[1] for row in await tx.fetch(_HEADS, workspace_ids=missing)}
    return heads


async def present(tx: Tx, workspace_id: int) -> int:
    """Return the version in force, without holding it; 0 before any was set."""
    return int(await tx.fetch_value(_PRESENT, workspace_id=workspace_id) or 0)


async def read(tx: Tx, workspace_id: int, version: int) -> Declared:
    """Return what a version declared; nothing for version 0."""
    found = await tx.fetch(_READ, workspace_id=workspace_id, version=version)
    return msgspec.convert(dict(found[0]), Declared) if found else Declared()


def said_in(declared: Declared) -> dict[str, dict[str, Any]]:
    """Return what is kept of a declaration, as JSON: `namespaces` by name, and `safeguards`.

    What is off unless declared is left out where it is off: a process of before, which does not know the field, reads
    policies that do not use it.
    """
    return {
        "namespaces": {name: _said(policy) for name, policy in declared.namespaces.items()},
        "safeguards": _said(declared.safeguards),
    }


def _said(one: NamespacePolicy | Safeguards) -> dict[str, Any]:
    silent = {
        field.name
        for field in msgspec.structs.fields(one)
        if not (default := _default(field)) and getattr(one, field.name) == default
    }
    return {name: value for name, value in msgspec.to_builtins(one).items() if name not in silent}


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


async def put(tx: Tx, workspace_id: int, declared: Declared, now: datetime) -> int:
    """Keep a new version and put it in force once nobody works with the old one; return its number."""
    await tx.execute(_ENSURE, workspace_ids=[workspace_id])
    version, said = int(await tx.fetch_value(_LOCK, workspace_id=workspace_id)) + 1, said_in(declared)
    await tx.execute(
        _KEEP, workspace_id=workspace_id, version=version, policies=said["namespaces"], safeguards=said["safeguards"],
        linking=declared.linking, created_at=now,
    )  # fmt: skip
    await tx.execute(_ADVANCE, workspace_id=workspace_id, version=version)
    return version
