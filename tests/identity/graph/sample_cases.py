"""The sample cases of identity in this system's own words."""

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from services.identity.api.policies import PolicyFields
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.policy import NamespacePolicy
from tests.fixtures.shared_data import sample_cases

CASES: list[dict[str, Any]] = sample_cases("identity_sample.json")
_ARRIVALS = ("received", "received_at", "first_received_at")
Link = tuple[str, ...]
"""The two ends of a link, by name, in order."""
Refusal = tuple[str, str, tuple[str, ...]]
"""State, reason and blocking identifiers of a link that holds nobody together."""


def policies_of(case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the case's policies as the API takes them: as they stand."""
    return dict(case["policy"])


def declared(case: dict[str, Any]) -> dict[str, NamespacePolicy]:
    return {name: PolicyFields(**fields).policy() for name, fields in policies_of(case).items()}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def arrival(event: dict[str, Any]) -> datetime:
    """Return when an event comes in: when it happened, unless the case says otherwise."""
    return instant(next((event[name] for name in _ARRIVALS if name in event), event["time"]))


def evidence_of(event: dict[str, Any], identifiers: tuple[Identifier, ...]) -> Evidence:
    return Evidence(
        event_id=uuid5(NAMESPACE_OID, event["id"]),
        source_id=0,
        kind=event["kind"],
        tier=event["tier"],
        event_time=instant(event["time"]),
        first_received_at=arrival(event),
        identifiers=identifiers,
    )


def node_name(identifier: dict[str, Any]) -> str:
    scope = f"@{identifier['scope']}" if identifier["scope"] else ""
    return f"{identifier['namespace']}{scope}:{identifier['value']}"


def sorted_persons(groups: Any) -> list[list[str]]:
    return sorted(sorted(group) for group in groups)


def assert_expected(expected: dict[str, Any], persons: Any, refused: dict[Link, Refusal], shared: Any) -> None:
    """Compare a partition with what a case expects; reasons count where the case names one."""
    assert sorted_persons(persons) == sorted_persons(expected["persons"])
    assert sorted(shared) == sorted(expected.get("shared", []))
    if "suppressed_count" in expected:
        assert len(refused) == expected["suppressed_count"] + expected.get("expired_count", 0)
    if "suppressed" in expected:
        assert set(refused) == {tuple(sorted(one["link"])) for one in expected["suppressed"]}
    for one in expected.get("suppressed", ()):
        state, reason, _ = refused[tuple(sorted(one["link"]))]
        # A link that ends in a hub is not active because of the hub: either word says so.
        assert state == one["state"] or {state, one["state"]} == {"shared", "suppressed"}
        assert reason == one.get("reason", reason) or state == "shared"
    for pair in expected.get("suggestions", ()):
        assert tuple(sorted(pair)) in {tuple(sorted(blockers)) for _, _, blockers in refused.values()}
