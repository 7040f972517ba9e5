"""The id of one visit."""

from services.identity.domain.canonical import Namespace
from services.identity.domain.visitor_id import visitor_canonical

namespace = Namespace(name="session", canonical=visitor_canonical, aliases=frozenset({"session_id", "sessionid"}))
