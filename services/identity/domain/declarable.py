"""Which fields of a policy mean something for the values of some namespaces only."""

from collections.abc import Iterator, Mapping

from services.identity.domain.naming import ANY_TEXT
from services.identity.domain.policy import NamespaceKind, NamespacePolicy


def unfit_fields(name: str, policy: NamespacePolicy, kinds: Mapping[str, NamespaceKind]) -> Iterator[str]:
    """Yield the fields declared for a namespace whose values do not know them."""
    kind = kinds.get(name)
    own = kinds[ANY_TEXT] if kind is None or kind.name != name else kind
    for field in sorted(frozenset().union(*(one.declarable for one in kinds.values())) - own.declarable):
        if getattr(policy, field):
            yield field
