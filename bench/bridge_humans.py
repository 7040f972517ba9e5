"""Fans, members, and those who are both: who they are, and whether persons are exactly they."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from libs.common.db import Database
from services.identity.domain.evidence import Identifier
from services.identity.store import nodes
from services.identity.usecases.graph.tools import GraphTools
from world.tokens import phone

PLATFORM = "open-brand"
MINI_PROGRAM = 999
"""The mini-program's number among the accounts."""


def appid(account: int) -> str:
    """Return an account's appid."""
    return f"wx0bridge{account:09d}"


def openid(account: int, human: int) -> Identifier:
    """Return a human's id in an official account."""
    return Identifier("wx_openid", appid(account), f"o{account:03d}-{human:023d}")


def unionid(human: int) -> Identifier:
    """Return a human's id in WeChat."""
    return Identifier("wx_unionid", PLATFORM, f"oU{human:026d}")


def member(number: int) -> tuple[Identifier, Identifier]:
    """Return a member's number and telephone."""
    return Identifier("user_id", "main", f"M{number:06d}"), Identifier("phone", "", phone(number))


@dataclass(frozen=True)
class Brand:
    """How many there are; the first `bridges` members are the humans of these numbers, who are fans too."""

    accounts: int
    fans: int
    members: int
    bridges: int

    def follows(self) -> Iterator[tuple[int, int]]:
        """Yield (account, human): the first two accounts reach everybody, of the others they follow whom they like."""
        chance = random.Random(30)
        for account in range(self.accounts):
            first = account % 2 * self.fans
            some = range(first, first + self.fans)
            for human in some if account < 2 else chance.sample(range(2 * self.fans), self.fans):
                yield account, human

    def humans(self) -> dict[Identifier, int]:
        """Return whose every identifier is: a bridge makes fan and member of one number one human."""
        truth: dict[Identifier, int] = {}
        for account, human in self.follows():
            truth |= {openid(account, human): human, unionid(human): human}
        for number in range(self.members):
            truth |= dict.fromkeys(member(number), number if number < self.bridges else -1 - number)
        for human in range(self.bridges):
            truth |= {openid(MINI_PROGRAM, human): human, unionid(human): human}
        return truth


async def exactly_the_humans(
    database: Database, tools: GraphTools, workspace_id: int, truth: dict[Identifier, int]
) -> int:
    """Return how many persons there are; AssertionError when an identifier is unknown or a person is not a human."""
    wanted = {(workspace_id, tools.lookup(workspace_id, one)): human for one, human in truth.items()}
    async with database.transaction(workspace_id) as tx:
        found = await nodes.find(tx, list(wanted))
    assert found.keys() == wanted.keys(), f"{len(wanted) - len(found)} identifiers are not known"
    pairs = {(person, wanted[name]) for name, (_, person) in found.items()}
    persons, humans = {person for person, _ in pairs}, {human for _, human in pairs}
    assert len(pairs) == len(persons) == len(humans), (
        f"{len(pairs)} pairs of {len(persons)} persons, {len(humans)} humans"
    )
    return len(persons)
