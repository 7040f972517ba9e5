"""Namespace policies: what an identifier of a namespace may hold together, and the plug-in that describes one."""

from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import msgspec

from services.identity.domain.consents import LINKING, Linking

KNOWN_PRIORITY = 5
"""Identifiers up to this priority name somebody; weaker ones (devices, cookies) only accompany."""

HUB_PRIORITY = 3
"""For namespaces that do not bridge, neighbours up to this priority count towards the hub threshold."""


class CapByTier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many identifiers a person may hold, by the tier of the link that would add one; None is no limit."""

    tier_0_1: int | None = None
    tier_2_up: int | None = None


CaseRule = Literal["sensitive", "insensitive"]
"""Whether an issuer's ids that differ in case alone are different accounts."""
ANY_ISSUER = "*"
"""Stands for every issuer for which no case rule of its own is declared."""


class Folding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a domain's mailboxes do not care for: dots in the local part, a tag after a plus sign."""

    dots: bool = False
    plus_tags: bool = False


class NamespacePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The rules of one namespace; priority 1 is the strongest.

    `max_per_person` counts per namespace, or per scope with `cap_per="scope"`; with `window_days` only identifiers
    active within the window count. `blocked` values never become identifiers. Durations are days of 24 hours.
    What was done without a log-in on something that does not bridge belongs to whoever held it at that time, and, up to
    `look_back_days` before the first log-in, to the first user; with `anonymous_history="moves"` all of it is the last
    one's.
    With `luhn` a number whose check digit is wrong is none, with `prefixes` one that begins otherwise.
    `case_rules` are by issuer, the scope, or `*`; `folding` by the domain of an address.
    `consent_purpose` is what evidence naming such an identifier is taken for, None where nobody need consent.
    """

    priority: int
    max_per_person: int | CapByTier | None = None
    window_days: int | None = None
    cap_per: Literal["namespace", "scope"] = "namespace"
    hub_threshold: int | None = None
    ttl_days: int | None = None
    reassign_after_days: int | None = None
    singleton: bool | None = None
    bridges: bool = True
    look_back_days: int | None = 30
    anonymous_history: Literal["own_time", "moves"] = "own_time"
    parent: str | None = None
    blocked: tuple[str, ...] = ()
    luhn: bool = False
    prefixes: tuple[str, ...] = ()
    case_rules: dict[str, CaseRule] = {}
    folding: dict[str, Folding] = {}
    consent_purpose: str | None = LINKING

    @cached_property
    def is_singleton(self) -> bool:
        """Whether two of these in one person would contradict each other."""
        return self.max_per_person == 1 if self.singleton is None else self.singleton

    def is_crowded_by(self, other: "NamespacePolicy") -> bool:
        """Whether one of these is the more of a hub for being linked to one of the others."""
        if self.hub_threshold is None:
            return False
        return other.is_singleton if self.bridges else other.priority <= HUB_PRIORITY

    def ignores_case(self, issuer: str) -> bool:
        """Whether an issuer's ids that differ in case alone are one."""
        return self.case_rules.get(issuer, self.case_rules.get(ANY_ISSUER)) == "insensitive"

    def blocked_as(self, spelled: Callable[[str], str]) -> frozenset[str]:
        """Return the blocked values as they are spelled by something; made once, for there may be thousands."""
        found = self._blocked.get(spelled)
        if found is None:
            found = self._blocked[spelled] = frozenset(map(spelled, self.blocked))
        return found

    @cached_property
    def _blocked(self) -> dict[Callable[[str], str], frozenset[str]]:
        return {}

    def cap(self, tier: int) -> int | None:
        """Return how many a person may hold when a link of `tier` joins, None for no limit."""
        if isinstance(self.max_per_person, CapByTier):
            return self.max_per_person.tier_0_1 if tier <= 1 else self.max_per_person.tier_2_up
        return self.max_per_person


def _limitless(policy: NamespacePolicy) -> NamespacePolicy:
    """Return a policy without what limits persons and hubs; what makes a singleton stays."""
    return msgspec.structs.replace(
        policy,
        max_per_person=None,
        window_days=None,
        hub_threshold=None,
        singleton=policy.is_singleton,
        blocked=(),
        luhn=False,
        prefixes=(),
    )


