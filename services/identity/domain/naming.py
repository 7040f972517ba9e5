"""From what a caller calls an identifier to the node it is, or the reason it is none."""

from collections.abc import Callable, Mapping

from services.identity.domain.declared_spelling import declared_spelling
from services.identity.domain.evidence import Identifier
from services.identity.domain.policy import Canonical, InvalidValue, NamespaceKind, PolicySet

ANY_TEXT = "user_id"
"""Namespaces that a workspace declared itself are spelled like this one."""


def namespace_of(
    name: str, namespaces: Mapping[str, NamespaceKind], policies: PolicySet
) -> tuple[str, NamespaceKind | None]:
    """Return the namespace that goes by a name, and its plug-in unless a workspace declared the name for itself."""
    folded = name.strip().lower()
    kind = namespaces.get(folded)
    if kind is None or (kind.name != folded and folded in policies.policies):
        return folded, None
    return kind.name, kind


def name_identifier(
    namespace: str,
    scope: str,
    value: str,
    *,
    region: str | None,
    namespaces: Mapping[str, NamespaceKind],
    policies: PolicySet,
) -> Identifier | InvalidValue:
    """Return the identifier in its one spelling, or why it names nobody."""
    name, kind = namespace_of(namespace, namespaces, policies)
    if kind is None and name not in policies.policies:
        return InvalidValue("unknown_namespace")
    if kind is not None and kind.scope_required and not scope:
        return InvalidValue("no_scope")
    canonical = _canonical(kind or namespaces[ANY_TEXT], namespace)(value, region)
    if isinstance(canonical, InvalidValue):
        return canonical
    spelled = declared_spelling(canonical.value, scope, policies.of(name))
    return spelled if isinstance(spelled, InvalidValue) else Identifier(name, scope, spelled)


def _canonical(kind: NamespaceKind, called: str) -> Callable[[str, str | None], Canonical | InvalidValue]:
    """Return how values are spelled that a caller calls by a name."""
    return kind.named.get(called.strip().lower(), kind.canonical) if kind.named else kind.canonical
