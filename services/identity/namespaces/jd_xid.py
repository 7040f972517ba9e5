"""The encrypted account id JD gives one application: a namespace of its own, never equal to the clear one."""

from services.identity.domain.canonical import namespace_kind
from services.identity.domain.policy import NamespacePolicy
from services.identity.domain.shop_id import shop_canonical

namespace = namespace_kind(
    "jd_xid",
    NamespacePolicy(priority=4, max_per_person=3),
    shop_canonical,
    aliases={"jd_open_id", "xid"},
)
