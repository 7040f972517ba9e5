"""The id a browser or mini-program keeps for a visitor who did not log in (`anonymousId`)."""

from services.identity.domain.canonical import Namespace
from services.identity.domain.visitor_id import visitor_canonical

namespace = Namespace(
    name="cookie",
    canonical=visitor_canonical,
    aliases=frozenset({"anonymous_id", "anonymousid", "cookie_id", "cross_domain_id", "ga_client_id"}),
)
