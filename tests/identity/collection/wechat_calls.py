"""Callbacks as WeChat and WeCom send them, and sources that take them."""

import os
from typing import Any

import httpx

from libs.common.clock import wall_now
from services.identity.clients.wechat import WeChat
from services.identity.domain.webhook import WebhookSettings
from services.identity.domain.wechat_cipher import encrypt, signature
from tests.fakes.wechat import FakeWeChat
from tests.identity.collection.conftest import Door

TOKEN = "123456"
AES_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
APP_ID = "wx49f0ab532d5d035a"
OPENID = "otAzGjrS4AYCmeJM1GhEOcHXXTAo"
UNIONID = "or4zX05h_Ykt4ju0TUfx3CQsvfTo"
FOLLOWED = f"""<xml><ToUserName><![CDATA[gh_fbe8a958756e]]></ToUserName>
<FromUserName><![CDATA[{OPENID}]]></FromUserName><CreateTime>1433259128</CreateTime>
<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe]]></Event>
<EventKey><![CDATA[qrscene_store-7]]></EventKey><Ticket><![CDATA[TICKET]]></Ticket></xml>"""


async def a_webhook(door: Door, kind: str = "official_account", **fields: Any) -> int:
    """Make a trusted source that takes callbacks; return its number."""
    source, _ = await door.a_source(key=f"hook{len(fields)}{kind.replace('_', '')}", name="Hook", trusted=True)
    body = {"kind": kind, "app_id": APP_ID, "token": TOKEN, **fields}
    answer = await door.ask("PUT", f"/v1/identity/sources/{source.source_id}/webhook", json=body)
    assert answer.status_code == 200, answer.text
    return source.source_id


def signed(*parts: str, at: int | None = None, token: str = TOKEN) -> dict[str, str]:
    """Return the query of a callback; with a ciphertext the signature that covers it."""
    timestamp, nonce = str(at or int(wall_now().timestamp())), "437374425"
    name = "msg_signature" if parts else "signature"
    return {name: signature(token, timestamp, nonce, *parts), "timestamp": timestamp, "nonce": nonce}


async def call_in(door: Door, source_id: int, xml: str, **options: Any) -> httpx.Response:
    """Post a plain message."""
    query = options.pop("params", None) or signed(**options)
    return await door.http.post(f"/v1/webhooks/{source_id}", content=xml.encode(), params=query)


async def call_in_sealed(door: Door, source_id: int, xml: str) -> httpx.Response:
    """Post an encrypted message."""
    settings = WebhookSettings(kind="wecom", aes_key=AES_KEY, app_id=APP_ID)
    sealed = encrypt(xml.encode(), settings, os.urandom(16))
    body = f"<xml><ToUserName><![CDATA[{APP_ID}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    return await door.http.post(f"/v1/webhooks/{source_id}", content=body.encode(), params=signed(sealed))


def a_wechat(door: Door) -> FakeWeChat:
    """Put a fake in the place of WeChat."""
    fake = FakeWeChat()
    door.runtime.parts.wechat = WeChat("https://wechat.test", "https://wecom.test", fake.transport)
    return fake
