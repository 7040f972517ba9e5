"""Which callbacks of WeChat and WeCom are genuine: the same door for all their kinds."""

import re

from services.identity.domain.bounded_xml import read_xml
from services.identity.domain.calls import Refusal
from services.identity.domain.webhook import Callback, WebhookSettings
from services.identity.domain.wechat_cipher import decrypt, is_signed, key_of

_ECHO_CHARACTERS = 2_000
_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")


def unfit(settings: WebhookSettings, *, encrypted: bool = False) -> list[tuple[str, str]]:
    """Return what is wrong with the settings of a WeChat source, by field."""
    wrong = []
    if not settings.app_id:
        wrong.append(("app_id", "say which account's ids arrive: its appid or corp id"))
    if not _TOKEN.fullmatch(settings.token):
        wrong.append(("token", "a token has 3 to 32 letters and digits"))
    if (settings.aes_key or encrypted) and key_of(settings.aes_key) is None:
        wrong.append(("aes_key", "an EncodingAESKey has 43 letters and digits"))
    if settings.secret and not settings.open_platform_id:
        wrong.append(("open_platform_id", "a unionid needs the open platform account within which it holds"))
    return wrong


def echo(callback: Callback, settings: WebhookSettings) -> bytes | Refusal:
    """Return what proves to WeChat that the token is known here."""
    told = callback.query.get("echostr", "")
    if not told or len(told) > _ECHO_CHARACTERS:
        return Refusal("no_echo", "query/echostr", "the question lacks its echostr")
    is_sealed = "msg_signature" in callback.query
    refusal = is_signed(callback, settings, told if is_sealed else None)
    if refusal is not None:
        return refusal
    return decrypt(told, settings) if is_sealed else told.encode()


def open_callback(callback: Callback, settings: WebhookSettings) -> bytes | Refusal:
    """Return the clear message of a genuine callback.

    A source with an AES key takes encrypted messages only: in plain ones the signature does not cover the message.
    """
    if not settings.aes_key:
        return is_signed(callback, settings, None) or callback.body
    fields = read_xml(callback.body)
    if isinstance(fields, Refusal):
        return fields
    encrypted = fields.get("Encrypt")
    if not isinstance(encrypted, str) or not encrypted:
        return Refusal("not_encrypted", "/Encrypt", "this source takes encrypted messages only")
    return is_signed(callback, settings, encrypted) or decrypt(encrypted, settings)
