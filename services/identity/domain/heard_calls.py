"""What another system said, as the posting of its source."""

from collections.abc import Iterable
from typing import Any

import msgspec

from libs.common.access.model import Source
from services.identity.domain.calls import Refusal, read_call
from services.identity.domain.posting import Posting
from services.identity.domain.webhook import Heard


def posting_of(source: Source, heard: Heard, *, size: int) -> Posting:
    """Return the posting of a callback: bad events are kept alone with their reason, the others go on."""
    posting = Posting(source, posted=len(heard.calls) + len(heard.bad) + len(heard.passed), size=size)
    posting.kept.extend(heard.bad)
    posting.refused.extend(heard.passed)
    take(posting, heard.calls)
    return posting


def take(posting: Posting, calls: Iterable[dict[str, Any] | bytes]) -> None:
    """Add calls to a posting; one that is none is kept with its reason."""
    for said in calls:
        raw = said if isinstance(said, bytes) else msgspec.json.encode(said)
        call = read_call(raw)
        if isinstance(call, Refusal):
            posting.kept.append((call, raw))
        else:
            posting.calls.append(call)
