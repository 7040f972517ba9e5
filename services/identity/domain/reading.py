"""What a call is as evidence: the identifiers it names, who belongs with whom, and how surely."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.common.access.model import Source
from services.identity.domain.calls import escaped, listed, mapping, scalar_text
from services.identity.domain.evidence import AUTHENTICATED, DECLARED, OBSERVED, Evidence, EvidenceKind, Identifier
from services.identity.domain.naming import name_identifier, namespace_of
from services.identity.domain.policy import InvalidValue, NamespaceKind, PolicySet

Namespaces = Mapping[str, NamespaceKind]
"""The namespaces by every name callers know them by."""

_CONTACTS = ("phone", "email")
_PROVING = frozenset({"login", "bind"})
_BY_ISSUER = frozenset({"user_id", "member_id", "crm_id"})


class RecordedCall(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the record, opened: what was posted, and when and from where it came."""

    workspace_id: int
    event_id: UUID
    source_id: int
    received_at: datetime
    event_time: datetime
    original_time: datetime | None
    kind: str
    name: str
    message_id: str
    imported: bool
    live: bool
    body: dict[str, Any]


class InvalidIdentifier(msgspec.Struct, frozen=True):
    """A value that named nobody: which kind it was said to be, where it stood, and why it is none."""

    namespace: str
    pointer: str
    reason: str


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a call says about identity. `subject` is the strongest identifier: the one its facts hang on for ever."""

    identifiers: tuple[Identifier, ...]
    subject: Identifier | None
    invalid: tuple[InvalidIdentifier, ...]
    evidence: tuple[Evidence, ...]

    @property
    def authenticated(self) -> bool:
        """Whether the person himself or his issuer stood behind this call."""
        return any(fact.kind in _PROVING and fact.tier <= AUTHENTICATED for fact in self.evidence)


class _Told(msgspec.Struct, frozen=True):
    namespace: str
    scope: str
    value: str
    pointer: str
    contact: bool = False
    verified: bool = False


class _Named(msgspec.Struct, frozen=True):
    identifier: Identifier
    contact: bool
    verified: bool


def namespaces_by_name(kinds: Sequence[NamespaceKind]) -> dict[str, NamespaceKind]:
    """Return the namespaces under their own names and their aliases; a name of its own wins over an alias."""
    names = {alias: kind for kind in kinds for alias in kind.aliases}
    return {**names, **{kind.name: kind for kind in kinds}}


def read_evidence(call: RecordedCall, source: Source, namespaces: Namespaces, policies: PolicySet) -> Reading:
    """Return the identifiers of a call and what it proves about them, by the table of the collection specification."""
    named: list[_Named] = []
    invalid: list[InvalidIdentifier] = []
    region = source.region
    for told in _told(call, source):
        identifier = name_identifier(
            told.namespace, told.scope, told.value, region=region, namespaces=namespaces, policies=policies
        )
        if isinstance(identifier, InvalidValue):
            name, _ = namespace_of(told.namespace, namespaces, policies)
            invalid.append(InvalidIdentifier(name, told.pointer, identifier.reason))
            continue
        named.append(_Named(identifier, told.contact, told.verified and source.trusted))
    identifiers = _ordered(named, policies)
    return Reading(
        identifiers=identifiers,
        subject=identifiers[0] if identifiers else None,
        invalid=tuple(invalid),
        evidence=_evidence(call, source, named, identifiers, policies) if identifiers else (),
    )


def _ordered(named: Sequence[_Named], policies: PolicySet) -> tuple[Identifier, ...]:
    """Strongest first: namespace priority, then the bytes, so that every reader finds the same subject."""
    found = {each.identifier for each in named}
    by_priority = {policies.of(one.namespace).priority: one for one in found}
    if len(by_priority) == len(found):
        return tuple([by_priority[priority] for priority in sorted(by_priority)])
    return tuple(
        sorted(
            found, key=lambda one: (policies.of(one.namespace).priority, one.value.encode(), one.namespace, one.scope)
        )
    )


def _told(call: RecordedCall, source: Source) -> Iterator[_Told]:
    body = call.body
    user_id = scalar_text(body.get("userId"))
    if user_id is not None:
        yield _Told("user_id", source.issuer, _folded(user_id, source), "/userId")
    visitor = scalar_text(body.get("anonymousId"))
    if visitor is not None:
        yield _Told("cookie", "", visitor, "/anonymousId")
    before = scalar_text(body.get("previousId")) if call.kind == "alias" else None
    if before is not None:
        yield _Told("cookie", "", before, "/previousId")
    context = mapping(body.get("context"))
    if context:
        device = scalar_text(mapping(context.get("device")).get("id"))
        if device is not None:
            yield _Told("device", "", device, "/context/device/id")
        yield from _external(context, source)
    # The traits of a group call describe the group.
    if call.kind != "group":
        yield from _contacts(mapping(body.get("traits")), "/traits")
    if context:
        yield from _contacts(mapping(context.get("traits")), "/context/traits")


def _folded(user_id: str, source: Source) -> str:
    rule = source.settings.get("user_id_case")
    return user_id.lower() if rule == "lower" else user_id.upper() if rule == "upper" else user_id


def _external(context: dict[str, Any], source: Source) -> Iterator[_Told]:
    for position, entry in enumerate(listed(context.get("externalIds"))):
        value = scalar_text(mapping(entry).get("id"))
        if value is None:
            continue
        namespace = scalar_text(entry.get("type")) or ""
        scope = scalar_text(entry.get("collection")) or ""
        # The specification's SDKs send `users` where they mean no scope.
        scope = "" if scope == "users" else scope
        if not scope and namespace.lower() in _BY_ISSUER:
            scope = source.issuer
        encoding = scalar_text(entry.get("encoding")) or "none"
        if encoding.lower() not in {"none", "plain"}:
            namespace = f"{namespace}_{encoding.lower().replace('-', '')}"
        verified = entry.get("verified") is True
        yield _Told(namespace, scope, value, f"/context/externalIds/{position}/id", contact=False, verified=verified)


def _contacts(traits: dict[str, Any], pointer: str) -> Iterator[_Told]:
    for name in _CONTACTS if traits else ():
        value = scalar_text(traits.get(name))
        if value is not None:
            verified = traits.get("verified") is True or traits.get(f"{name}_verified") is True
            yield _Told(name, "", value, f"{pointer}/{escaped(name)}", contact=True, verified=verified)


def best_tier(source: Source) -> int:
    """Return the strongest tier a source can give: a public key never reaches tier 1."""
    return source.best_tier if source.trusted else max(source.best_tier, DECLARED)


def _evidence(
    call: RecordedCall,
    source: Source,
    named: Sequence[_Named],
    identifiers: tuple[Identifier, ...],
    policies: PolicySet,
) -> tuple[Evidence, ...]:
    tier = best_tier(source)

    def fact(kind: EvidenceKind, tier: int, who: Sequence[_Named]) -> Evidence:
        return Evidence(
            event_id=call.event_id,
            source_id=call.source_id,
            kind=kind,
            tier=tier,
            event_time=call.event_time,
            first_received_at=call.received_at,
            identifiers=identifiers if len(who) == len(named) else _ordered(who, policies),
            rule_version=policies.version,
        )

    if call.imported:
        return (fact("import", tier if source.kind == "import" else max(tier, DECLARED), named),)
    if call.kind == "track" and call.name == source.logout_event:
        return (fact("logout", tier, named),)
    if call.kind == "alias":
        return (fact("bind", tier, named),)
    return tuple(fact(kind, at, who) for kind, at, who in _touch(named, tier))


def _touch(named: Sequence[_Named], tier: int) -> Iterator[tuple[EvidenceKind, int, list[_Named]]]:
    """What an ordinary call proves: a log-in or a sighting, and the contact points declared or verified with it."""
    users = [each for each in named if each.identifier.namespace == "user_id" and not each.contact]
    present = [each for each in named if not each.contact and not each.verified]
    if len(present) == len(named):
        yield ("login", tier, present) if users else ("observe", max(tier, OBSERVED), present)
        return
    anchors = users or present
    declared = [each for each in named if each.contact and not each.verified]
    verified = [each for each in named if each.verified]
    if present:
        yield ("login", tier, present) if users else ("observe", max(tier, OBSERVED), present)
    if verified:
        yield "bind", AUTHENTICATED, [*anchors, *verified]
    if declared:
        yield "bind", max(tier, DECLARED), [*(anchors or verified), *declared]
