"""What only the identity service has in its hands while it runs."""

from dataclasses import dataclass
from typing import Any

import services.identity.namespaces
from libs.common.registry import discover
from libs.common.runtime import Runtime
from services.identity.domain.policy import NamespaceKind
from services.identity.usecases.graph.tools import GraphTools


@dataclass
class IdentityParts:
    """The graph's tools, shared by requests and jobs of this process; whether it has told all access records once."""

    graph: GraphTools
    access_told: bool = False


def make_identity_parts(runtime: Runtime[Any]) -> IdentityParts:
    """Return the parts for a runtime that is open."""
    kinds = discover(services.identity.namespaces, "namespace", NamespaceKind)
    graph = GraphTools(sealer=runtime.sealer, now=runtime.now, namespaces=kinds, personal_names=runtime.personal_names)
    return IdentityParts(graph=graph)
