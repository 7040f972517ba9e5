"""The providers' many error codes as one closed list; the tables are dated data beside this file."""

import importlib.resources
from enum import StrEnum
from functools import cache

import msgspec


class CanonicalError(StrEnum):
    """What went wrong, in the words every channel shares."""

    AUTH_EXPIRED = "AUTH_EXPIRED"
    AUTH_DENIED = "AUTH_DENIED"
    CONFIG = "CONFIG"
    RATE_SHORT = "RATE_SHORT"
    QUOTA_DAY = "QUOTA_DAY"
    PERSON_LIMIT = "PERSON_LIMIT"
    WINDOW_CLOSED = "WINDOW_CLOSED"
    NOT_SUBSCRIBED = "NOT_SUBSCRIBED"
    OPTED_OUT = "OPTED_OUT"
    ADDRESS_BAD = "ADDRESS_BAD"
    CONTENT = "CONTENT"
    DUPLICATE = "DUPLICATE"
    FUNDS = "FUNDS"
    TIMEOUT_UNKNOWN = "TIMEOUT_UNKNOWN"


TRANSIENT = frozenset(
    {CanonicalError.RATE_SHORT, CanonicalError.QUOTA_DAY, CanonicalError.AUTH_EXPIRED, CanonicalError.FUNDS}
)
"""Tried again later, until the message expires."""
SUPPRESSES = frozenset({CanonicalError.ADDRESS_BAD, CanonicalError.NOT_SUBSCRIBED, CanonicalError.OPTED_OUT})
"""The address is not written to again on this channel."""


class CodeTable(msgspec.Struct, frozen=True):
    """A provider's codes as of a date; the longest matching prefix decides."""

    provider: str
    as_of: str
    source: str
    codes: dict[str, CanonicalError]
    otherwise: CanonicalError

    def canonical(self, *raw_codes: str) -> CanonicalError:
        """Return the canonical error of the first code (most telling first) that the table knows."""
        for raw in raw_codes:
            for length in range(len(raw), 0, -1):
                found = self.codes.get(raw[:length])
                if found is not None:
                    return found
        return self.otherwise


@cache
def code_table(provider: str) -> CodeTable:
    """Return a provider's table from `provider_codes/<provider>.json`."""
    text = (
        importlib.resources.files("services.messaging.domain")
        .joinpath("provider_codes", f"{provider}.json")
        .read_bytes()
    )
    return msgspec.json.decode(text, type=CodeTable)
