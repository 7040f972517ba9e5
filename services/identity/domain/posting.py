"""What one request brought from one source, sorted into what can be taken and what cannot."""

from dataclasses import dataclass, field
from datetime import datetime

from libs.common.access.model import Source
from services.identity.domain.calls import Call, Refusal


@dataclass(slots=True)
class Posting:
    """One request's calls: `kept` go to quarantine with their bytes, `refused` are told and counted only."""

    source: Source
    posted: int
    calls: list[Call] = field(default_factory=list)
    kept: list[tuple[Refusal, bytes]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    sent_at: datetime | None = None
    size: int = 0


@dataclass(slots=True)
class Receipt:
    """What became of a posting: posted = accepted + duplicate + conflict + quarantined + refused."""

    accepted: int = 0
    duplicate: int = 0
    conflict: int = 0
    quarantined: int = 0
    refused: int = 0
