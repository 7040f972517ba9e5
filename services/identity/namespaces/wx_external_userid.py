"""WeCom external contact id, within one corporation (the scope)."""

from services.identity.domain.canonical import Spelling, is_filler, namespace_kind, tidy, url_safe
from services.identity.domain.policy import InvalidValue, NamespacePolicy


def canonical(value: str, _region: str | None = None) -> Spelling:
    """Return an external contact id unchanged: up to 64 url-safe characters, case-sensitive."""
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return text
    if "*" in text:
        return InvalidValue("masked")
    if is_filler(text):
        return InvalidValue("filler")
    return text if 8 <= len(text) <= 64 and url_safe(text) else InvalidValue("not_an_external_userid")


namespace = namespace_kind(
    "wx_external_userid",
    NamespacePolicy(priority=3, max_per_person=2, parent="wx_unionid"),
    canonical,
    scope_required=True,
    aliases={"external_userid", "wecom_external_userid"},
)
