"""Random dense histories: every form of the partition against the pure rule, history by history.

    python -m bench.random_histories [--histories 100000] [--seed 0]

History number n is the same in every run; a run goes through the numbers from `--seed` on, so runs whose ranges overlap
repeat histories. Each has up to 14 facts about accounts, unionids, telephones, openids, devices and cookies, of every
kind, in a third of those alone that take nothing back. Half have up to 7 log-ins, log-outs and sightings more, on a
device and a cookie that change hands; half state the bases of evidence and up to 8 words of consent; half limit the
size of persons, and of the links some are held by the circuit breaker, some were released again, and some wait for the
rate of their source (bench/dense_history.py).

For each: delivered in another order with repeats; told piece by piece with only the touched raw component computed
anew; and rebuilt in arrays. Compared are persons, who held each device when, and what else a form knows: hubs, the
states of links, what the breaker catches. Any difference ends the program with the history. Pure: no database.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from bench.dense_history import History, Telling, a_dense_history, tripped
from services.identity.domain import device_times
from services.identity.domain.columns import columns_of
from services.identity.domain.consents import Consents, Permission, consents_at, newest
from services.identity.domain.device_times import Signal, signals_of
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.graph import Hold
from services.identity.domain.links import Pair
from services.identity.domain.partition import partition
from services.identity.domain.policy import PolicySet
from services.identity.domain.rebuild import rebuild
from tests.identity.graph.consenting import standing
from tests.identity.graph.worlds import NOW
from world.progress import progress

Persons = frozenset[frozenset[Identifier]]
Hands = dict[Identifier, list[device_times.Hold]]
"""Who held each device when."""


def hands(events: Iterable[Evidence], policies: PolicySet) -> Hands:
    """Return who held each device when, as all evidence that names it says."""
    signals: dict[Identifier, list[Signal]] = {}
    for event in events:
        for device, signal in signals_of(event, policies):
            signals.setdefault(device, []).append(signal)
    return {one: device_times.holds(known, policies.of(one.namespace), NOW) for one, known in signals.items()}


class Incremental:
    """The partition kept up to date piece by piece, a raw component at a time."""

    def __init__(self, policies: PolicySet) -> None:
        self._policies = policies
        self._component: dict[Identifier, int] = {}
        self._evidence: dict[int, list[Evidence]] = {}
        self._persons: dict[int, Persons] = {}
        self._words: dict[Identifier, dict[str, Permission]] = {}
        self._consents: dict[Identifier, Consents] = {}
        self._held: dict[Pair, Hold] = {}
        self.hands: Hands = {}

    def take(self, number: int, told: Telling) -> None:
        """Take one piece: only what it touches is computed anew."""
        if isinstance(told, Evidence):
            self._compute(number, told.identifiers, [told])
        elif len(told) == 3:
            identifier, purpose, permission = told
            words = self._words[identifier] = newest(self._words.get(identifier, {}), {purpose: permission})
            self._consents[identifier] = consents_at(words, NOW)
            self._compute(number, [identifier], [])
        else:
            pair, hold = told
            self._held[pair] = hold
            self._compute(number, pair, [])

    def _compute(self, number: int, ends: Iterable[Identifier], more: list[Evidence]) -> None:
        touched = {self._component[one] for one in ends if one in self._component}
        known = [*(fact for one in touched for fact in self._evidence.pop(one)), *more]
        for one in touched:
            del self._persons[one]
        if not known:
            return
        found = partition(known, self._policies, NOW, self._consents, self._held).persons
        self._evidence[number], self._persons[number] = known, found
        self._component.update({one: number for person in found for one in person})
        self.hands.update(hands(known, self._policies))

    @property
    def persons(self) -> Persons:
        """All persons."""
        return frozenset(person for found in self._persons.values() for person in found)


def rebuilt(
    events: Sequence[Evidence],
    policies: PolicySet,
    consents: Mapping[Identifier, Consents],
    held: Mapping[Pair, Hold],
) -> tuple[Persons, frozenset[Identifier], Hands]:
    """Return persons, hubs and who held what as the arrays have them."""
    columns, names = columns_of(events, consents)
    where = {name: place for place, name in enumerate(names)}
    placed = {(where[low], where[high]): hold for (low, high), hold in held.items()}
    told = rebuild(columns, lambda nodes: [names[one] for one in nodes], policies, NOW, consents, placed)
    groups: dict[int, set[Identifier]] = {}
    for one, person in enumerate(told.person.tolist()):
        groups.setdefault(person, set()).add(names[one])
    shared = frozenset(names[one] for one in np.flatnonzero(told.shared))
    facts = columns.evidence(np.arange(len(columns.kind)), dict(enumerate(names)))
    return frozenset(map(frozenset, groups.values())), shared, hands(facts, policies)


def is_the_same(history: History, told: Sequence[Telling]) -> bool:
    """Return whether every form says of what was told what the rule says of the history."""
    policies, held = history.policies, dict(history.decisions)
    pure = partition(history.events, policies, NOW, standing(history.said, NOW), held)
    in_time = hands(history.events, policies)
    events = [one for one in told if isinstance(one, Evidence)]
    consents = standing([one for one in told if not isinstance(one, Evidence) and len(one) == 3], NOW)
    incremental = Incremental(policies)
    for number, one in enumerate(told):
        incremental.take(number, one)
    return (
        partition(events, policies, NOW, consents, held) == pure
        and hands(events, policies) == in_time
        and tripped(events, policies) == tripped(history.events, policies)
        and (incremental.persons, incremental.hands) == (pure.persons, in_time)
        and rebuilt(events, policies, consents, held) == (pure.persons, pure.shared, in_time)
    )


def _changes(holds: Iterable[device_times.Hold]) -> int:
    """Return how often a device passed from one person to another, whether or not it was nobody's between."""
    return sum(one != other for one, other in pairwise(hold.who for hold in holds if hold.who is not None))


def check(number: int) -> Counter[str]:
    """Hold one history to the rule; return how much of what it had."""
    chance = random.Random(number)
    history = a_dense_history(chance)
    if not is_the_same(history, history.shuffled(chance)):
        lines = map(str, [history.policies, *history.events, *history.said, *history.decisions])
        raise SystemExit(f"history {number} differs:\n" + "\n".join(lines))
    return Counter({
        "events": len(history.events),
        "words of consent": len(history.said),
        "changes of hands": sum(map(_changes, hands(history.events, history.policies).values())),
        "decisions about links": len(history.decisions),
    })  # fmt: skip


def main() -> None:
    """Go through histories."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=100_000, help="how many, one for each number (100000)")
    parser.add_argument("--seed", type=int, default=0, help="the first number; the last is seed + histories - 1 (0)")
    options = parser.parse_args()
    begun, had = time.process_time(), Counter[str]()
    with progress("histories", options.histories) as done:
        for number in range(options.seed, options.seed + options.histories):
            had.update(check(number))
            done(1)
    used = time.process_time() - begun
    said = ", ".join(f"{count:,} {what}" for what, count in had.items())
    last = options.seed + options.histories - 1
    print(
        f"{options.histories:,} histories ({options.seed} to {last}), {said}: 0 differences; {used:.0f} s of processor"
    )


if __name__ == "__main__":
    main()
