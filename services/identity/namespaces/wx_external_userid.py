"""WeCom external contact id, within one corporation (the scope)."""

from services.identity.domain.canonical import Canonical, Namespace, NotAnIdentifier, is_filler, tidy, url_safe


def canonical(value: str, _region: str | None = None) -> Canonical:
    """Return an external contact id unchanged: up to 64 url-safe characters, case-sensitive."""
    text = tidy(value)
    if isinstance(text, NotAnIdentifier):
        return text
    if "*" in text:
        return NotAnIdentifier("masked")
    if is_filler(text):
        return NotAnIdentifier("filler")
    return text if 8 <= len(text) <= 64 and url_safe(text) else NotAnIdentifier("not_an_external_userid")


namespace = Namespace(
    name="wx_external_userid",
    canonical=canonical,
    scope_required=True,
    aliases=frozenset({"external_userid", "wecom_external_userid"}),
)
