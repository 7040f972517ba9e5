"""A trained model in force: everybody is looked at by it in the background, and from then on whoever changes."""

from libs.common.db import Tx
from services.identity.domain.matching.model import MatchModel
from services.identity.store import match_looks, match_models
from services.identity.usecases.graph.tools import GraphTools


async def put_match_model(tx: Tx, tools: GraphTools, workspace_id: int, model: MatchModel) -> int:
    """Put a model in force; return its version."""
    now = tools.now(workspace_id)
    version = await match_models.add(tx, workspace_id, model, tools.sealer(workspace_id), now)
    await match_looks.begin(tx, workspace_id, version, now)
    return version
