"""Who of several goes: slots person by person, one of what says the same, one person at a shared address."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from libs.common.db import Tx
from services.messaging.domain.intent import Decision, Drop, Spent, Take, Wait
from services.messaging.domain.policy import Policy
from services.messaging.domain.slots import Candidate, decide
from services.messaging.domain.twins import Asked, Stage, twins
from services.messaging.store.persons import AddressClaim, claim_addresses
from services.messaging.usecases.prepared import Prepared


async def give_slots(
    tx: Tx,
    workspace_id: int,
    candidates: Sequence[Prepared],
    spent: Mapping[int, Sequence[Spent]],
    asked: Mapping[UUID, Asked],
    *,
    policy: Policy,
    now: datetime,
) -> dict[UUID, Decision]:
    """Return a verdict for each candidate; who has a twin, or loses his address, makes room and it is done again.

    `spent` is by person; `asked` is what the persons were asked for as others, the candidates among it.
    """
    verdicts: dict[UUID, Decision] = {}
    lost: dict[UUID, Decision] = {}
    claimed = set[UUID]()
    while True:
        left = [p for p in candidates if p.intent.intent_id not in lost]
        rivals = {i: one for i, one in asked.items() if i not in lost or one.stage is Stage.LEFT}
        verdicts = {**_one_of_twins(left, spent, rivals, policy, now), **lost}
        wanting = [p for p in left if _shares_address(p, verdicts) and p.intent.intent_id not in claimed]
        if not wanting:
            return verdicts
        claims = [
            AddressClaim(p.address_lookup or b"", p.intent.content_key, p.intent.person_no, p.intent.intent_id)
            for p in wanting
        ]
        since = now - timedelta(seconds=policy.address_window_seconds)
        got = await claim_addresses(tx, workspace_id, claims, now=now, since=since)
        claimed |= got
        losers = {p.intent.intent_id for p in wanting} - got
        if not losers:
            return verdicts
        # Whoever waited for a loser is looked at again: his address may be another.
        lost.update(dict.fromkeys(losers, Drop("duplicate", {"by": "address"})))


def _one_of_twins(
    left: Sequence[Prepared],
    spent: Mapping[int, Sequence[Spent]],
    asked: Mapping[UUID, Asked],
    policy: Policy,
    now: datetime,
) -> dict[UUID, Decision]:
    """Give out slots until nobody who goes has a twin that left, is leaving or goes with him.

    Who goes and loses gives his slot back, and all the others are asked again: no cap is full of what does not go.
    """
    verdicts: dict[UUID, Decision] = {}
    while left:
        verdicts.update(_by_caps(left, spent, policy, now))
        losers = twins(_standing(left, verdicts, asked))
        yielding = {loser for loser in losers if isinstance(verdicts[loser], Take)}
        for loser, winner in losers.items():
            verdicts[loser] = _behind(winner, verdicts[loser], now)
        if not yielding:
            return verdicts
        left = [p for p in left if p.intent.intent_id not in yielding]
    return verdicts


def _by_caps(
    left: Sequence[Prepared], spent: Mapping[int, Sequence[Spent]], policy: Policy, now: datetime
) -> dict[UUID, Decision]:
    by_person: dict[int, list[Candidate]] = defaultdict(list)
    for p in left:
        by_person[p.intent.person_no].append(Candidate(p.intent, p.channel, p.zone))
    return {
        intent.intent_id: verdict
        for person_no, group in by_person.items()
        for intent, verdict in decide(group, spent.get(person_no, ()), policy, now).items()
    }


def _standing(
    left: Sequence[Prepared], verdicts: Mapping[UUID, Decision], asked: Mapping[UUID, Asked]
) -> Iterator[Asked]:
    """Return what left or is leaving, and how the candidates stand by their verdicts."""
    ours = {p.intent.intent_id for p in left}
    for one in asked.values():
        if one.intent_id in ours and one.stage is not Stage.LEFT:
            goes = isinstance(verdicts[one.intent_id], Take)
            yield replace(one, stage=Stage.GOING if goes else Stage.WAITING)
        elif one.stage <= Stage.LEAVING and one.intent_id not in verdicts:
            yield one


def _behind(winner: Asked, own: Decision, now: datetime) -> Decision:
    """Return what becomes of who says the same as the winner: nothing is final before a provider has taken that."""
    if winner.stage is not Stage.LEFT:
        return Wait(max(now, winner.due_at or now))
    return Drop("duplicate", {"by": "merge", "winner": str(winner.intent_id)}) if isinstance(own, Take) else own


def _shares_address(p: Prepared, verdicts: Mapping[UUID, Decision]) -> bool:
    """Return whether it goes to an address that another person may have, with content that could be the same."""
    taken = isinstance(verdicts[p.intent.intent_id], Take)
    return (
        taken
        and p.address_lookup is not None
        and p.intent.message_class != "transactional"
        and bool(p.intent.content_key)
    )
