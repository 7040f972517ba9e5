"""What a step of the engine tells the other services."""

import msgspec

from libs.common.contracts.event import Event
from libs.common.contracts.journey.message_requested import MessageRequested
from libs.common.contracts.journey.run_progressed import RunProgressed
from libs.common.personal import Sealer
from services.journey.domain.node import Message
from services.journey.domain.run import ENTRY
from services.journey.store.due_runs import Settled


def events_of(one: Settled, sealer: Sealer) -> list[Event]:
    """Return the intents and the progress of one run, in their order."""
    found: list[Event] = []
    run = one.loaded.run
    messages = {message.key: message for message in one.advance.messages}
    for number, step in enumerate(one.advance.steps, start=1):
        sequence = run.sequence + number
        if step.node == ENTRY and step.branch == "next":
            found.append(_progress(one, "entered", sequence, node=ENTRY))
        message = messages.pop(f"{run.run_id}/{step.node}/{step.visit}", None) if step.arrived else None
        if message is not None:
            found += [
                _intent(one, message, sealer),
                _progress(one, "moved", sequence, node=step.node, reason="requested"),
            ]
    if one.advance.ended:
        state = "completed" if one.advance.state == "completed" else "exited"
        sequence = run.sequence + len(one.advance.steps)
        found.append(_progress(one, state, sequence, node=run.node, reason=one.advance.reason or ""))
    return found


def _progress(one: Settled, state: str, sequence: int, *, node: str, reason: str = "") -> RunProgressed:
    run, now = one.loaded.run, one.loaded.claimed.now
    return RunProgressed(
        workspace_id=run.workspace_id,
        person_no=run.person_no,
        received_at=now,
        occurred_at=now,
        run_id=run.run_id,
        journey_id=run.journey_id,
        journey_version=run.version,
        journey_name=one.loaded.journey_name,
        person_id=run.person_id,
        state=state,  # type: ignore[arg-type] # one of the contract's words
        sequence=sequence,
        node=node,
        reason=reason,
        arm=run.arm,
        converted=one.advance.converted_at is not None,
    )


def _intent(one: Settled, message: Message, sealer: Sealer) -> MessageRequested:
    run, now = one.loaded.run, one.loaded.claimed.now
    event = one.loaded.context or "{}"
    return MessageRequested(
        workspace_id=run.workspace_id,
        person_no=run.person_no,
        received_at=now,
        occurred_at=now,
        idempotency_key=message.key,
        journey_id=run.journey_id,
        journey_version=run.version,
        run_id=run.run_id,
        node=message.node,
        visit=message.visit,
        person_id=run.person_id,
        channels=message.channels,
        purpose=message.purpose,
        expires_at=message.expires_at,
        context=msgspec.Raw(b'{"event":' + event.encode() + b"}"),
        sealed=_personal_part(one.loaded.sealed, sealer),
        entered_as=one.loaded.entered_as,
        subject_no=one.loaded.subject_no,
        **message.settings,
    )


def _personal_part(sealed: str | None, sealer: Sealer) -> str | None:
    """Return the personal properties of the entry event where a template looks for them: below `event`."""
    personal = sealer.open_json(sealed).get("properties") if sealed else None
    return sealer.seal_json({"event": personal}) if personal else None
