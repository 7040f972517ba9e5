"""Random dense histories: every form of the partition against the pure rule, history by history.

    python -m bench.random_histories [--histories 100000] [--seed 0]

For each: delivered in another order with repeats; event by event with only the touched raw component computed anew;
and rebuilt in arrays. Any difference ends the program with the history. Pure: no database.
"""

import argparse
import random
import time
from collections.abc import Sequence

import numpy as np

from services.identity.domain.columns import columns_of
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.partition import partition
from services.identity.domain.policy import PolicySet
from services.identity.domain.rebuild import rebuild
from tests.identity.graph.worlds import DENSE, FADING, NOW, a_history

Persons = frozenset[frozenset[Identifier]]


class Incremental:
    """The partition kept up to date event by event, a raw component at a time."""

    def __init__(self, policies: PolicySet) -> None:
        self._policies = policies
        self._component: dict[Identifier, int] = {}
        self._evidence: dict[int, list[Evidence]] = {}
        self._persons: dict[int, Persons] = {}

    def take(self, number: int, said: Evidence) -> None:
        """Take one event: only what it touches is computed anew."""
        touched = {self._component[one] for one in said.identifiers if one in self._component}
        known = [fact for one in touched for fact in self._evidence.pop(one)]
        for one in touched:
            del self._persons[one]
        known.append(said)
        found = partition(known, self._policies, NOW).persons
        self._evidence[number], self._persons[number] = known, found
        self._component.update({one: number for person in found for one in person})

    @property
    def persons(self) -> Persons:
        """All persons."""
        return frozenset(person for found in self._persons.values() for person in found)


def rebuilt(events: Sequence[Evidence], policies: PolicySet) -> tuple[Persons, frozenset[Identifier]]:
    """Return persons and hubs as the arrays have them."""
    columns, names = columns_of(events)
    told = rebuild(columns, lambda nodes: [names[one] for one in nodes], policies, NOW)
    groups: dict[int, set[Identifier]] = {}
    for one, person in enumerate(told.person.tolist()):
        groups.setdefault(person, set()).add(names[one])
    shared = frozenset(names[one] for one in np.flatnonzero(told.shared))
    return frozenset(map(frozenset, groups.values())), shared


def check(seed: int) -> int:
    """Hold one history to the rule; return how many events it had."""
    chance = random.Random(seed)
    policies = chance.choice([DENSE, FADING])
    events = a_history(chance, chance.randrange(2, 15), values=chance.choice([2, 3, 4, 6]))
    pure = partition(events, policies, NOW)
    again = [*events, *chance.sample(events, len(events) // 3)]
    chance.shuffle(again)
    incremental = Incremental(policies)
    for number, said in enumerate(again):
        incremental.take(number, said)
    same = (
        partition(again, policies, NOW) == pure
        and incremental.persons == pure.persons
        and rebuilt(again, policies) == (pure.persons, pure.shared)
    )
    if not same:
        raise SystemExit(f"history {seed} differs:\n" + "\n".join(map(str, events)))
    return len(events)


def main() -> None:
    """Go through histories."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    begun, events = time.process_time(), 0
    for number in range(options.histories):
        events += check(options.seed + number)
    used = time.process_time() - begun
    print(f"{options.histories:,} histories, {events:,} events: 0 differences; {used:.0f} s of processor")


if __name__ == "__main__":
    main()
