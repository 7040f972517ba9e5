"""What silence means in each workspace, as profile told."""

from libs.common.db import Tx, statement
from services.segment.domain.silence import Silence

_KEEP = statement(
    """
    insert into segment.silence as known (workspace_id, version, purposes, channels, allowed)
    values (:workspace_id, :version, :purposes, :channels, :allowed)
    on conflict (workspace_id) do update set
        version = excluded.version, purposes = excluded.purposes, channels = excluded.channels,
        allowed = excluded.allowed
    where known.version < excluded.version
    """
)
_LOAD = statement("select version, purposes, channels, allowed from segment.silence where workspace_id = :workspace_id")


async def keep(tx: Tx, workspace_id: int, silence: Silence) -> bool:
    """Keep the declarations; False when these or newer ones are known."""
    declared = sorted(silence.declared)
    return bool(
        await tx.execute(
            _KEEP,
            workspace_id=workspace_id,
            version=silence.version,
            purposes=[purpose for purpose, _, _ in declared],
            channels=[channel for _, channel, _ in declared],
            allowed=[allowed for _, _, allowed in declared],
        )
    )


async def load(tx: Tx, workspace_id: int) -> Silence:
    """Return the declarations."""
    row = await tx.fetch_one(_LOAD, workspace_id=workspace_id)
    if row is None:
        return Silence()
    declared = zip(row["purposes"], row["channels"], row["allowed"], strict=True)
    return Silence(frozenset(declared), row["version"])
