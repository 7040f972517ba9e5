"""A Douyin shop account in clear; masked names are none."""

from services.identity.domain.canonical import Namespace
from services.identity.domain.shop_id import shop_canonical

namespace = Namespace(name="douyin_id", canonical=shop_canonical, aliases=frozenset({"douyin"}))
