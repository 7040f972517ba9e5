"""What happens at a touchpoint, and whose identifiers it names."""

from dataclasses import dataclass, field
from datetime import datetime

Name = tuple[str, str, str]
"""An identifier: (namespace, scope, value)."""


@dataclass(slots=True)
class Happening:
    """One thing a human did; the identifiers are those the touchpoint told. `event` is empty for an identify."""

    at: datetime
    source: str
    event: str = ""
    user: str = ""
    cookie: str = ""
    device: str = ""
    external: tuple[Name, ...] = ()
    """Ids that WeChat's servers or the CRM stand behind."""
    proven: bool = True
    """Whether the source says that the external ids were verified."""
    phone: str = ""
    email: str = ""
    phone_proven: bool = False
    replaces: tuple[Name, Name] | None = None
    """The issuer's word that the second took the first one's place."""


@dataclass(slots=True)
class Owned:
    """An identifier of a human from `since` on; `shared` ones are nobody's alone."""

    name: Name
    since: datetime
    shared: bool = False


@dataclass(slots=True)
class Life:
    """A human's year: all he did, and what was his."""

    number: int
    happenings: list[Happening] = field(default_factory=list)
    owned: list[Owned] = field(default_factory=list)
    lost_number: bool = False

    def own(self, name: Name, since: datetime, *, shared: bool = False) -> None:
        """Say that an identifier was his."""
        self.owned.append(Owned(name, since, shared))
