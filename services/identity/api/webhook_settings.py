"""What a source declares about the system that calls for it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from libs.common.clock import wall_now
from libs.common.errors import Invalid, NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from services.identity.api.graph_models import parts_of
from services.identity.api.sources import the_source
from services.identity.domain.webhook import WebhookSettings
from services.identity.store import webhooks
from services.identity.usecases.put_webhook import put_webhook

router = APIRouter(prefix="/v1/identity/sources", tags=["sources"])

Reader = Annotated[Caller, Depends(requires("sources:read"))]
Writer = Annotated[Caller, Depends(requires("sources:write"))]
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class WebhookBody(BaseModel):
    """How a system that calls is believed; `token`, `aes_key` and `secret` are kept sealed and never told again."""

    model_config = ConfigDict(extra="forbid")

    kind: Text = Field(description="official_account, mini_program, wecom or json")
    app_id: Text = Field("", description="scope of the ids that arrive: appid, corp id")
    open_platform_id: Text = Field("", description="scope of unionids")
    token: Text = ""
    aes_key: Text = Field("", description="EncodingAESKey; with it plain messages are refused")
    secret: Text = Field("", description="app secret, or the key of the body's HMAC for kind json")
    max_age_seconds: int = Field(600, ge=0, le=86_400, description="of a signature; 0 = any age")
    signature_header: str = Field("x-signature", pattern=r"^[A-Za-z0-9-]{1,64}$")
    items: Text = Field("", description="JSON pointer to the list of events in a body")
    mapping: dict[str, Any] = Field({}, description="as of an import; columns are names or JSON pointers")


class WebhookView(BaseModel):
    """A source's webhook; of secrets only whether they are there."""

    kind: str
    path: str = Field(description="where the other system calls, below this installation's public address")
    app_id: str
    open_platform_id: str
    has_token: bool
    has_aes_key: bool
    has_secret: bool
    max_age_seconds: int
    signature_header: str
    items: str
    mapping: dict[str, Any]

    @classmethod
    def of(cls, source_id: int, settings: WebhookSettings) -> "WebhookView":
        """Return the view of settings."""
        shown = {name: getattr(settings, name) for name in cls.model_fields if hasattr(settings, name)}
        has = {f"has_{name}": bool(getattr(settings, name)) for name in ("token", "aes_key", "secret")}
        return cls(path=f"/v1/webhooks/{source_id}", **has, **shown)


@router.put("/{source_id}/webhook")
async def write_webhook(
    source_id: int, body: WebhookBody, caller: Writer, runtime: RuntimeOf, tx: Transaction
) -> WebhookView:
    """Let a system call for a source, at the path that is answered."""
    source = the_source(runtime, caller, source_id)
    kinds = parts_of(runtime).webhooks
    if body.kind not in kinds:
        raise Invalid.at("/kind", f"kind is one of {', '.join(sorted(kinds))}")
    settings = WebhookSettings(**body.model_dump())
    sealer = runtime.sealer(caller.workspace_id)
    await put_webhook(tx, source, kinds[body.kind], settings, sealer=sealer, now=wall_now())
    return WebhookView.of(source_id, settings)


@router.get("/{source_id}/webhook")
async def read_webhook(source_id: int, caller: Reader, runtime: RuntimeOf, tx: Transaction) -> WebhookView:
    """The webhook of a source, without its secrets."""
    the_source(runtime, caller, source_id)
    settings = await webhooks.read(tx, caller.workspace_id, source_id, runtime.sealer(caller.workspace_id))
    if settings is None:
        raise NotFound("the source has no webhook")
    return WebhookView.of(source_id, settings)


@router.delete("/{source_id}/webhook", status_code=204)
async def delete_webhook(source_id: int, caller: Writer, runtime: RuntimeOf, tx: Transaction) -> None:
    """Take no more calls for a source."""
    the_source(runtime, caller, source_id)
    if not await webhooks.remove(tx, caller.workspace_id, source_id):
        raise NotFound("the source has no webhook")
