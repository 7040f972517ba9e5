"""WeCom: customers whom advisers add as external contacts."""

from datetime import datetime
from typing import Any

import msgspec

from services.identity.domain.bounded_xml import Fields
from services.identity.domain.calls import Refusal
from services.identity.domain.webhook import Heard, Known, WebhookKind, WebhookSettings
from services.identity.domain.wechat_door import echo, open_callback, unfit
from services.identity.domain.wechat_fields import (
    external,
    identify,
    message_id,
    properties_of,
    text_of,
    time_of,
    track,
)
from services.identity.domain.wechat_messages import held, read_fields

NAMES = {
    "add_external_contact": "WeCom Contact Added",
    "add_half_external_contact": "WeCom Contact Added",
    "edit_external_contact": "WeCom Contact Edited",
    "del_external_contact": "WeCom Contact Removed",
    "del_follow_user": "WeCom Adviser Removed",
    "transfer_fail": "WeCom Contact Transfer Failed",
    "msg_audit_approved": "WeCom Audit Approved",
    "customer_start_chat": "WeCom Chat Started",
}
_ENDING = frozenset({"del_external_contact", "del_follow_user"})


def read(raw: bytes, settings: WebhookSettings) -> Heard:
    """Return what happened between an adviser and an external contact; what names no contact is passed by."""
    fields = read_fields(raw)
    if isinstance(fields, Refusal):
        return Heard(bad=((fields, held(raw)),))
    contact = text_of(fields, "ExternalUserID")
    change = text_of(fields, "ChangeType")
    event = text_of(fields, "Event", "InfoType")
    if not contact and not change.endswith("external_contact"):
        what = change or event or text_of(fields, "MsgType") or "this"
        return Heard(passed=(Refusal("not_about_a_person", "/Event", f"{what} names no external contact"),))
    at = _incomplete(fields, contact, settings) or time_of(fields)
    if isinstance(at, Refusal):
        return Heard(bad=((at, msgspec.json.encode(fields)),))
    told = ("CreateTime", "TimeStamp", "UserID", "State")
    call = track(
        NAMES.get(change, "WeCom Event Received"),
        [external("wx_external_userid", contact, settings.app_id)],
        {"event": event, **properties_of(fields)},
        id_=message_id(settings.app_id, contact, event, change, *(text_of(fields, name) for name in told)),
        at=at,
        platform=settings.kind,
    )
    return Heard(calls=(call,), asks=() if change in _ENDING else (contact,))


def _incomplete(fields: Fields, contact: str, settings: WebhookSettings) -> Refusal | None:
    if not contact:
        return Refusal("no_contact", "/ExternalUserID", "a change of a contact says whose")
    corp = text_of(fields, "AuthCorpId", "ToUserName")
    if corp != settings.app_id:
        return Refusal("other_receiver", "/ToUserName", "the message is meant for another corp id")
    return None


def told(known: Known, settings: WebhookSettings, at: datetime) -> tuple[dict[str, Any], ...]:
    """Return what WeCom says about a contact: his external_userid and his unionid are one person's."""
    if not known.unionid:
        return ()
    who = [
        external("wx_external_userid", known.id, settings.app_id),
        external("wx_unionid", known.unionid, settings.open_platform_id),
    ]
    traits = {"nickname": known.name} if known.name else {}
    id_ = message_id(settings.app_id, "known", known.id, known.unionid)
    return (identify(who, traits, id_=id_, at=at, platform=settings.kind),)


webhook = WebhookKind(
    name="wecom",
    unfit=lambda settings: unfit(settings, encrypted=True),
    echo=echo,
    open=open_callback,
    read=read,
    told=told,
)
