"""Between claim and decision, without a transaction: judge each intent, lay out its content, finish the rendered."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from libs.common.personal import Sealer, merge_personal
from services.messaging.domain.channel import Channel, Outgoing
from services.messaging.domain.compose import Composition, Links, compose, finish, inline_template
from services.messaging.domain.gate import Reach, judge
from services.messaging.domain.intent import Drop, Intent, Take
from services.messaging.domain.links import LINK_NAMESPACE
from services.messaging.domain.message_id import message_id
from services.messaging.domain.policy import Sender
from services.messaging.domain.template import Rendering, Template, traits_used
from services.messaging.domain.zones import zone_or
from services.messaging.store.intents import StoredIntent
from services.messaging.store.suppressions import ADDRESS_NAMESPACE
from services.messaging.usecases.claim_intents import Work
from services.messaging.usecases.prepared import Prepared

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Surroundings:
    """What drafting needs of the service."""

    channels: Mapping[str, Channel]
    sealer: Sealer
    base_url: str
    default_sender: str


@dataclass(frozen=True)
class Draft:
    """An intent after the gate's first half; with a composition when it may go and has content."""

    prepared: Prepared
    composition: Composition | None = None
    links: Links | None = None


def template_of(work: Work, stored: StoredIntent, sealer: Sealer) -> tuple[Template, int | None] | None:
    """Return the template of an intent and its version, None when it does not exist (any more)."""
    if stored.content is not None:
        return inline_template(sealer.open_json(stored.content)), None
    found = work.templates.get(stored.template_id) or work.templates.get(stored.template_key)
    return (found.template, found.version) if found is not None else None


def traits_wanted(work: Work, sealer: Sealer) -> list[str]:
    """Return the traits that the templates of this work mention."""
    known = [template_of(work, stored, sealer) for _, stored in work.claims if stored.state != "dropped"]
    return sorted({name for found in known if found is not None for name in traits_used(found[0])})


def address_lookup(sealer: Sealer, address: str) -> bytes:
    """Return the keyed hash under which an address is suppressed and shared."""
    return sealer.lookup(ADDRESS_NAMESPACE, address.strip().lower().encode())


def unsubscribable(intent: Intent) -> bool:
    """Return whether the person can refuse such messages."""
    return intent.message_class != "transactional"


def draft_messages(work: Work, reach: Sequence[Mapping[str, Reach]], around: Surroundings) -> list[Draft]:
    """Judge each claimed intent by profile's answers (in the order of the claims) and lay out what may go."""
    capabilities = {name: channel.capabilities for name, channel in around.channels.items()}
    drafts = []
    for (claim, stored), answers in zip(work.claims, reach, strict=True):
        withdrawals = work.withdrawals.get(stored.intent.person_no, set())
        verdict = judge(stored.intent, answers, capabilities, work.policy, work.now, withdrawals)
        zone = zone_or(next((r.timezone for r in answers.values() if r.timezone), None), work.policy.zone)
        prepared = Prepared(claim, stored, verdict, zone)
        drafts.append(_safely(prepared, answers, work, around) if isinstance(verdict, Take) else Draft(prepared))
    return drafts


def _safely(prepared: Prepared, answers: Mapping[str, Reach], work: Work, around: Surroundings) -> Draft:
    try:
        return _draft(prepared, answers, work, around)
    except Exception as error:  # noqa: BLE001 - a seal that does not open, a context nobody foresaw: the others go on
        # Without the trace: what it says may be personal.
        why = {"intent": str(prepared.intent.intent_id), "why": type(error).__name__}
        log.error("a message cannot be laid out", extra=why)
        drop = Drop("content", {"kind": "broken"}, prepared.verdict.channel)
        return Draft(replace(prepared, verdict=drop))


def _draft(prepared: Prepared, answers: Mapping[str, Reach], work: Work, around: Surroundings) -> Draft:
    stored, channel = prepared.stored, prepared.verdict.channel
    found = template_of(work, stored, around.sealer)
    if found is None:
        missing = {
            "template": str(stored.template_id or stored.template_key or ""),
            "detail": "there is no such template",
        }
        return Draft(replace(prepared, verdict=Drop("content", dict(missing), channel)))
    template, version = found
    answer = answers.get(channel, Reach())
    links = Links(
        around.base_url, work.workspace_id, stored.intent.intent_id, channel,
        sign=lambda payload: around.sealer.lookup(LINK_NAMESPACE, payload),
    )  # fmt: skip
    composition = compose(
        template,
        channel=channel,
        locale=answer.locale,
        traits=answer.traits,
        context=_context(stored, around.sealer),
        unsubscribe_url=links.unsubscribe,
        now=work.now,
    )
    address = answer.address if around.channels[channel].capabilities.needs_address else None
    domain = _sender(work, around).address.rpartition("@")[2] or "localhost"
    ready = replace(
        prepared,
        message_id=message_id(stored.intent.intent_id, channel, domain),
        address=address or "",
        address_lookup=address_lookup(around.sealer, address) if address else None,
        language=composition.language,
        template_version=version,
    )
    return Draft(ready, composition, links)


def _context(stored: StoredIntent, sealer: Sealer) -> dict[str, Any]:
    personal = sealer.open_json(stored.sealed) if stored.sealed else {}
    return merge_personal(stored.context, personal if isinstance(personal, dict) else {})


def _sender(work: Work, around: Surroundings) -> Sender:
    sender = work.policy.sender
    return sender if sender.address else Sender(around.default_sender, sender.name, sender.reply_to)


def finish_message(draft: Draft, rendering: Rendering, work: Work, around: Surroundings) -> Prepared:
    """Return the message with its content, or dropped for it: a placeholder is never printed."""
    prepared, channel = draft.prepared, draft.prepared.verdict.channel
    if draft.composition is None or draft.links is None:
        return prepared
    if rendering.problem_kind:
        values: dict[str, object] = {"part": rendering.problem_part, "kind": rendering.problem_kind}
        if rendering.problem_kind != "limit":
            values["detail"] = rendering.problem
        return replace(prepared, verdict=Drop("content", values, channel))
    content = finish(
        rendering.parts,
        draft.composition,
        links=draft.links,
        tracks_links=around.channels[channel].capabilities.tracks_links,
        can_unsubscribe=unsubscribable(prepared.intent),
    )
    ready = replace(prepared, content=content)
    refused = around.channels[channel].validate(outgoing(ready, work, around))
    if refused is not None:
        return replace(ready, verdict=Drop(refused.error.value.lower(), {"detail": refused.raw}, channel))
    return ready


def outgoing(prepared: Prepared, work: Work, around: Surroundings) -> Outgoing:
    """Return what the channel gets."""
    intent, channel = prepared.intent, prepared.verdict.channel
    links = Links(
        around.base_url, work.workspace_id, intent.intent_id, channel,
        sign=lambda payload: around.sealer.lookup(LINK_NAMESPACE, payload),
    )  # fmt: skip
    return Outgoing(
        workspace_id=work.workspace_id,
        intent_id=intent.intent_id,
        message_id=prepared.message_id,
        person_no=intent.person_no,
        address=prepared.address,
        content=prepared.content,
        at=work.now,
        sender=_sender(work, around),
        unsubscribe_url=links.unsubscribe if unsubscribable(intent) else "",
        expires_at=intent.expires_at,
    )
