"""The encrypted account id Douyin gives one application: a namespace of its own, never equal to the clear one."""

from services.identity.domain.canonical import namespace_kind
from services.identity.domain.policy import NamespacePolicy
from services.identity.domain.shop_id import shop_canonical

namespace = namespace_kind(
    "douyin_open_id",
    NamespacePolicy(priority=4, max_per_person=3),
    shop_canonical,
    aliases={"douyin_openid"},
)
