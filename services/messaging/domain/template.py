"""A template's content: one object per language, from which every channel takes its parts."""

import html
import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Mode = Literal["text", "html", "header"]
_URL = re.compile(r"https?://[^\s<>\"']+")


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is said in one language, as Liquid; `channels` replaces parts for one channel."""

    subject: str = ""
    text: str = ""
    html: str = ""
    preheader: str = ""
    action_label: str = ""
    action_url: str = ""
    channels: dict[str, dict[str, str]] = {}


class Template(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version of a template."""

    contents: dict[str, Content]
    default_language: str = "en"
    fallback: tuple[str, ...] = ()
    defaults: dict[str, Any] = {}
    topic: str = ""
    category: str = ""
    traits: tuple[str, ...] = ()


class Part(msgspec.Struct, frozen=True):
    """A piece of Liquid to render and how its values are escaped."""

    name: str
    mode: Mode
    source: str


class Rendering(msgspec.Struct, frozen=True, array_like=True):
    """A message's rendered parts, or what is wrong with one of them: syntax, missing, limit or header."""

    parts: dict[str, str] = {}
    problem_part: str = ""
    problem_kind: str = ""
    problem: str = ""


_MODES: dict[str, Mode] = {
    "subject": "header",
    "text": "text",
    "html": "html",
    "preheader": "text",
    "action_label": "text",
    "action_url": "text",
}
PART_NAMES = tuple(_MODES)


def languages(locale: str | None, template: Template) -> list[str]:
    """Return the languages to try, in order: the person's, its ancestors, the template's chain, its default."""
    wanted = (locale or "").replace("_", "-")
    chain = ["-".join(wanted.split("-")[:n]) for n in range(len(wanted.split("-")), 0, -1)] if wanted else []
    known = {name.lower(): name for name in template.contents}
    ordered = [
        known[name.lower()] for name in (*chain, *template.fallback, template.default_language) if name.lower() in known
    ]
    return list(dict.fromkeys(ordered)) or sorted(template.contents)[:1]


def parts_for(content: Content, channel: str) -> tuple[Part, ...]:
    """Return what has to be rendered for a channel."""
    values = {name: getattr(content, name) for name in PART_NAMES} | content.channels.get(channel, {})
    return tuple(Part(name, _MODES[name], source) for name, source in values.items() if name in _MODES and source)


_NAME = re.compile(r"\bperson\.([A-Za-z_][\w-]*)")


def traits_used(template: Template) -> tuple[str, ...]:
    """Return the person's traits the Liquid mentions: what profile is asked for at the moment of sending."""
    sources = [
        part.source
        for content in template.contents.values()
        for channel in ("", *content.channels)
        for part in parts_for(content, channel)
    ]
    found = {name for source in sources for name in _NAME.findall(source)}
    return tuple(sorted(found | set(template.traits)))


def with_defaults(data: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data without nulls, with the template's defaults (`person.first_name`) where nothing is known."""
    filled: dict[str, Any] = without_nulls(data)
    for path, value in defaults.items():
        *parents, last = path.split(".")
        place: Any = filled
        for name in parents:
            place = place.setdefault(name, {}) if isinstance(place, dict) else None
        if isinstance(place, dict) and place.get(last) in (None, ""):
            place[last] = value
    return filled


def without_nulls(value: Any) -> Any:
    """Return JSON without null members: in a template null is missing, not the word nothing."""
    if isinstance(value, Mapping):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value


def text_to_html(text: str, action_label: str = "", action_url: str = "", preheader: str = "") -> str:
    """Return plain text as simple HTML: paragraphs, line breaks, links, one button."""
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        escaped = html.escape(paragraph).replace("\n", "<br>")
        paragraphs.append("<p>" + _URL.sub(lambda m: f'<a href="{m[0]}">{m[0]}</a>', escaped) + "</p>")
    hidden = f'<div style="display:none">{html.escape(preheader)}</div>' if preheader else ""
    button = ""
    if action_url.startswith(("https://", "http://")):
        button = f'<p><a href="{html.escape(action_url)}">{html.escape(action_label or action_url)}</a></p>'
    return hidden + "".join(paragraphs) + button


_UNSUBSCRIBE_WORDS = {"zh": "退订", "en": "Unsubscribe"}


def assemble(
    rendered: Mapping[str, str], *, language: str, unsubscribe_url: str, is_mail: bool, with_footer: bool
) -> dict[str, str]:
    """Return a channel's content: subject, text, url, action; for mail also HTML, and the way out in both bodies."""
    text, page = rendered.get("text", ""), rendered.get("html", "")
    label, url = rendered.get("action_label", ""), rendered.get("action_url", "").strip()
    content = {"subject": rendered.get("subject", ""), "text": text, "url": url, "action": label}
    if not is_mail:
        return content
    page = page or text_to_html(text, label, url, rendered.get("preheader", ""))
    text = text or html.unescape(re.sub(r"<[^>]+>", " ", page))
    if url and url not in text:
        text = f"{text}\n\n{label + ': ' if label else ''}{url}"
    if with_footer and unsubscribe_url not in page:
        word = _UNSUBSCRIBE_WORDS["zh" if language.lower().startswith("zh") else "en"]
        page += f'<p style="font-size:12px"><a href="{html.escape(unsubscribe_url)}">{word}</a></p>'
        text += f"\n\n{word}: {unsubscribe_url}"
    return {**content, "html": page, "text": text}
