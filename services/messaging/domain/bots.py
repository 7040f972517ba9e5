"""Opens and clicks that no person made: security scanners and mail-privacy prefetch. Dated data, as of 2026-11."""

from datetime import timedelta

AGENTS = (
    "bot", "crawler", "spider", "googleimageproxy", "yahoomailproxy", "barracuda", "proofpoint", "mimecast",
    "symantec", "ironport", "safelinks", "python-", "curl/", "wget", "go-http-client", "java/", "headlesschrome",
)  # fmt: skip
MIN_HUMAN = timedelta(seconds=1)
"""Nobody opens a mail in the second it is handed over; a scanner at the gateway does."""


def is_human(kind: str, user_agent: str, method: str, since_sent: timedelta | None) -> bool:
    """Return whether a click or open looks like the person's own."""
    agent = user_agent.lower()
    if method != "GET" or not agent or any(word in agent for word in AGENTS):
        return False
    if kind == "open" and agent == "mozilla/5.0":  # the privacy prefetch of a large mail program says no more than this
        return False
    return since_sent is None or since_sent >= MIN_HUMAN
