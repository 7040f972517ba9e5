"""The oracle of consent: the ledger read as plainly as it can be said."""

from typing import Any

from tests.segment.oracle_of_persons import Person, When, Word


def allows(asked: dict[str, Any], person: Person, when: When) -> bool:
    """Return whether a person allows contact: any "no" of any identifier that stands, else any "yes", else silence."""
    question = (asked["purpose"], asked["channel"], asked.get("topic", ""))
    answers = [_of_identifier(words, question, when) for words in person.consents.values()]
    if False in answers:
        return False
    if True in answers:
        return True
    purpose, channel, _ = question
    return when.opt_out.get((purpose, channel), when.opt_out.get((purpose, "*"), False))


def _of_identifier(words: list[Word], question: tuple[str, str, str], when: When) -> bool | None:
    """Return yes, no or nothing: a "no" stands until a later "yes" about the same or less."""
    heard = [word for word in words if _covers(word.scope, question)]
    yeses = [word for word in heard if word.yes and (word.expires is None or when.now < word.expires)]
    for no in heard:
        if not no.yes and not any(yes.at > no.at and _covers(no.scope, yes.scope) for yes in yeses):
            return False
    return True if yeses else None


def _covers(scope: tuple[str, str, str], other: tuple[str, str, str]) -> bool:
    everything = ("*", "*", "")
    return all(mine in (whole, theirs) for mine, theirs, whole in zip(scope, other, everything, strict=True))
