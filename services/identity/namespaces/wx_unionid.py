"""WeChat unionid: one person's WeChat account under one open platform account (the scope)."""

from services.identity.domain.canonical import Canonical, Namespace, NotAnIdentifier, is_filler, tidy, url_safe


def canonical(value: str, _region: str | None = None) -> Canonical:
    """Return a unionid unchanged: 28 or 29 url-safe characters, case-sensitive."""
    text = tidy(value)
    if isinstance(text, NotAnIdentifier):
        return text
    if "*" in text:
        return NotAnIdentifier("masked")
    if is_filler(text):
        return NotAnIdentifier("filler")
    return text if 28 <= len(text) <= 29 and url_safe(text) else NotAnIdentifier("not_a_unionid")


namespace = Namespace(
    name="wx_unionid", canonical=canonical, scope_required=True, aliases=frozenset({"unionid", "wechat_unionid"})
)
