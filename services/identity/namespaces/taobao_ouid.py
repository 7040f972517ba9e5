"""The encrypted buyer id Taobao gives one application: a namespace of its own, never equal to the clear one."""

from services.identity.domain.canonical import Namespace
from services.identity.domain.shop_id import shop_canonical

namespace = Namespace(name="taobao_ouid", canonical=shop_canonical, aliases=frozenset({"ouid", "tmall_ouid"}))
