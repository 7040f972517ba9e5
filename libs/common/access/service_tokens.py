"""How one service proves to another who it is: a signed, short-lived token."""

import hashlib
import hmac

from libs.common.clock import wall_now

PREFIX = "cdp_sv_"
LIFETIME_SECONDS = 300


def _signature(secret: str, service: str, expires: int) -> str:
    return hmac.new(secret.encode(), f"{service}.{expires}".encode(), hashlib.sha256).hexdigest()


def issue(secret: str, service: str) -> str:
    """Return a token of `service`, good for five minutes."""
    expires = int(wall_now().timestamp()) + LIFETIME_SECONDS
    return f"{PREFIX}{service}.{expires}.{_signature(secret, service, expires)}"


def verify(secret: str, token: str) -> str | None:
    """Return the service that signed the token, None when it is not valid now."""
    parts = token.removeprefix(PREFIX).split(".")
    if not token.startswith(PREFIX) or len(parts) != 3 or not parts[1].isdigit():
        return None
    service, expires, signature = parts[0], int(parts[1]), parts[2]
    if expires < wall_now().timestamp() or not hmac.compare_digest(signature, _signature(secret, service, expires)):
        return None
    return service
