"""Which events of the collector speak about consent."""

from datetime import datetime
from typing import NamedTuple

from services.profile.domain.consent import ANY, ConsentWord, Scope
from services.profile.domain.values import Json, clean_text, is_storable_instant

WORD_BY_EVENT: dict[str, ConsentWord] = {
    "Consent Granted": "granted",
    "Consent Denied": "denied",
    "Consent Withdrawn": "withdrawn",
    "Subscribed": "granted",
    "Unsubscribed": "withdrawn",
}
PREFERENCES_EVENT = "Segment Consent Preference Updated"
"""The name the Segment SDKs' consent wrappers send; the choices lie in `context.consent.categoryPreferences`."""
DEFAULT_PURPOSE = "marketing"
NAME_LENGTH = 100


class ConsentSaid(NamedTuple):
    """One statement of an event, with the text it was given to."""

    scope: Scope
    state: ConsentWord
    expires_at: datetime | None = None
    text_version: str = ""
    legal_basis: str = ""


def read_consents(name: str, properties: dict[str, Json], context: dict[str, Json]) -> list[ConsentSaid]:
    """Return what a track event says about consent; nothing when it is about something else."""
    word = WORD_BY_EVENT.get(name)
    if word is not None:
        scope = Scope(
            _word(properties.get("purpose")) or DEFAULT_PURPOSE,
            _word(properties.get("channel")) or ANY,
            _word(properties.get("topic")),
        )
        return [
            ConsentSaid(
                scope,
                word,
                _instant(properties.get("expires_at")),
                _word(properties.get("text_version")),
                _word(properties.get("legal_basis")),
            )
        ]
    if name != PREFERENCES_EVENT:
        return []
    consent = context.get("consent")
    choices = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    return [
        ConsentSaid(Scope(_word(category), ANY), "granted" if allowed else "withdrawn")
        for category, allowed in (choices.items() if isinstance(choices, dict) else ())
        if isinstance(allowed, bool) and _word(category)
    ]


def _word(value: Json) -> str:
    return clean_text(value).strip()[:NAME_LENGTH] if isinstance(value, str) else ""


def _instant(value: Json) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant if is_storable_instant(instant) else None
