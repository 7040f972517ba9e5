"""What a follower of an official account or a user of a mini-program did, read from the platform's message."""

from typing import Any

import msgspec

from services.identity.domain.bounded_xml import Fields, read_xml
from services.identity.domain.calls import Refusal, too_deep
from services.identity.domain.webhook import Heard, WebhookSettings
from services.identity.domain.wechat_fields import external, message_id, properties_of, text_of, time_of, track

NAMES = {
    "subscribe": "WeChat Followed",
    "unsubscribe": "WeChat Unfollowed",
    "scan": "WeChat Code Scanned",
    "click": "WeChat Menu Clicked",
    "view": "WeChat Menu Link Opened",
    "view_miniprogram": "WeChat Menu Mini Program Opened",
    "location": "WeChat Location Reported",
    "templatesendjobfinish": "WeChat Template Message Settled",
    "subscribe_msg_popup_event": "WeChat Subscription Answered",
    "subscribe_msg_change_event": "WeChat Subscription Changed",
    "subscribe_msg_sent_event": "WeChat Subscription Message Settled",
    "user_enter_tempsession": "WeChat Conversation Entered",
}
MESSAGE = "WeChat Message Received"
OTHER = "WeChat Event Received"
_ABOUT_THE_ACCOUNT = frozenset(
    {
        "masssendjobfinish", "publishjobfinish", "qualification_verify_success", "qualification_verify_fail",
        "naming_verify_success", "naming_verify_fail", "annual_renew", "verify_expired", "weapp_audit_success",
        "weapp_audit_fail", "weapp_audit_delay", "wxa_nickname_audit", "add_express_path", "wxa_media_check",
    }
)  # fmt: skip
_OUTBOUND = frozenset({"transfer_customer_service", "news", "music"})
_SCENE = "qrscene_"


def read_message(raw: bytes, settings: WebhookSettings) -> Heard:
    """Return the event in a message, the same one however often it is sent.

    A message of the platform about the account itself is passed by: it names nobody.
    """
    fields = read_fields(raw)
    if isinstance(fields, Refusal):
        return Heard(bad=((fields, held(raw)),))
    kind, event = text_of(fields, "MsgType").lower(), text_of(fields, "Event").lower()
    if event in _ABOUT_THE_ACCOUNT or kind in _OUTBOUND:
        return Heard(passed=(Refusal("not_about_a_person", "/Event", f"{event or kind} is about the account"),))
    openid = text_of(fields, "FromUserName")
    refusal = _incomplete(kind, event, openid)
    at = refusal or time_of(fields)
    if isinstance(at, Refusal):
        return Heard(bad=((at, msgspec.json.encode(fields)),))
    call = track(
        NAMES.get(event, OTHER) if kind == "event" else MESSAGE,
        [external("wx_openid", openid, settings.app_id)],
        _properties(fields, kind, event),
        id_=_id_of(fields, settings, openid),
        at=at,
        platform=settings.kind,
    )
    return Heard(calls=(call,), asks=() if event == "unsubscribe" else (openid,))


def read_fields(raw: bytes) -> Fields | Refusal:
    """Return the fields of a message in XML, or in JSON as mini-programs may choose."""
    if not raw.lstrip().startswith(b"{"):
        return read_xml(raw)
    try:
        fields = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Refusal("malformed_json", "", f"the message is not JSON: {error}")
    if (refusal := too_deep(raw, fields)) is not None:
        return refusal
    return {name: str(value) if type(value) is int else value for name, value in fields.items()}


def held(raw: bytes) -> bytes:
    """Return a message that cannot be read as it is kept for whoever mends it."""
    return msgspec.json.encode({"unreadable": raw.decode("utf-8", "replace").replace("\0", "\ufffd")})


def _incomplete(kind: str, event: str, openid: str) -> Refusal | None:
    if not kind:
        return Refusal("no_message_type", "/MsgType", "a message says its type")
    if kind == "event" and not event:
        return Refusal("no_event", "/Event", "an event says its name")
    if not openid:
        return Refusal("no_openid", "/FromUserName", "a message says who sent it")
    return None


def _id_of(fields: Fields, settings: WebhookSettings, openid: str) -> str:
    """WeChat knows messages by MsgId and events by sender and second; what it was keeps two of a second apart."""
    number = text_of(fields, "MsgId")
    if number:
        return message_id(settings.app_id, number)
    told = ("CreateTime", "MsgType", "Event", "EventKey", "MsgID", "SessionID")
    return message_id(settings.app_id, openid, *(text_of(fields, name) for name in told))


def _properties(fields: Fields, kind: str, event: str) -> dict[str, Any]:
    told = properties_of(fields)
    if kind != "event":
        return {"message_type": kind, **told}
    scene = text_of(fields, "EventKey")
    if event == "subscribe" and scene.startswith(_SCENE):
        told["scene"] = scene.removeprefix(_SCENE)
    elif event == "scan" and scene:
        told["scene"] = scene
    return told if event in NAMES else {"event": text_of(fields, "Event"), **told}
