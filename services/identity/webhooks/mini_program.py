"""WeChat mini-program: its messages, and the log-in that bridges fans and members by unionid and phone."""

from datetime import datetime
from typing import Any

from services.identity.domain.webhook import LoggedIn, WebhookKind, WebhookSettings
from services.identity.domain.wechat_door import echo, open_callback, unfit
from services.identity.domain.wechat_fields import external, identify, message_id, track
from services.identity.domain.wechat_messages import read_message


def login(one: LoggedIn, settings: WebhookSettings, at: datetime) -> tuple[dict[str, Any], ...]:
    """Return the bridge (openid, unionid and phone authenticated together in one event), and the log-in itself."""
    openid = external("wx_openid", one.openid, settings.app_id)
    who = [openid]
    if one.unionid:
        who.append(external("wx_unionid", one.unionid, settings.open_platform_id))
    traits = {"phone": one.phone, "phone_verified": True} if one.phone else {}
    ids = [message_id(settings.app_id, word, one.code_hash) for word in ("identify", "login")]
    told = {"with_phone": bool(one.phone)}
    return (
        identify(who, traits, id_=ids[0], at=at, platform=settings.kind),
        track("WeChat Mini Program Logged In", [openid], told, id_=ids[1], at=at, platform=settings.kind),
    )


webhook = WebhookKind(name="mini_program", unfit=unfit, echo=echo, open=open_callback, read=read_message, login=login)
