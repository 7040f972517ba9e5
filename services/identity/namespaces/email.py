"""E-mail addresses: NFKC, lower case, the domain in its ASCII (IDNA) form; no folding of dots and plus signs."""

import re

import idna

from services.identity.domain.canonical import Spelling, is_filler, namespace_kind, tidy
from services.identity.domain.digests import hex_digest
from services.identity.domain.email_addresses import BLOCKED_EMAILS
from services.identity.domain.policy import InvalidValue, NamespacePolicy

# RFC 6532 lets letters of any script into the local part.
_LOCAL = re.compile(r"[^\s\x00-\x20\"(),:;<>@\[\]\\*]+")
_NOBODY = frozenset({"null", "undefined", "none", "nan", "anonymous", "noreply", "no-reply"})
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


def canonical(value: str, _region: str | None = None) -> Spelling:
    """Return the address in its one spelling, or why it is none."""
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return text
    folded = tidy(text.removeprefix("mailto:").lower())
    if isinstance(folded, InvalidValue):
        return folded
    if is_filler(folded):
        return InvalidValue("filler")
    local, at, domain = folded.rpartition("@")
    if not at or not local or not domain:
        return InvalidValue("not_an_email")
    if "*" in folded:
        return InvalidValue("masked")
    if (
        len(local.encode()) > 64
        or _LOCAL.fullmatch(local) is None
        or local[0] == "."
        or local[-1] == "."
        or ".." in local
    ):
        return InvalidValue("not_an_email")
    ascii_domain = _ascii_domain(domain)
    if ascii_domain is None:
        return InvalidValue("no_such_domain")
    address = f"{local}@{ascii_domain}"
    return InvalidValue("filler") if address in BLOCKED_EMAILS or local in _NOBODY else address


def _ascii_domain(domain: str) -> str | None:
    name = domain.rstrip(".")
    if not name.isascii() or "xn--" in name:
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    labels = name.split(".")
    if len(labels) < 2 or len(name) > 253 or labels[-1].isdigit():
        return None
    return name if all(len(label) <= 63 and _LABEL.fullmatch(label) for label in labels) else None


def twins(address: str) -> tuple[tuple[str, str], ...]:
    """Return the hashed identifiers (namespace, digest) under which others may know this address."""
    return (("email_sha256", hex_digest("sha256", address)),)


namespace = namespace_kind(
    "email",
    NamespacePolicy(priority=4, max_per_person=5, window_days=365, hub_threshold=3),
    canonical,
    twins=twins,
    hashed_as={"email_sha256"},
    aliases={"mail", "email_address", "emailaddress"},
)
