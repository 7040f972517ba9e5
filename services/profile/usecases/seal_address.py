"""Make a clear address storable: sealed, and found by its keyed hash."""

from datetime import datetime

from libs.common.personal import Sealer
from services.profile.domain.contact import Address
from services.profile.domain.recorded import Declared


def seal_address(sealer: Sealer, declared: Declared, *, scope: str, at: datetime) -> Address:
    """Return the address as it is stored."""
    clear = declared.value.encode()
    return Address(
        kind=declared.kind,
        scope=scope,
        lookup=sealer.lookup(f"contact:{declared.kind}:{scope}", clear),
        sealed=sealer.seal(clear),
        first_time=at,
        last_time=at,
        verified_at=declared.verified_at,
    )


def identifier_lookup(sealer: Sealer, namespace: str, scope: str, value: str) -> bytes:
    """Return the keyed hash by which an identifier is found; `value` is canonical."""
    return sealer.lookup(f"identifier:{namespace}:{scope}", value.encode())
