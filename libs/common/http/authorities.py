"""Whose certificates calls to others accept."""

import ssl
from functools import cache

import httpx


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Return the one context of all clients of this process: to read the authorities takes 40 ms of processor."""
    return httpx.create_ssl_context(trust_env=False)
