"""Persons entered or left segments."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from libs.common.contracts.segment.membership_entered import MembershipEntered
from libs.common.contracts.segment.membership_exited import MembershipExited
from libs.common.db import Tx
from libs.common.personal import Sealer
from services.journey.domain.signal import SegmentState, segment_signal
from services.journey.store.signals import Sighting
from services.journey.store.triggers import Triggers
from services.journey.usecases.hear_signals import Surroundings, hear_signals


async def hear_memberships(
    tx: Tx,
    events: Sequence[MembershipEntered | MembershipExited],
    state: SegmentState,
    *,
    triggers: Mapping[int, Triggers],
    now: Mapping[int, datetime],
    sealers: Mapping[int, Sealer],
) -> int:
    """Hear the changes as signals, and return how many runs are to be looked at now."""
    sightings = [
        Sighting(
            workspace_id=event.workspace_id,
            person_no=event.person_no,
            person_id=event.person_id,
            subject_no=0,
            name=segment_signal(str(event.segment_id), state),
            at=event.occurred_at,
            event_id=event.id,
            received_at=event.received_at,
            cause=event.cause,
        )
        for event in events
        if event.person_id is not None and event.person_no and event.workspace_id in triggers
    ]
    return await hear_signals(tx, sightings, around=Surroundings(triggers, now, sealers))
