"""Messages of persons who merge and part, as plain bags: the judge of the store.

A person is a bag of letters with the bags of those who merged into him inside it. To undo a merge is to take a bag out
again. It shares nothing with the store: no redirects, no sides, no versions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

CAP = 3
"""How many letters a person may be sent."""


@dataclass(eq=False)
class Letter:
    """A message: its step in a journey, the identifier it was addressed to (0: none), and what became of it."""

    number: int
    node: str
    subject_no: int
    state: str = "waiting"

    @property
    def has_left(self) -> bool:
        return self.state in ("sent", "unsubscribed")


@dataclass(eq=False)
class Bag:
    """A person's own letters, the identifiers that are his, and who is inside him."""

    letters: list[Letter] = field(default_factory=list)
    subject_nos: set[int] = field(default_factory=set)
    inner: dict[int, "Bag"] = field(default_factory=dict)

    def all_within(self) -> Iterator["Bag"]:
        yield self
        for bag in self.inner.values():
            yield from bag.all_within()

    def all_letters(self) -> list[Letter]:
        return [letter for bag in self.all_within() for letter in bag.letters]

    def all_subjects(self) -> set[int]:
        return {number for bag in self.all_within() for number in bag.subject_nos}


class People:
    """The persons who live, each with all that is inside him."""

    def __init__(self, count: int) -> None:
        self.living = {number: Bag(subject_nos={number * 10}) for number in range(1, count + 1)}
        self.bags = dict(self.living)

    def who_is(self, number: int) -> int:
        """Return the living person a number is inside of."""
        return next(one for one, bag in self.living.items() if self.bags[number] in bag.all_within())

    def ended(self) -> list[int]:
        return [number for number in self.bags if number not in self.living]

    def ask(self, number: int, letter: Letter) -> None:
        self.bags[number].letters.append(letter)

    def send(self, numbers: set[int]) -> None:
        """Decide these letters, in the order they were asked for."""
        for bag in self.living.values():
            within = [(letter, side) for side in bag.all_within() for letter in side.letters]
            if any(letter.state == "unsubscribed" for letter, _ in within):
                continue  # an unsubscription of either side holds for both
            due = [one for one in within if one[0].number in numbers and one[0].state == "waiting"]
            earlier = [letter for letter, _ in within if letter.has_left]
            for letter, side in sorted(due, key=lambda one: one[0].number):
                sent = [(other, others) for other, others in within if other.has_left]
                alike = [other for other, others in sent if other.node == letter.node and others is not side]
                if alike and not any(other in earlier for other in alike):
                    continue  # nobody has taken that one yet: it may still fail
                if len(sent) >= CAP:
                    letter.state = "cap"
                elif alike:
                    letter.state = "duplicate"
                else:
                    letter.state = "sent"

    def merge(self, survivor: int, absorbed: int) -> None:
        self.living[survivor].inner[absorbed] = self.living.pop(absorbed)

    def undo(self, ended: int) -> tuple[int, set[int]]:
        """Take a person out again; return whom he leaves and the identifiers he takes along."""
        left = self.who_is(ended)
        outer = next(bag for bag in self.living[left].all_within() if ended in bag.inner)
        back = outer.inner.pop(ended)
        self._take_along(left, back, back.all_subjects())
        self.living[ended] = back
        return left, back.all_subjects()

    def part(self, person: int, newcomer: int, subject_no: int) -> None:
        """Make somebody new of one identifier."""
        for bag in self.living[person].all_within():
            bag.subject_nos.discard(subject_no)
        self.bags[newcomer] = new = Bag(subject_nos={subject_no})
        self._take_along(person, new, {subject_no})
        self.living[newcomer] = new

    def _take_along(self, left: int, bag: Bag, subject_nos: set[int]) -> None:
        for within in self.living[left].all_within():
            bag.letters += [letter for letter in within.letters if letter.subject_no in subject_nos]
            within.letters[:] = [letter for letter in within.letters if letter.subject_no not in subject_nos]
