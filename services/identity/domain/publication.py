"""What the other services hear of an event: its plain part, and the personal part sealed."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

import msgspec

from libs.common.contracts.identity.event_recorded import CallKind, EventRecorded
from libs.common.personal import Place, Sealer, split_personal
from services.identity.domain.calls import mapping, scalar_text
from services.identity.domain.reading import RecordedCall

_PLACES: tuple[tuple[str, Place], ...] = (("properties", "property"), ("traits", "trait"), ("context", "context"))
_NOTHING = msgspec.Raw(b"{}")
_encoder = msgspec.json.Encoder()


def record_event(
    call: RecordedCall,
    *,
    person_no: int,
    person_id: UUID | None,
    subject_no: int,
    identifier_nos: Sequence[int],
    authenticated: bool,
    sealer: Sealer,
    overrides: Mapping[str, bool] | None = None,
) -> EventRecorded:
    """Return the contract of a recorded call that now belongs to a person (0: to nobody).

    `overrides` is the workspace's own word on which names are personal.
    """
    body = with_named_parts(call)
    plain: dict[str, msgspec.Raw] = {}
    personal: dict[str, Any] = {}
    for part, place in _PLACES:
        said = mapping(body.get(part))
        if not said:
            plain[part] = _NOTHING
            continue
        open_part, personal_part = split_personal(said, place, overrides)
        plain[part] = msgspec.Raw(_encoder.encode(open_part))
        if personal_part:
            personal[part] = personal_part
    return EventRecorded(
        id=call.event_id,
        workspace_id=call.workspace_id,
        person_no=person_no,
        person_id=person_id,
        received_at=call.received_at,
        occurred_at=call.event_time,
        kind=cast("CallKind", call.kind),
        name=call.name,
        source_id=call.source_id,
        message_id=call.message_id,
        subject_no=subject_no,
        identifier_nos=tuple(identifier_nos),
        authenticated=authenticated,
        properties=plain["properties"],
        traits=plain["traits"],
        context=plain["context"],
        sealed=sealer.seal_json({"properties": {}, "traits": {}, "context": {}, **personal}) if personal else None,
        group_id=scalar_text(body.get("groupId")),
        imported=call.imported,
        live=call.live,
        original_timestamp=call.original_time,
    )


def with_named_parts(call: RecordedCall) -> dict[str, Any]:
    """Return the body with the name and category of a page or screen among its properties, where filters look."""
    if call.kind not in {"page", "screen"}:
        return call.body
    named = {name: call.body[name] for name in ("name", "category") if isinstance(call.body.get(name), str)}
    return {**call.body, "properties": {**named, **mapping(call.body.get("properties"))}} if named else call.body
