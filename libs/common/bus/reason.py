"""Why something failed, in words that may be kept."""

import asyncpg
from pydantic import ValidationError

_MOST = 2000


def reason_of(error: BaseException) -> str:
    """Return an error's kind and text without the value it is about, which may be somebody's address."""
    kind = type(error).__name__
    if isinstance(error, asyncpg.PostgresError):
        # server and driver quote the value behind a colon or in the details
        text = str(error).partition("\n")[0].partition(":")[0]
    elif isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_context=False, include_input=False)
        text = "; ".join(f"{'/'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
    elif isinstance(error, LookupError):
        text = "what was looked for is not there"  # its text is the key, which may be somebody's
    else:
        text = str(error)
    return f"{kind}: {text}".replace("\x00", "")[:_MOST]
