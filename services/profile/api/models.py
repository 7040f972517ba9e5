"""What the routes about persons answer with."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from libs.common.personal import Sealer
from services.profile.domain.contact import MOST_OTHERS, ContactPoint, masked
from services.profile.domain.identifier import Identifier
from services.profile.domain.trait import Fact
from services.profile.domain.values import FIRST_YEAR, LAST_YEAR, is_storable_instant
from services.profile.store.persons import PersonRow
from services.profile.store.tag_facts import KeptTag
from services.profile.store.trait_facts import TraitFact
from services.profile.store.trait_views import TraitView
from services.profile.usecases.read_person import Portrait

TEXT = r"^[^\x00]*$"


def _storable(instant: datetime) -> datetime:
    if not is_storable_instant(instant):
        raise ValueError(f"the year must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return instant


Instant = Annotated[AwareDatetime, AfterValidator(_storable)]
"""A time with an offset that the database can hold."""
SHARED_WITH = f"how many other persons have the address; {MOST_OTHERS} stands for that many or more"
CONTACT_STATE = (
    "verified, declared, bounced, unsubscribed, complained; "
    "taken: the telephone number is another person's now, and nobody is written to there for this one"
)
MASKED = "personal values need the right personal:read"


class FactView(BaseModel):
    """One thing a source said of a trait."""

    kind: str = Field(description="set, set_once or unset")
    value: Any = None
    type: str
    source_id: int
    event_time: datetime
    event_id: UUID


class TraitValue(BaseModel):
    """A trait's present value, since when it holds, and who said so."""

    value: Any = Field(description=f"null when masked; {MASKED}")
    type: str
    masked: bool = False
    personal: bool
    since: datetime
    source_id: int
    event_id: UUID
    conflicts: int = Field(description="facts whose type does not fit; they are kept and do not count")
    lineage: list[FactView] | None = Field(default=None, description="every fact behind the value, on request")


class ContactPointView(BaseModel):
    """An address; masked without the right personal:read."""

    kind: str
    scope: str
    address: str
    masked: bool
    state: str = Field(description=CONTACT_STATE)
    preferred: bool
    shared: bool = Field(description="other persons have the address too")
    shared_with: int = Field(description=SHARED_WITH)
    first_seen: datetime
    last_seen: datetime


class ConsentView(BaseModel):
    """What a person allows in one scope; `*` is every purpose or channel, the empty topic every topic."""

    purpose: str
    channel: str
    topic: str
    state: str
    since: datetime


class TagValue(BaseModel):
    """A tag somebody has: by hand, event or rule (and which version), since when, computed when, until when."""

    tag: str
    source: str
    since: datetime
    rule_version: int
    computed_at: datetime
    expires_at: datetime | None


class PersonView(BaseModel):
    """Everything known about a person. `canonical_id` differs from the id asked for after a merge."""

    person_id: UUID
    canonical_id: UUID
    traits: dict[str, TraitValue]
    contact_points: list[ContactPointView]
    consents: list[ConsentView]
    tags: list[TagValue]
    timezone: str | None
    locale: str | None


class IdentifierBody(BaseModel):
    """An identifier in clear; the scope is an app id or issuer (default: `main` for issued ids, else none)."""

    namespace: str = Field(min_length=1, max_length=100, pattern=TEXT)
    value: str = Field(min_length=1, max_length=500, pattern=TEXT)
    scope: str | None = Field(default=None, max_length=200, pattern=TEXT)

    def as_identifier(self) -> Identifier:
        """Return it as the domain names it."""
        return Identifier(self.namespace, self.value, self.scope)


def person_view(
    asked: UUID, row: PersonRow, portrait: Portrait, *, sealer: Sealer, reveal: bool, lineage: list[TraitFact] | None
) -> PersonView:
    """Return a portrait as it is shown to somebody who may or may not see personal values."""
    facts: dict[str, list[Fact]] = {}
    for found in lineage or ():
        facts.setdefault(found.trait, []).append(found.fact)
    canonical = row.person_id or asked
    return PersonView(
        person_id=asked,
        canonical_id=canonical,
        traits={
            name: trait_value(view, facts.get(name, []) if lineage is not None else None, reveal=reveal)
            for name, view in portrait.traits.items()
        },
        contact_points=[contact_view(point, sealer, reveal=reveal) for point in portrait.contact_points],
        consents=[
            ConsentView(purpose=s.purpose, channel=s.channel, topic=s.topic, state=p.state, since=p.since)
            for s, p in portrait.consents.items()
        ],
        tags=[tag_value(name, kept) for name, kept in portrait.tags.items()],
        timezone=portrait.timezone,
        locale=portrait.locale,
    )


def tag_value(name: str, kept: KeptTag) -> TagValue:
    """Return a tag as it is shown."""
    return TagValue(tag=name, **kept.held._asdict())


def trait_value(known: TraitView, facts: list[Fact] | None, *, reveal: bool) -> TraitValue:
    """Return a trait as it is shown."""
    view = known.view
    hidden = view.personal and not reveal
    return TraitValue(
        value=None if hidden or view.value is None else msgspec.Raw(view.value),
        type=view.type,
        masked=hidden,
        personal=view.personal,
        since=view.since,
        source_id=view.source_id,
        event_id=view.event_id,
        conflicts=view.conflicts,
        lineage=None if facts is None else [fact_view(fact, reveal=reveal) for fact in facts],
    )


def fact_view(fact: Fact, *, reveal: bool) -> FactView:
    """Return a fact as it is shown."""
    return FactView(
        kind=fact.kind,
        value=msgspec.Raw(fact.value) if reveal or not fact.personal else None,
        type=fact.type,
        source_id=fact.source_id,
        event_time=fact.event_time,
        event_id=fact.event_id,
    )


def contact_view(point: ContactPoint, sealer: Sealer, *, reveal: bool) -> ContactPointView:
    """Return a contact point as it is shown."""
    address = point.address
    clear = sealer.open(address.sealed).decode()
    return ContactPointView(
        kind=address.kind,
        scope=address.scope,
        address=clear if reveal else masked(address.kind, clear),
        masked=not reveal,
        state=point.state,
        preferred=point.preferred,
        shared=point.shared_with > 0,
        shared_with=point.shared_with,
        first_seen=address.first_time,
        last_seen=address.last_time,
    )
