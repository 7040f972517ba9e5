"""What only the identity service has in its hands while it runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import services.identity.namespaces
from libs.common.registry import discover
from libs.common.runtime import Runtime
from libs.common.settings import ServiceSettings
from services.identity.domain.policy import NamespaceKind
from services.identity.settings import IdentitySettings
from services.identity.store.erasure_ledger import NAME, ErasureLedger
from services.identity.usecases.graph.tools import GraphTools


@dataclass
class IdentityParts:
    """The graph's tools and the ledger, shared by requests and jobs; whether all access records were told once."""

    graph: GraphTools
    ledger: ErasureLedger
    access_told: bool = False


def make_identity_parts(runtime: Runtime[Any]) -> IdentityParts:
    """Return the parts for a runtime that is open."""
    kinds = discover(services.identity.namespaces, "namespace", NamespaceKind)
    graph = GraphTools(sealer=runtime.sealer, now=runtime.now, namespaces=kinds, personal_names=runtime.personal_names)
    return IdentityParts(graph=graph, ledger=ErasureLedger(ledger_path(runtime.settings)))


def ledger_path(settings: ServiceSettings) -> Path:
    """Return where erasures are written down: a file of its own volume, or one in the data directory."""
    chosen = settings.erasure_ledger if isinstance(settings, IdentitySettings) else ""
    return Path(chosen) if chosen else settings.data_dir / NAME
