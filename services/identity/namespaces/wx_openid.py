"""WeChat openid: one person's WeChat account in one official account or mini-program (the scope is its appid)."""

from services.identity.domain.canonical import Canonical, Namespace, NotAnIdentifier, is_filler, tidy, url_safe


def canonical(value: str, _region: str | None = None) -> Canonical:
    """Return an openid unchanged: 28 url-safe characters, case-sensitive."""
    text = tidy(value)
    if isinstance(text, NotAnIdentifier):
        return text
    if "*" in text:
        return NotAnIdentifier("masked")
    if is_filler(text):
        return NotAnIdentifier("filler")
    return text if len(text) == 28 and url_safe(text) else NotAnIdentifier("not_an_openid")


namespace = Namespace(
    name="wx_openid", canonical=canonical, scope_required=True, aliases=frozenset({"openid", "wechat_openid"})
)
