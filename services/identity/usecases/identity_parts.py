"""What only the identity service has in its hands while it runs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import services.identity.namespaces
import services.identity.webhooks
from libs.common.registry import discover
from libs.common.runtime import Runtime
from libs.common.settings import ServiceSettings
from services.identity.domain.policy import NamespaceKind
from services.identity.domain.webhook import WebhookKind, WeChatAnswers
from services.identity.settings import IdentitySettings
from services.identity.store.erasure_ledger import NAME, ErasureLedger
from services.identity.store.tracking_plans import PlanShelf
from services.identity.usecases.graph.tools import GraphTools


@dataclass
class IdentityParts:
    """The graph's tools, the ledger, the kinds of webhooks and the tracking plans, shared by requests and jobs.

    `wechat` answers questions to WeChat and WeCom; `access_told`: whether all access records were told once.
    """

    graph: GraphTools
    ledger: ErasureLedger
    webhooks: dict[str, WebhookKind]
    wechat: WeChatAnswers
    plans: PlanShelf = field(default_factory=PlanShelf)
    access_told: bool = False


def make_identity_parts(runtime: Runtime[Any], wechat: WeChatAnswers) -> IdentityParts:
    """Return the parts for a runtime that is open."""
    kinds = discover(services.identity.namespaces, "namespace", NamespaceKind)
    webhooks = discover(services.identity.webhooks, "webhook", WebhookKind)
    graph = GraphTools(sealer=runtime.sealer, now=runtime.now, namespaces=kinds, personal_names=runtime.personal_names)
    ledger = ErasureLedger(ledger_path(runtime.settings))
    return IdentityParts(graph=graph, ledger=ledger, webhooks={kind.name: kind for kind in webhooks}, wechat=wechat)


def ledger_path(settings: ServiceSettings) -> Path:
    """Return where erasures are written down: a file of its own volume, or one in the data directory."""
    chosen = settings.erasure_ledger if isinstance(settings, IdentitySettings) else ""
    return Path(chosen) if chosen else settings.data_dir / NAME
