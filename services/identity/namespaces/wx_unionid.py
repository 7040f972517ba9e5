"""WeChat unionid: one person's WeChat account under one open platform account (the scope)."""

from services.identity.domain.canonical import Spelling, is_filler, namespace_kind, tidy, url_safe
from services.identity.domain.policy import CapByTier, InvalidValue, NamespacePolicy


def canonical(value: str, _region: str | None = None) -> Spelling:
    """Return a unionid unchanged: 28 or 29 url-safe characters, case-sensitive."""
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return text
    if "*" in text:
        return InvalidValue("masked")
    if is_filler(text):
        return InvalidValue("filler")
    return text if 28 <= len(text) <= 29 and url_safe(text) else InvalidValue("not_a_unionid")


namespace = namespace_kind(
    "wx_unionid",
    NamespacePolicy(priority=2, max_per_person=CapByTier(tier_0_1=2, tier_2_up=1)),
    canonical,
    scope_required=True,
    aliases={"unionid", "wechat_unionid"},
)
