"""What only the identity service has in its hands while it runs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import services.identity.namespaces
import services.identity.webhooks
from libs.common.registry import discover
from libs.common.runtime import Runtime
from libs.common.settings import ServiceSettings
from services.identity.domain.pace import LEAST
from services.identity.domain.policy import NamespaceKind
from services.identity.domain.webhook import WebhookKind, WeChatAnswers
from services.identity.settings import IdentitySettings
from services.identity.store.erasure_ledger import NAME, ErasureLedger
from services.identity.store.tracking_plans import PlanShelf
from services.identity.usecases.graph.tools import GraphTools


@dataclass
class IdentityParts:
    """The graph's tools, the ledger, the kinds of webhooks and the tracking plans, shared by requests and jobs.

    `wechat` answers questions to WeChat and WeCom; `access_told`: whether all access records were told once;
    `batch_size`: how many events the resolver takes at once, so that its transactions last about `resolve_seconds`;
    `seen_last`: the workspaces of its last batch, which are mostly those of the next one.
    """

    graph: GraphTools
    ledger: ErasureLedger
    webhooks: dict[str, WebhookKind]
    wechat: WeChatAnswers
    plans: PlanShelf = field(default_factory=PlanShelf)
    access_told: bool = False
    batch_size: int = LEAST
    resolve_seconds: float = 0.05
    seen_last: tuple[int, ...] = ()


def make_identity_parts(
    runtime: Runtime[Any],
    wechat: WeChatAnswers,
    *,
    quarantined: Callable[[int, str, int], None],
    limited: Callable[[int, str, int], None],
) -> IdentityParts:
    """Return the parts for a runtime that is open; the last two hear of links that are held, or over a limit."""
    kinds = discover(services.identity.namespaces, "namespace", NamespaceKind)
    webhooks = discover(services.identity.webhooks, "webhook", WebhookKind)
    graph = GraphTools(
        sealer=runtime.sealer, now=runtime.now, namespaces=kinds, personal_names=runtime.personal_names,
        quarantined=quarantined, limited=limited, settling=lambda: runtime.wake("recompute_regions"),
    )  # fmt: skip
    ledger = ErasureLedger(ledger_path(runtime.settings))
    made = IdentityParts(graph=graph, ledger=ledger, webhooks={kind.name: kind for kind in webhooks}, wechat=wechat)
    if isinstance(runtime.settings, IdentitySettings):
        made.resolve_seconds = runtime.settings.resolve_seconds
    return made


def ledger_path(settings: ServiceSettings) -> Path:
    """Return where erasures are written down: a file of its own volume, or one in the data directory."""
    chosen = settings.erasure_ledger if isinstance(settings, IdentitySettings) else ""
    return Path(chosen) if chosen else settings.data_dir / NAME
