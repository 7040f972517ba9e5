"""The sample cases of identity in this system's own words."""

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import msgspec

from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.policy import NamespacePolicy
from tests.fixtures.shared_data import sample_cases

CASES: list[dict[str, Any]] = sample_cases("identity_sample.json")
_RENAMED = {"stale_days": "reassign_after_days"}


def policies_of(case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the case's policies as the API takes them."""
    return {
        namespace: {_RENAMED.get(name, name): value for name, value in fields.items()}
        for namespace, fields in case["policy"].items()
    }


def declared(case: dict[str, Any]) -> dict[str, NamespacePolicy]:
    return msgspec.convert(policies_of(case), dict[str, NamespacePolicy])


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def evidence_of(event: dict[str, Any], identifiers: tuple[Identifier, ...]) -> Evidence:
    return Evidence(
        event_id=uuid5(NAMESPACE_OID, event["id"]),
        source_id=0,
        kind=event["kind"],
        tier=event["tier"],
        event_time=instant(event["time"]),
        first_received_at=instant(event.get("received", event["time"])),
        identifiers=identifiers,
    )


def node_name(identifier: dict[str, Any]) -> str:
    scope = f"@{identifier['scope']}" if identifier["scope"] else ""
    return f"{identifier['namespace']}{scope}:{identifier['value']}"


def sorted_persons(groups: Any) -> list[list[str]]:
    return sorted(sorted(group) for group in groups)
