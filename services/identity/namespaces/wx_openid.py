"""WeChat openid: one person's WeChat account in one official account or mini-program (the scope is its appid)."""

from services.identity.domain.canonical import Spelling, is_filler, namespace_kind, tidy, url_safe
from services.identity.domain.policy import InvalidValue, NamespacePolicy


def canonical(value: str, _region: str | None = None) -> Spelling:
    """Return an openid unchanged: 28 url-safe characters, case-sensitive."""
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return text
    if "*" in text:
        return InvalidValue("masked")
    if is_filler(text):
        return InvalidValue("filler")
    return text if len(text) == 28 and url_safe(text) else InvalidValue("not_an_openid")


namespace = namespace_kind(
    "wx_openid",
    NamespacePolicy(priority=4, max_per_person=2, cap_per="scope", parent="wx_unionid"),
    canonical,
    scope_required=True,
    aliases={"openid", "wechat_openid"},
)
