"""A batch of evidence on its way through the graph, and what was found and decided about it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.contracts.event import Event
from libs.common.db import Tx
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.graph import Hold
from services.identity.domain.links import LinkFacts
from services.identity.domain.matching.model import Score
from services.identity.domain.policy import PolicySet
from services.identity.store.links import LinkRow, Pair
from services.identity.store.nodes import Key, NodeRow
from services.identity.store.numbers import Numbers
from services.identity.store.persons import PersonRow


@dataclass(slots=True)
class Fact:
    """Evidence of a workspace; `keys` are its identifiers as nodes, `pairs` its star as (member, centre).

    `links` are the pairs as links are known: the lower key first.
    """

    workspace_id: int
    evidence: Evidence
    author: str | None = None
    keys: list[Key] = field(default_factory=list)
    pairs: list[tuple[Key, Key]] = field(default_factory=list)
    links: list[Pair] = field(default_factory=list)
    centre: Key = 0
    is_new: bool = True
    is_erased: bool = False
    """It was about an erased identifier: nothing of it is taken."""
    inference: Score | None = None
    """How likely its identifiers are one person's, where it was inferred and somebody said so."""


class Move(msgspec.Struct, gc=False):
    """An identifier that has another owner than before (0: it is new); an alias may come to be nobody's (0)."""

    node: Key
    from_person: int
    to_person: int
    since: datetime | None = None


class Span(msgspec.Struct, gc=False):
    """For events in [since, until) a device has another owner than was told before (0: nothing was)."""

    node: Key
    from_person: int
    to_person: int
    since: datetime | None
    until: datetime | None


