"""From a decision to a message: which template text, with which values, and the links that lead back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.messaging.domain.links import Link, Sign, with_pixel, wrap_links, write_token
from services.messaging.domain.template import Content, Part, Template, assemble, languages, parts_for, with_defaults


@dataclass(frozen=True, slots=True)
class Composition:
    """What is rendered for one message."""

    language: str
    parts: tuple[Part, ...]
    data: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Links:
    """Writes the addresses in one message that lead back to this service."""

    base_url: str
    workspace_id: int
    intent_id: UUID
    channel: str
    sign: Sign = field(repr=False)

    def _token(self, kind: Any, url: str = "") -> str:
        return write_token(Link(self.workspace_id, self.intent_id, kind, self.channel, url), self.sign)

    @property
    def unsubscribe(self) -> str:
        """Return where the person ends this kind of message."""
        return f"{self.base_url}/v1/messaging/u/{self._token('unsubscribe')}"

    def click(self, url: str) -> str:
        """Return the followed form of a link."""
        return f"{self.base_url}/v1/messaging/c/{self._token('click', url)}"

    @property
    def pixel(self) -> str:
        """Return the image that tells when the message is shown."""
        return f"{self.base_url}/v1/messaging/o/{self._token('open')}"


def inline_template(content: Mapping[str, Any]) -> Template:
    """Return the template of a message that brought its own content."""
    fields = {name: value for name, value in content.items() if name in Content.__struct_fields__}
    return Template(contents={"en": Content(**fields)})


def compose(
    template: Template,
    *,
    channel: str,
    locale: str | None,
    traits: Mapping[str, object],
    context: Mapping[str, Any],
    unsubscribe_url: str,
    now: datetime,
) -> Composition:
    """Choose the language and the parts, and lay out the values a template may use."""
    language = languages(locale, template)[0]
    data = {
        **context,
        "person": dict(traits),
        "unsubscribe_url": unsubscribe_url,
        "now": now.isoformat(),
        "language": language,
        "channel": channel,
    }
    return Composition(
        language, parts_for(template.contents[language], channel), with_defaults(data, template.defaults)
    )


def finish(
    rendered: Mapping[str, str], composition: Composition, *, links: Links, tracks_links: bool, can_unsubscribe: bool
) -> dict[str, str]:
    """Return the content to hand over: assembled, unsubscribable, its links followed."""
    unsubscribe = links.unsubscribe
    content = assemble(
        rendered,
        language=composition.language,
        unsubscribe_url=unsubscribe,
        is_mail=tracks_links,
        with_footer=can_unsubscribe,
    )
    if tracks_links:
        wrap: Callable[[str], str] = links.click
        content["html"] = with_pixel(wrap_links(content["html"], wrap, frozenset({unsubscribe})), links.pixel)
    return content
