"""WeChat's answers about openids of an account that moved, taken in as supersedes."""

from collections.abc import Sequence

from libs.common.db import Tx
from services.identity.domain.account_migration import Translated, supersedes
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.naming import name_identifier
from services.identity.domain.policy import InvalidValue
from services.identity.store import account_migrations
from services.identity.store.account_migrations import MigrationRow
from services.identity.usecases.add_evidence import add_evidence
from services.identity.usecases.graph.tools import GraphTools


async def translate_openids(
    tx: Tx, tools: GraphTools, row: MigrationRow, lines: Sequence[Translated], *, author: str
) -> tuple[int, list[tuple[int, str]]]:
    """Take answers in; return how many were new, and (position, why) of those that say nothing."""
    policies = await tools.present_policies(tx, row.workspace_id)

    def name(namespace: str, scope: str, value: str) -> Identifier | InvalidValue:
        return name_identifier(namespace, scope, value, region=None, namespaces=tools.namespaces, policies=policies)

    said: list[Evidence] = []
    failed: list[tuple[int, str]] = []
    for position, line in enumerate(lines):
        found = supersedes(
            line,
            name,
            workspace_id=row.workspace_id,
            scopes=((row.from_appid, row.to_appid), (row.from_platform, row.to_platform)),
            migrated_at=row.migrated_at,
            received_at=tools.now(row.workspace_id),
        )
        if isinstance(found, str):
            failed.append((position, found))
        else:
            said += found
    taken, _ = await add_evidence(tx, tools, row.workspace_id, said, author=author)
    await account_migrations.note_failed(tx, row, len(failed))
    new = sum(one.is_new for one, fact in zip(taken, said, strict=True) if fact.identifiers[0].namespace == "wx_openid")
    return new, failed