@dataclass(slots=True)
class PersonChanges:
    """What happened to persons, under one graph version."""

    version: int
    created: list[PersonRow] = field(default_factory=list)
    revived: list[Key] = field(default_factory=list)
    merged: list[tuple[Key, Key]] = field(default_factory=list)
    """(ended, survivor)"""
    moves: list[Move] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    ids: dict[Key, UUID] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether every identifier stayed where it was."""
        return not (self.moves or self.merged or self.created or self.revived)


@dataclass(slots=True)
class Batch:
    """Everything one transaction of the resolver has in hand; nodes in `nodes` are locked unless `unlocked`."""

    facts: Sequence[Fact]
    policies: dict[int, PolicySet]
    now: dict[int, datetime]
    nodes: dict[Key, NodeRow] = field(default_factory=dict)
    names: dict[Key, Identifier] = field(default_factory=dict)
    fresh: set[Key] = field(default_factory=set)
    """Nodes inserted by this transaction: they have no links yet."""
    watched: set[Key] = field(default_factory=set)
    """Hubs at the edge of a region, and what no claim leads to: not decided about."""
    unlocked: set[Key] = field(default_factory=set)
    """Those of `watched` that were only read: whoever needs one of them more than that locks it, and reads it again."""
    links: dict[Pair, dict[str, LinkRow]] = field(default_factory=dict)
    distant: dict[Pair, dict[str, LinkFacts]] = field(default_factory=dict)
    """What says of hubs at the edge that they were superseded, and of their successors; not decided about."""
    rising: set[Key] = field(default_factory=set)
    """Devices that become hubs by the batch, whatever else is said in it."""
    hanging: dict[Pair, datetime | None] = field(default_factory=dict)
    """New links that end in a hub and change nothing else, with when they expire."""
    holds: dict[Pair, Hold] = field(default_factory=dict)
    """What was decided about links, where anything was."""
    freed: set[Pair] = field(default_factory=set)
    """Links that somebody let go: they are not held again."""
    added: dict[tuple[Pair, str], LinkFacts] = field(default_factory=dict)
    """What the batch's evidence says, by pair and consent basis."""
    alone: dict[Key, datetime] = field(default_factory=dict)
    """The newest evidence of the batch that touched a node without a link."""
    tiers: dict[Key, int] = field(default_factory=dict)
    """The best tier of the batch's evidence for a node."""
    turn: dict[Key, bool] | None = None
    """Where time or policies look again: whose turn it is, and whether a standing crowd is walked too."""
    reread: set[Key] = field(default_factory=set)
    """Nodes whose links were added up anew: these say nothing until they are decided about, so the nodes are walked."""
    settling: set[Key] = field(default_factory=set)
    """Crowded hubs that may be hubs no more: they stay shared until they are looked at in the background."""
    replacing: set[Key] = field(default_factory=set)
    """Crowded hubs that may count towards other hubs, or count no more: they are walked in the background."""
    changes: PersonChanges | None = None
    said: list[Event] | None = None
    """What is to be told of the changes, where whoever opened the batch tells it together with his own."""
    quarantined: Counter[str] = field(default_factory=Counter)
    """How many links went into quarantine, by reason."""
    sizes: list[int] = field(default_factory=list)
    """How many identifiers the persons have whose regions were assigned."""
    keys: dict[tuple[int, Identifier], Key] = field(default_factory=dict)
    spare_persons: dict[int, list[int]] = field(default_factory=dict)
    """Person numbers taken before anything was locked, by workspace."""
    erased: set[tuple[int, Identifier]] = field(default_factory=set)
    """Identifiers of the batch that were erased: they have no nodes."""
    watermark: dict[int, datetime] = field(default_factory=dict)
    """The greatest arrival behind what the batch does without evidence, by workspace."""
    consenting: set[Key] = field(default_factory=set)
    """Nodes of which something else is permitted than before."""
    leaving: set[Key] = field(default_factory=set)
    """Nodes that are being erased: they are walked whatever they are, and make no crowd."""
    moving: set[int] = field(default_factory=set)
    """Workspaces where silence can move identifiers: there a hub's evidence may change its neighbours."""

    void_aliases: dict[Key, Key] = field(default_factory=dict)
    """Aliases and ids in lower case by what no declaration says any more, with the least of those it was said of."""

    suspects: set[Key] = field(default_factory=set)
    """Devices of which the batch says something that their one holder's time does not cover."""
    backfilled: set[Key] = field(default_factory=set)
    """Devices whose holds are kept from this batch on."""
    untimed: set[Key] = field(default_factory=set)
    """Devices whose holds are kept no more."""

    def key_of(self, workspace_id: int, identifier: Identifier) -> Key:
        """Return the node of an identifier of the batch."""
        return self.keys[workspace_id, identifier]

    async def take_persons(self, tx: Tx, numbers: Numbers, workspace_id: int, count: int) -> list[int]:
        """Return numbers for new persons: the spare ones, and more where these are too few."""
        spare = self.spare_persons.setdefault(workspace_id, [])
        if len(spare) < count:
            spare += await numbers.take(tx, workspace_id, "person", count - len(spare))
        taken = spare[:count]
        del spare[:count]
        return taken

    def is_settled_hub(self, key: Key) -> bool:
        """Whether a node is a hub whose links are not loaded: it stays one, and nothing is decided about it."""
        return key in self.watched

    def begin_again(self) -> None:
        """Forget what was found under locks that were given back."""
        for found in (
            self.nodes, self.links, self.added, self.alone, self.tiers, self.watched, self.unlocked, self.holds,
            self.freed, self.reread, self.settling, self.replacing, self.rising, self.hanging, self.void_aliases,
        ):  # fmt: skip
            found.clear()
        if self.said is not None:
            self.said.clear()
        for devices in (self.suspects, self.backfilled, self.untimed):
            devices.clear()

    def look_away(self) -> None:
        """Forget what was read without a lock."""
        for one in self.unlocked:
            self.nodes.pop(one, None)
        self.watched -= self.unlocked
        self.unlocked.clear()
        self.distant.clear()


class Contended(Exception):
    """Nodes of a region are held by somebody else; `region` is what has to be locked at once."""

    def __init__(self, region: set[Key]) -> None:
        super().__init__(f"{len(region)} nodes")
        self.region = region
