"""The model that scores pairs, sealed: it knows how frequent names are."""

from datetime import datetime

import msgspec

from libs.common.db import Tx, statement
from libs.common.personal import Sealer
from services.identity.domain.matching.model import MatchModel

_LOCK = statement("select pg_advisory_xact_lock(hashtextextended('match model', :workspace_id))")
_ADD = statement(
    "insert into match_model (workspace_id, version, sealed, created_at)"
    " select :workspace_id, coalesce(max(version), 0) + 1, :sealed, :now from match_model"
    " where workspace_id = :workspace_id returning version"
)
_READ = statement(
    "select version, sealed from match_model where workspace_id = :workspace_id order by version desc limit 1"
)


async def add(tx: Tx, workspace_id: int, model: MatchModel, sealer: Sealer, now: datetime) -> int:
    """Put a model in force; return its version."""
    await tx.execute(_LOCK, workspace_id=workspace_id)
    sealed = sealer.seal(msgspec.json.encode(model))
    return int(await tx.fetch_value(_ADD, workspace_id=workspace_id, sealed=sealed, now=now))


async def present(tx: Tx, workspace_id: int, sealer: Sealer) -> tuple[int, MatchModel] | None:
    """Return the model in force with its version, None when there is none."""
    row = await tx.fetch_one(_READ, workspace_id=workspace_id)
    if row is None:
        return None
    return row["version"], msgspec.json.decode(sealer.open(row["sealed"]), type=MatchModel)
