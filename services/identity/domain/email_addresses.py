"""Addresses in their one spelling, and those that forms and programs hold in place of a person's."""

import re

import idna

from services.identity.domain.canonical import Spelling, is_filler, tidy
from services.identity.domain.policy import Folding, InvalidValue

BLOCKED_EMAILS = frozenset(
    {
        "test@test.com", "test@test.cn", "test@test.de", "test@test.org", "test@example.com", "test@qq.com",
        "test@163.com", "test@gmail.com", "a@a.com", "aa@aa.com", "aaa@aaa.com", "abc@abc.com", "asd@asd.com",
        "123@123.com", "1@1.com", "x@x.com", "123@qq.com", "123456@qq.com", "null@null.com", "none@none.com",
        "no@no.com", "na@na.com", "noemail@noemail.com", "no@email.com", "none@gmail.com", "email@email.com",
        "noreply@example.com", "no-reply@example.com", "admin@admin.com",
        "unknown@unknown.com", "anonymous@anonymous.com", "guest@guest.com", "fake@fake.com",
    }
)  # fmt: skip
"""Valid in form; nobody in particular."""

# RFC 6532 lets letters of any script into the local part.
_LOCAL = re.compile(r"[^\s\x00-\x20\"(),:;<>@\[\]\\*]+")
_NOBODY = frozenset({"null", "undefined", "none", "nan", "anonymous", "noreply", "no-reply"})
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


def address_canonical(value: str, _region: str | None = None) -> Spelling:
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


def folded(address: str, folding: Folding) -> str:
    """Return an address without what its domain does not care for; one that would lose everything stays."""
    local, _, domain = address.rpartition("@")
    kept = local.partition("+")[0] if folding.plus_tags else local
    kept = kept.replace(".", "") if folding.dots else kept
    return f"{kept or local}@{domain}"
