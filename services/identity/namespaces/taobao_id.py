"""A Taobao or Tmall account number in clear; masked names are none."""

from services.identity.domain.canonical import Namespace
from services.identity.domain.shop_id import shop_canonical

namespace = Namespace(name="taobao_id", canonical=shop_canonical, aliases=frozenset({"taobao", "tmall_id", "tb_id"}))
