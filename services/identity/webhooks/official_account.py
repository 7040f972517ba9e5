"""WeChat official account: what followers do, and who they are across the brand's accounts."""

from datetime import datetime
from typing import Any

from services.identity.domain.webhook import Known, WebhookKind, WebhookSettings
from services.identity.domain.wechat_door import echo, open_callback, unfit
from services.identity.domain.wechat_fields import external, identify, message_id
from services.identity.domain.wechat_messages import read_message


def told(known: Known, settings: WebhookSettings, at: datetime) -> tuple[dict[str, Any], ...]:
    """Return what WeChat says about a follower: his openid and his unionid are one person's."""
    if not known.unionid:
        return ()
    who = [
        external("wx_openid", known.id, settings.app_id),
        external("wx_unionid", known.unionid, settings.open_platform_id),
    ]
    traits = {"nickname": known.name} if known.name else {}
    id_ = message_id(settings.app_id, "known", known.id, known.unionid)
    return (identify(who, traits, id_=id_, at=at, platform=settings.kind),)


webhook = WebhookKind(name="official_account", unfit=unfit, echo=echo, open=open_callback, read=read_message, told=told)
