"""The bridge as WeChat tells it: followers by signed callbacks, unionids by its answers, log-ins by their codes."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import count

import httpx
import msgspec

from bench.bridge_humans import MINI_PROGRAM, PLATFORM, Brand, appid, member, openid, unionid
from bench.identity_alone import Alone
from libs.common import backlog
from services.identity.clients.wechat import WeChat
from services.identity.domain.wechat_cipher import signature
from tests.fakes.wechat import FakeWeChat

TOKEN = "bridge123"
AT_ONCE = 16
TRIES = 100
BUSY = (429, 503)
PAUSE_SECONDS = 0.1
LONGEST_SECONDS = 7_200
"""How long the service may take for what it was told."""

Call = Callable[[], Awaitable[httpx.Response]]


class Doors:
    """The service's webhooks: one for each official account, and the mini-program's; behind them a WeChat of ours."""

    def __init__(self, alone: Alone) -> None:
        self.alone = alone
        self.wechat = FakeWeChat()
        self.sources: dict[int, int] = {}
        self.codes = count()
        self.began = int(time.time())

    async def open(self, accounts: int) -> None:
        """Make a trusted source with a webhook for each account."""
        parts = self.alone.runtime.parts
        await parts.wechat.close()
        parts.wechat = WeChat("https://wechat.test", "https://wecom.test", self.wechat.transport)
        for account in (*range(accounts), MINI_PROGRAM):
            kind = "mini_program" if account == MINI_PROGRAM else "official_account"
            source = {"key": f"hook-{account}", "name": f"Hook {account}", "kind": "server", "trusted": True}
            made = await self.alone.http.post("/v1/identity/sources", json={**source, "best_tier": 1})
            self.sources[account] = made.raise_for_status().json()["source_id"]
            hook = {
                "kind": kind, "app_id": appid(account), "open_platform_id": PLATFORM, "token": TOKEN,
                "secret": self.wechat.secret,
            }  # fmt: skip
            path = f"/v1/identity/sources/{self.sources[account]}/webhook"
            (await self.alone.http.put(path, json=hook)).raise_for_status()

    def calls(self, brand: Brand) -> Iterator[Call]:
        """Yield what the brand's people do, a call each."""
        for account, human in brand.follows():
            self.wechat.followers[openid(account, human).value] = {"unionid": unionid(human).value}
            yield partial(self._follow, account, human)
        for number in range(brand.members):
            yield partial(self._verify, number)
        for human in range(brand.bridges):
            yield partial(self._log_in, human)

    async def _follow(self, account: int, human: int) -> httpx.Response:
        xml = (
            f"<xml><ToUserName><![CDATA[gh_{account:012d}]]></ToUserName>"
            f"<FromUserName><![CDATA[{openid(account, human).value}]]></FromUserName>"
            f"<CreateTime>{self.began - human}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
            "<Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[]]></EventKey></xml>"
        )
        timestamp, nonce = str(int(time.time())), "437374425"
        query = {"signature": signature(TOKEN, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
        path = f"/v1/webhooks/{self.sources[account]}"
        return await self.alone.http.post(path, content=xml.encode(), params=query)

    async def _verify(self, number: int) -> httpx.Response:
        user, telephone = member(number)
        call = {
            "type": "identify", "userId": user.value, "messageId": f"till-{number}",
            "traits": {"phone": telephone.value, "phone_verified": True},
        }  # fmt: skip
        key = self.alone.keys.server_key
        return await self.alone.http.post("/v1/batch", content=msgspec.json.encode({"batch": [call]}), auth=(key, ""))

    async def _log_in(self, human: int) -> httpx.Response:
        code = f"code-{human}-{next(self.codes)}"  # good once: whoever tries again has another
        who = {"openid": openid(MINI_PROGRAM, human).value, "unionid": unionid(human).value, "session_key": "k"}
        self.wechat.sessions[code] = who
        number = member(human)[1].value
        told = {"phoneNumber": number, "purePhoneNumber": number.removeprefix("+86"), "countryCode": "86"}
        self.wechat.phones[code] = told
        path = f"/v1/webhooks/{self.sources[MINI_PROGRAM]}/login"
        return await self.alone.http.post(path, content=msgspec.json.encode({"code": code, "phone_code": code}))


async def tell(alone: Alone, brand: Brand) -> int:
    """Let everybody follow, be verified and log in, shuffled, some of it twice; return the calls, all settled."""
    doors = Doors(alone)
    await doors.open(brand.accounts)
    calls = list(doors.calls(brand))
    chance = random.Random(1)
    calls += chance.sample(calls, len(calls) // 20)
    chance.shuffle(calls)
    waiting = iter(calls)

    async def some() -> None:
        for call in waiting:
            await _taken(call)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some())
    await _settled(alone)
    return len(calls)


async def _taken(call: Call) -> None:
    for _ in range(TRIES):
        answer = await call()
        if answer.status_code == 200:
            return
        if answer.status_code not in BUSY:
            raise RuntimeError(f"{answer.request.url.path}: {answer.status_code} {answer.text}")
        await asyncio.sleep(PAUSE_SECONDS)
    raise RuntimeError(f"busy after {TRIES} tries")


async def _settled(alone: Alone) -> None:
    """Wait until the service has asked and resolved everything."""
    until = time.monotonic() + LONGEST_SECONDS
    before, still = {"unknown": 1}, -1
    while time.monotonic() < until:
        parts, done = await backlog.open_work(alone.runtime, alone.keys.workspace_id)
        if not parts and not before and done == still:
            return
        before, still = parts, done
        await asyncio.sleep(PAUSE_SECONDS)
    raise RuntimeError(f"not done after {LONGEST_SECONDS} s: {before}")
