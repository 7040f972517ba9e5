"""The encrypted account id JD gives one application: a namespace of its own, never equal to the clear one."""

from services.identity.domain.canonical import Namespace
from services.identity.domain.shop_id import shop_canonical

namespace = Namespace(name="jd_xid", canonical=shop_canonical, aliases=frozenset({"jd_open_id", "xid"}))
