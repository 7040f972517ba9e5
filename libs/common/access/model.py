"""What identity tells the others about who may do what."""

from datetime import datetime
from typing import Literal

import msgspec

from libs.common.access.keys import KeyKind

RoleName = Literal["viewer", "marketer", "approver", "admin"]
DEFAULT_REGION = "CN"
"""Whose a telephone number without a prefix is where nobody says."""
SourceKind = Literal["web", "app", "mini_program", "official_account", "shop", "crm", "store", "server", "import"]

_READ = (
    "persons:read", "profiles:read", "segments:read", "journeys:read", "messages:read", "sources:read",
)  # fmt: skip
_MARKET = (*_READ, "segments:write", "journeys:write", "messages:write", "profiles:write", "journeys:submit")
ROLE_SCOPES: dict[RoleName, tuple[str, ...]] = {
    "viewer": _READ,
    "marketer": _MARKET,
    "approver": (*_MARKET, "journeys:approve"),
    "admin": ("*",),
}
"""The rights of console users; `personal:read` (unmasked contact points) comes only with admin or a key of its own."""

SCOPES = frozenset(
    {
        "*", "admin", "persons:read", "persons:write", "persons:erase", "events:read", "events:write", "imports:write",
        "profiles:read", "profiles:write", "personal:read", "consents:read", "consents:write", "segments:read",
        "segments:write", "journeys:read", "journeys:write", "journeys:submit", "journeys:approve", "messages:read",
        "messages:write", "messages:send", "sources:read", "sources:write", "keys:write", "members:write",
        "workspaces:write", "clock:write", "operations:read", "operations:write",
    }
)  # fmt: skip


class Workspace(msgspec.Struct, frozen=True, kw_only=True, tag="workspace"):
    """A brand's own world: nothing in it is visible from another."""

    workspace_id: int
    key: str
    name: str
    timezone: str = "UTC"
    status: Literal["active", "disabled"] = "active"
    data_keys: dict[str, str] = {}
    settings: dict[str, object] = {}
    driven_now: datetime | None = None
    version: int = 1

    @property
    def personal_names(self) -> dict[str, bool]:
        """The workspace's own word on which names hold personal data: `settings.personal`, name -> yes or no."""
        declared = self.settings.get("personal")
        if not isinstance(declared, dict):
            return {}
        return {name: word for name, word in declared.items() if isinstance(name, str) and isinstance(word, bool)}


class Source(msgspec.Struct, frozen=True, kw_only=True, tag="source"):
    """A touchpoint that sends events.

    `issuer` is the scope of its user ids, `best_tier` the strongest evidence it can give (browser and app keys 2,
    server keys 1), `quota_per_second` bounds it alone (0 = none).
    """

    source_id: int
    workspace_id: int
    key: str
    name: str
    kind: SourceKind = "web"
    issuer: str = "main"
    best_tier: int = 2
    default_region: str = DEFAULT_REGION
    priority: int = 100
    quota_per_second: int = 0
    trusted: bool = False
    origins: tuple[str, ...] = ()
    logout_event: str = "Signed Out"
    enabled: bool = True
    settings: dict[str, object] = {}
    version: int = 1

    @property
    def region(self) -> str | None:
        """Whose (CN) a telephone number is that comes without a country's prefix; None = nobody's."""
        return str(self.settings.get("default_region") or self.default_region) or None


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, tag="key"):
    """A key by its hash: a write key belongs to a source, a secret key has scopes, a session a console user."""

    key_id: str
    kind: KeyKind
    hash: bytes
    workspace_id: int
    """0 = the installation's administrator, who names the workspace per request."""
    source_id: int = 0
    scopes: tuple[str, ...] = ()
    name: str = ""
    member: str = ""
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    version: int = 1

    def allows(self, scope: str) -> bool:
        """Return whether the key's scopes cover `scope`; `x:write` covers `x:read`."""
        if "*" in self.scopes or scope in self.scopes:
            return True
        noun, _, verb = scope.partition(":")
        return verb == "read" and f"{noun}:write" in self.scopes


AccessRecord = Workspace | Source | ApiKey
