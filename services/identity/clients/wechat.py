"""Questions to WeChat and WeCom, in the shapes their developer documentation publishes."""

import hashlib
import time
from typing import Any

import httpx
import msgspec

from libs.common.errors import Conflict, Problem, Unauthorized, Unavailable
from libs.common.http.authorities import trusted_authorities
from libs.common.http.pools import keep_all
from services.identity.domain.webhook import Known, LoggedIn, WebhookSettings

TIMEOUT_SECONDS = 5.0
MOST_CONNECTIONS = 100
ANSWER_BYTES = 64 * 1024
_BAD_CODE = frozenset({40029, 40163, 41008, 40226})
"""Codes that are wrong, used, missing or of somebody WeChat has blocked."""
_OLD_TOKEN = frozenset({40001, 40014, 42001})
_BUSY = frozenset({-1, 45009, 45011, 45033, 50002})
_SPARE_SECONDS = 120.0
"""A token is renewed this long before it ends."""


class _Answer(msgspec.Struct):
    errcode: int = 0
    errmsg: str = ""
    access_token: str = ""
    expires_in: float = 7200
    openid: str = ""
    unionid: str = ""
    nickname: str = ""
    phone_info: dict[str, Any] = {}
    external_contact: dict[str, Any] = {}


class WeChat:
    """Asks as the accounts whose settings it is given; access tokens are remembered until shortly before their end."""

    def __init__(self, wechat_url: str, wecom_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._urls = {"wecom": wecom_url}
        self._wechat_url = wechat_url
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT_SECONDS,
            transport=transport,
            limits=keep_all(MOST_CONNECTIONS),
            verify=trusted_authorities(),
            trust_env=False,
        )
        self._tokens: dict[tuple[str, str, str], tuple[str, float]] = {}

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def session_of(self, settings: WebhookSettings, code: str, phone_code: str) -> LoggedIn:
        """Return who a mini-program's log-in code stands for (`code2session`), with his phone by its own code."""
        query = {"appid": settings.app_id, "secret": settings.secret, "js_code": code}
        answer = await self._ask("GET", settings, "/sns/jscode2session", {**query, "grant_type": "authorization_code"})
        if not answer.openid:
            raise Unavailable("WeChat names nobody for this code", retry_after_seconds=5)
        phone = await self._phone(settings, phone_code) if phone_code else ""
        code_hash = hashlib.blake2b(code.encode(), digest_size=16).hexdigest()
        return LoggedIn(answer.openid, answer.unionid, phone, code_hash)

    async def _phone(self, settings: WebhookSettings, phone_code: str) -> str:
        answer = await self._authorised("POST", settings, "/wxa/business/getuserphonenumber", {}, {"code": phone_code})
        country, number = answer.phone_info.get("countryCode", ""), answer.phone_info.get("purePhoneNumber", "")
        return f"+{country}{number}" if country and number else str(answer.phone_info.get("phoneNumber", ""))

    async def known_of(self, settings: WebhookSettings, one: str) -> Known:
        """Return what is known about a follower (`user/info`) or an external contact (`externalcontact/get`)."""
        if settings.kind == "wecom":
            answer = await self._authorised(
                "GET", settings, "/cgi-bin/externalcontact/get", {"external_userid": one}, None
            )
            contact = answer.external_contact
            return Known(one, str(contact.get("unionid") or "").strip(), str(contact.get("name") or ""))
        answer = await self._authorised("GET", settings, "/cgi-bin/user/info", {"openid": one, "lang": "zh_CN"}, None)
        return Known(one, answer.unionid.strip(), answer.nickname)

    async def _authorised(
        self, method: str, settings: WebhookSettings, path: str, query: dict[str, str], body: dict[str, Any] | None
    ) -> _Answer:
        for is_last in (False, True):
            token = await self._token(settings)
            try:
                return await self._ask(method, settings, path, {"access_token": token, **query}, body)
            except _TokenEnded:
                self._tokens.pop(_account(settings), None)
                if is_last:
                    raise Conflict("the account's access token is not taken; look at its app secret") from None
        raise Unavailable("WeChat was not asked")

    async def _token(self, settings: WebhookSettings) -> str:
        token, ends = self._tokens.get(_account(settings), ("", 0.0))
        if token and time.monotonic() < ends:
            return token
        if settings.kind == "wecom":
            query = {"corpid": settings.app_id, "corpsecret": settings.secret}
            answer = await self._ask("GET", settings, "/cgi-bin/gettoken", query)
        else:
            # The stable kind: several processes may ask without ending each other's.
            body = {"grant_type": "client_credential", "appid": settings.app_id, "secret": settings.secret}
            answer = await self._ask("POST", settings, "/cgi-bin/stable_token", {}, body)
        if not answer.access_token:
            raise Unavailable("WeChat gives no access token", retry_after_seconds=30)
        self._tokens[_account(settings)] = answer.access_token, time.monotonic() + answer.expires_in - _SPARE_SECONDS
        return answer.access_token

    async def _ask(
        self, method: str, settings: WebhookSettings, path: str, query: dict[str, str],
        body: dict[str, Any] | None = None,
    ) -> _Answer:  # fmt: skip
        url = self._urls.get(settings.kind, self._wechat_url).rstrip("/") + path
        try:
            response = await self._client.request(
                method, url, params=query, content=msgspec.json.encode(body) if body is not None else None
            )
        except httpx.HTTPError as error:
            raise Unavailable(f"WeChat does not answer: {type(error).__name__}", retry_after_seconds=5) from error
        if response.status_code != 200 or len(response.content) > ANSWER_BYTES:
            raise Unavailable(f"WeChat answers {response.status_code}", retry_after_seconds=5)
        try:
            answer = msgspec.json.decode(response.content, type=_Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unavailable("WeChat answers in a form not known here", retry_after_seconds=5) from error
        if answer.errcode:
            raise _trouble(answer)
        return answer


class _TokenEnded(Exception):
    """The access token is not taken any more."""


def _account(settings: WebhookSettings) -> tuple[str, str, str]:
    return settings.kind, settings.app_id, hashlib.sha256(settings.secret.encode()).hexdigest()


def _trouble(answer: _Answer) -> Problem | _TokenEnded:
    """Return what an error number means; WeChat's own sentence is left out, as it quotes what it was asked."""
    code = answer.errcode
    if code in _BAD_CODE:
        return Unauthorized(f"WeChat does not take this code ({code})", code="bad_code")
    if code in _OLD_TOKEN:
        return _TokenEnded()
    if code in _BUSY:
        return Unavailable(f"WeChat is busy ({code})", retry_after_seconds=30)
    return Conflict(f"WeChat refuses the question ({code})", code=f"wechat_{code}")
