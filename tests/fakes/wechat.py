"""WeChat's and WeCom's server APIs, as their documentation describes the answers."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec


@dataclass
class FakeWeChat:
    """Answers questions from what it was told; `asked` are the paths, `trouble` error numbers by path, once each."""

    secret: str = "app-secret"
    sessions: dict[str, dict[str, str]] = field(default_factory=dict)
    phones: dict[str, dict[str, Any]] = field(default_factory=dict)
    followers: dict[str, dict[str, str]] = field(default_factory=dict)
    contacts: dict[str, dict[str, str]] = field(default_factory=dict)
    trouble: dict[str, list[int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    """The access token of each account."""

    @property
    def transport(self) -> httpx.MockTransport:
        """The way to it."""
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        query = dict(request.url.params)
        body = msgspec.json.decode(request.content) if request.content else {}
        troubles = self.trouble.get(path)
        if troubles:
            return httpx.Response(200, json={"errcode": troubles.pop(0), "errmsg": "trouble"})
        return httpx.Response(200, json=self._said(path, query, body))

    def _said(self, path: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        told = {**query, **body}
        if path in {"/cgi-bin/stable_token", "/cgi-bin/gettoken", "/sns/jscode2session"}:
            if self.secret not in {told.get("secret"), told.get("corpsecret")}:
                return {"errcode": 40125, "errmsg": "invalid appsecret"}
            if path == "/sns/jscode2session":
                # A code is good once.
                return self.sessions.pop(told["js_code"], {"errcode": 40029, "errmsg": "invalid code"})
            account = told.get("appid") or told["corpid"]
            self.tokens[account] = f"token-{account}-{len(self.asked)}"
            return {"access_token": self.tokens[account], "expires_in": 7200}
        if told.get("access_token") not in self.tokens.values():
            return {"errcode": 40001, "errmsg": "invalid credential"}
        if path == "/wxa/business/getuserphonenumber":
            return {"errcode": 0, "phone_info": self.phones[told["code"]]}
        if path == "/cgi-bin/user/info":
            return {"subscribe": 1, "openid": told["openid"], **self.followers.get(told["openid"], {})}
        contact = self.contacts.get(told["external_userid"])
        return {"errcode": 0, "external_contact": contact} if contact else {"errcode": 84061, "errmsg": "none"}
