"""Templates: immutable versions, each checked in every part before it is kept; previews."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from libs.common.errors import FieldError, Invalid, NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.ids import new_id
from services.messaging.api.words import ChannelName, JsonObject, Liquid, Word, kept_text
from services.messaging.clients.parts import Parts
from services.messaging.domain.compose import Links, compose, finish
from services.messaging.domain.links import LINK_NAMESPACE
from services.messaging.domain.template import Content, Template, parts_for
from services.messaging.store.templates import (
    StoredTemplate,
    latest_templates,
    list_templates,
    put_template,
    template_version,
)

router = APIRouter(prefix="/v1/messaging", tags=["templates"])

Reader = Annotated[Caller, Depends(requires("messages:read"))]
Writer = Annotated[Caller, Depends(requires("messages:write"))]
Key = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
Localised = Annotated[dict[Language, Liquid], Field(max_length=50)] | Liquid
PARTS = ("subject", "text", "html", "preheader", "action_label", "action_url")


class PartsBody(BaseModel):
    """What is said, as Liquid: each part in one language, or by language."""

    model_config = ConfigDict(extra="forbid")

    subject: Localised = ""
    text: Localised = ""
    html: Localised = ""
    preheader: Localised = ""
    action_label: Localised = ""
    action_url: Localised = ""


class TemplateBody(PartsBody):
    """One content for all channels; `channels` replaces parts for one of them."""

    name: Word = ""
    default_language: Language = "en"
    fallback: list[Language] = Field(default=[], max_length=20)
    defaults: JsonObject = {}
    topic: Word = ""
    category: Word = ""
    channels: dict[ChannelName, PartsBody] = Field(default={}, max_length=20)


class TemplateView(BaseModel):
    """A version of a template."""

    template_id: UUID
    key: str
    version: int
    created_at: datetime | None = None
    template: TemplateBody


class PreviewBody(BaseModel):
    """For whom and by which channel to show a template."""

    channel: ChannelName = "email"
    language: Language | None = None
    person: JsonObject = {}
    data: JsonObject = {}


class PreviewView(BaseModel):
    """The content as the channel would get it."""

    language: str
    content: dict[str, str]


def _by_language(value: Localised, default_language: str) -> dict[str, str]:
    return {default_language: value} if isinstance(value, str) else dict(value)


def _contents(body: TemplateBody) -> dict[str, Content]:
    said = {name: _by_language(getattr(body, name), body.default_language) for name in PARTS}
    found = {language for texts in said.values() for language, text in texts.items() if text}
    contents = {}
    for language in sorted(found):
        channels = {
            channel: {
                name: text
                for name in PARTS
                if (text := _by_language(getattr(parts, name), body.default_language).get(language))
            }
            for channel, parts in body.channels.items()
        }
        own = {name: texts.get(language, "") for name, texts in said.items()}
        contents[language] = Content(**own, channels={name: parts for name, parts in channels.items() if parts})
    return contents


def template_of(body: TemplateBody) -> Template:
    """Return the template as the domain has it; raises Invalid when it says nothing."""
    contents = _contents(body)
    if not contents:
        raise Invalid.at("/text", "the template has no content", "empty")
    if body.default_language not in contents:
        raise Invalid.at("/default_language", "there is no content in this language", "missing_language")
    return Template(
        contents=contents,
        default_language=body.default_language,
        fallback=tuple(body.fallback),
        defaults=dict(body.defaults),
        topic=body.topic,
        category=body.category,
    )


def body_of(stored: StoredTemplate) -> TemplateBody:
    """Return a stored template as it was put."""
    template = stored.template
    by_part: dict[str, Any] = {
        name: {language: text for language, c in template.contents.items() if (text := getattr(c, name))}
        for name in PARTS
    }
    channels: dict[str, dict[str, dict[str, str]]] = {}
    for language, content in template.contents.items():
        for channel, parts in content.channels.items():
            for name, text in parts.items():
                channels.setdefault(channel, {}).setdefault(name, {})[language] = text
    return TemplateBody(
        name=stored.name,
        default_language=template.default_language,
        fallback=list(template.fallback),
        defaults=template.defaults,
        topic=template.topic,
        category=template.category,
        channels={name: PartsBody.model_validate(parts) for name, parts in channels.items()},
        **{name: texts for name, texts in by_part.items() if texts},
    )


async def check_template(parts: Parts, template: Template) -> None:
    """Raise Invalid with a pointer to every part that is not Liquid or breaks a limit."""
    places = [
        (language, channel) for language, content in template.contents.items() for channel in ("", *content.channels)
    ]
    answers = await parts.renderer.check([parts_for(template.contents[lang], channel) for lang, channel in places])
    errors = [
        FieldError(
            pointer=f"{'/channels/' + channel if channel else ''}/{answer.problem_part or 'text'}/{language}",
            detail=answer.problem,
            code=answer.problem_kind,
        )
        for (language, channel), answer in zip(places, answers, strict=True)
        if answer.problem_kind
    ]
    if errors:
        raise Invalid(f"{errors[0].pointer}: {errors[0].detail}", errors=errors)


async def find_template(tx: Transaction, workspace_id: int, key: str) -> StoredTemplate:
    """Return the newest version of the template with this key or id; raises NotFound."""
    try:
        ids = [UUID(key)]
    except ValueError:
        ids = []
    found = await latest_templates(tx, workspace_id, template_ids=ids, keys=[key])
    if not found:
        raise NotFound("there is no such template")
    return found[0]


def view_of(stored: StoredTemplate) -> TemplateView:
    """Return a version for the reader."""
    return TemplateView(
        template_id=stored.template_id,
        key=stored.key,
        version=stored.version,
        created_at=stored.created_at,
        template=body_of(stored),
    )


@router.put("/templates/{key}")
async def put(key: Key, body: TemplateBody, caller: Writer, runtime: RuntimeOf) -> TemplateView:
    """Add a version; what is already rendered goes out as it is, everything else uses the new one."""
    template = template_of(body)
    await check_template(runtime.parts, template)
    now = runtime.now(caller.workspace_id)
    async with runtime.database.transaction(caller.workspace_id) as tx:
        template_id, version = await put_template(
            tx,
            caller.workspace_id,
            key=key,
            name=body.name or key,
            template=template,
            template_id=new_id(),
            by=caller.name,
            now=now,
        )
    return TemplateView(template_id=template_id, key=key, version=version, created_at=now, template=body)


@router.get("/templates")
async def list_all(caller: Reader, tx: Transaction, limit: Limit = 100, cursor: Cursor = None) -> Page[TemplateView]:
    """List the newest versions by key."""
    after = decode_cursor(cursor, tuple[str])
    found = await list_templates(tx, caller.workspace_id, after=kept_text(after[0]) if after else "", limit=limit + 1)
    more = encode_cursor(found[limit - 1].key) if len(found) > limit else None
    return Page(items=[view_of(stored) for stored in found[:limit]], next_cursor=more)


@router.get("/templates/{key}")
async def get(key: Key, caller: Reader, tx: Transaction) -> TemplateView:
    """Return the newest version, by key or id."""
    return view_of(await find_template(tx, caller.workspace_id, key))


@router.get("/templates/{key}/versions/{version}")
async def get_version(
    key: Key, version: Annotated[int, Path(ge=1, le=2**31 - 1)], caller: Reader, tx: Transaction
) -> TemplateView:
    """Return one version."""
    stored = await template_version(tx, caller.workspace_id, key, version)
    if stored is None:
        raise NotFound("there is no such version")
    return view_of(stored)


@router.post("/templates/{key}/preview")
async def preview(key: Key, body: PreviewBody, caller: Reader, runtime: RuntimeOf) -> PreviewView:
    """Show the template for a made-up person; a missing value is refused here as it would block the message."""
    parts: Parts = runtime.parts
    if body.channel not in parts.channels:
        raise Invalid.at("/channel", f"one of {', '.join(parts.channels)}", "unknown_channel")
    async with runtime.database.transaction(caller.workspace_id) as tx:
        stored = await find_template(tx, caller.workspace_id, key)
    sealer = runtime.sealer(caller.workspace_id)
    links = Links(
        runtime.settings.url_of("messaging"), caller.workspace_id, UUID(int=0), body.channel,
        sign=lambda payload: sealer.lookup(LINK_NAMESPACE, payload),
    )  # fmt: skip
    composition = compose(
        stored.template,
        channel=body.channel,
        locale=body.language,
        traits=body.person,
        context=body.data,
        unsubscribe_url=links.unsubscribe,
        now=runtime.now(caller.workspace_id),
    )
    [answer] = await parts.renderer.render([composition.parts], [(0, composition.data)])
    if answer.problem_kind:
        pointer = f"/{answer.problem_part}" if answer.problem_part else ""
        raise Invalid.at(pointer, answer.problem, answer.problem_kind)
    is_mail = parts.channels[body.channel].capabilities.tracks_links
    content = finish(answer.parts, composition, links=links, tracks_links=is_mail, can_unsubscribe=True)
    return PreviewView(language=composition.language, content=content)