UNKNOWN_NAMESPACE = NamespacePolicy(priority=5, max_per_person=10, hub_threshold=3)
"""What holds for a namespace nobody declared."""


class Safeguards(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where joining stops until somebody has looked; None switches a safeguard off.

    A person of more than `largest_person` identifiers of bridging namespaces is not made. One identifier that a source
    joins to more than `joins_per_minute` others within a minute has these links held. A source that merged
    `merges_per_minute` persons within a minute has the links held that would merge more. A join is at risk when all who
    had the identifier had been silent for more than `dormant_days` before it.
    """

    largest_person: int | None = 200
    joins_per_minute: int | None = 50
    merges_per_minute: int | None = None
    dormant_days: int | None = 365


class Declared(msgspec.Struct, frozen=True):
    """What a workspace says of its policies; a namespace it does not name keeps its default."""

    namespaces: dict[str, NamespacePolicy] = {}
    safeguards: Safeguards = Safeguards()
    linking: Linking = "opt_out"


class PolicySet(msgspec.Struct, frozen=True):
    """One version of the policies of a workspace."""

    version: int
    policies: dict[str, NamespacePolicy]
    linking: Linking = "opt_out"
    safeguards: Safeguards = Safeguards()

    def of(self, namespace: str) -> NamespacePolicy:
        """Return the policy of a namespace, the default one when it was never declared."""
        return self.policies.get(namespace, UNKNOWN_NAMESPACE)

    def reads_like(self, other: "PolicySet") -> bool:
        """Whether evidence says the same about the same pairs at the same times: only limits differ, if anything."""
        names = self.policies.keys() | other.policies.keys()
        return all(_limitless(self.of(name)) == _limitless(other.of(name)) for name in names)

    @property
    def respelling(self) -> dict[str, NamespacePolicy]:
        """The policies of namespaces of which several spellings denote one."""
        return {name: policy for name, policy in self.policies.items() if policy.case_rules or policy.folding}

    def respells_like(self, other: "PolicySet") -> bool:
        """Whether the same spellings denote one."""
        rules = [
            {name: (policy.case_rules, policy.folding) for name, policy in one.respelling.items()}
            for one in (self, other)
        ]
        return rules[0] == rules[1]

    @property
    def purposes(self) -> dict[str, str | None]:
        """What evidence is taken for by namespace, None where nobody need consent."""
        return {name: policy.consent_purpose for name, policy in self.policies.items()}

    @property
    def reassigns(self) -> bool:
        """Whether identifiers of any namespace pass to new owners when the old ones fall silent."""
        return any(policy.reassign_after_days is not None for policy in self.policies.values())


class Canonical(msgspec.Struct, frozen=True):
    """A valid value in its one spelling; `twins` are (namespace, value) pairs that denote the same, as hashes do."""

    value: str
    twins: tuple[tuple[str, str], ...] = ()


class InvalidValue(msgspec.Struct, frozen=True):
    """A value that is no identifier, with the reason."""

    reason: str


class NamespaceKind(msgspec.Struct, frozen=True):
    """A plug-in: the default policy of a namespace and its canonical form.

    `canonical(value, default_region)` is idempotent: the canonical form of a canonical value is itself. `aliases` are
    the other names callers know it by; with `scope_required` a value without a scope is nobody's. `hashed_as` are the
    namespaces that hold hashes of its values. `named` spells values that come under one of its aliases more strictly.
    `declarable` are the fields of a policy that mean something for its values only (card numbers, addresses).
    """

    name: str
    policy: NamespacePolicy
    canonical: Callable[[str, str | None], Canonical | InvalidValue]
    aliases: frozenset[str] = frozenset()
    scope_required: bool = False
    hashed_as: frozenset[str] = frozenset()
    named: Mapping[str, Callable[[str, str | None], Canonical | InvalidValue]] = MappingProxyType({})
    declarable: frozenset[str] = frozenset()
