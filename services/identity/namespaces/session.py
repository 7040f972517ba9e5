"""The id of one visit."""

from services.identity.domain.canonical import namespace_kind
from services.identity.domain.policy import NamespacePolicy
from services.identity.domain.visitor_id import visitor_canonical

namespace = namespace_kind(
    "session",
    NamespacePolicy(priority=7, max_per_person=50, window_days=90, hub_threshold=3, ttl_days=180, bridges=False),
    visitor_canonical,
    aliases={"session_id", "sessionid"},
)
