"""The encrypted account id Douyin gives one application: a namespace of its own, never equal to the clear one."""

from services.identity.domain.canonical import Namespace
from services.identity.domain.shop_id import shop_canonical

namespace = Namespace(name="douyin_open_id", canonical=shop_canonical, aliases=frozenset({"douyin_openid"}))
