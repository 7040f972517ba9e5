"""A webhook: how another system's call is known to be genuine, and what it says in our words."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from services.identity.domain.calls import Refusal


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a source declared about the system that calls; kept sealed, since `token`, `aes_key` and `secret` are.

    `app_id` is the scope of the ids that arrive (appid, corp id), `open_platform_id` that of unionids. `items` is a
    JSON pointer to the list of events in a body. A signature older than `max_age_seconds` is refused; 0: never.
    """

    kind: str
    app_id: str = ""
    open_platform_id: str = ""
    token: str = ""
    aes_key: str = ""
    secret: str = ""
    max_age_seconds: int = 600
    signature_header: str = "x-signature"
    items: str = ""
    mapping: dict[str, Any] = {}


class Callback(msgspec.Struct, frozen=True):
    """A call as it came: query and headers (names in lower case), body, and the wall clock's time of its arrival."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    now: datetime


class Heard(msgspec.Struct, frozen=True):
    """What a genuine callback says.

    `calls` are calls of our own form, or their JSON; `bad` what ought to be one and is not, with what was understood of
    it; `passed` why a callback is left alone that is not about a person. `asks` are ids about whom the other system
    knows more.
    """

    calls: tuple[dict[str, Any] | bytes, ...] = ()
    bad: tuple[tuple[Refusal, bytes], ...] = ()
    passed: tuple[Refusal, ...] = ()
    asks: tuple[str, ...] = ()


class LoggedIn(msgspec.Struct, frozen=True):
    """Who stood behind a log-in code, as the issuer of the code says."""

    openid: str
    unionid: str = ""
    phone: str = ""
    code_hash: str = ""


class Known(msgspec.Struct, frozen=True):
    """What the other system knows about one of its ids."""

    id: str
    unionid: str = ""
    name: str = ""


class WebhookKind(msgspec.Struct, frozen=True, kw_only=True):
    """A plug-in: one kind of system that calls.

    `unfit` names what is missing in settings, `echo` answers the question whether somebody is here, `open` gives the
    clear body of a genuine callback or why it is none, `read` what it says. `login` and `told` put into calls what the
    system answered when it was asked; without them it is never asked.
    """

    name: str
    unfit: Callable[[WebhookSettings], list[tuple[str, str]]]
    echo: Callable[[Callback, WebhookSettings], bytes | Refusal] | None = None
    open: Callable[[Callback, WebhookSettings], bytes | Refusal]
    read: Callable[[bytes, WebhookSettings], Heard]
    login: Callable[[LoggedIn, WebhookSettings, datetime], tuple[dict[str, Any], ...]] | None = None
    told: Callable[[Known, WebhookSettings, datetime], tuple[dict[str, Any], ...]] | None = None
    answer: bytes = b"success"
    media_type: str = "text/plain"


class WeChatAnswers(Protocol):
    """What WeChat and WeCom are asked; raises Unauthorized for a code that is none, Unavailable, or Conflict."""

    async def session_of(self, settings: WebhookSettings, code: str, phone_code: str) -> LoggedIn:
        """Return who a mini-program's log-in code stands for, with his phone where a phone code came too."""

    async def known_of(self, settings: WebhookSettings, one: str) -> Known:
        """Return what is known about a follower or an external contact."""
