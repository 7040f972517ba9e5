"""May these persons be written to, and where: answered from the ledger itself at the moment of asking."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx
from libs.common.personal import Sealer
from services.profile.domain.consent import ANY, ConsentState, Scope, Verdict, is_opt_out, verdict_of_person
from services.profile.domain.contact import ContactPoint, point_for
from services.profile.domain.keys import PersonKey
from services.profile.domain.values import Json, parse_json
from services.profile.store import consents, persons, subjects, trait_views
from services.profile.store.persons import PersonRow
from services.profile.store.trait_views import TraitView
from services.profile.usecases.read_person import read_shared_contact_points


class Question(NamedTuple):
    """May this person be written to on this channel for this purpose (and topic)."""

    person_no: int
    scope: Scope


class Reach(NamedTuple):
    """The answer.

    `state` is granted where the workspace declared an opt-out and nothing was said; `by` is the level that decided:
    topic, channel, purpose, workspace, opt_out, or None where nobody said anything. The address is in clear, and None
    where the only one is `taken` by somebody else; `shared_with` counts the other persons who have it.
    """

    person_no: int
    person_id: UUID | None
    scope: Scope
    state: ConsentState
    by: str | None
    statement_id: UUID | None
    address: str | None
    contact_state: str | None
    shared_with: int
    timezone: str | None
    locale: str | None
    traits: Mapping[str, Json]


class _Known(NamedTuple):
    """What was read for all questions at once, by canonical number."""

    rows: Mapping[int, PersonRow]
    ledger: Mapping[PersonKey, consents.ByIdentifier]
    points: Mapping[int, list[ContactPoint]]
    localities: Mapping[int, tuple[str | None, str | None]]
    views: Mapping[int, Mapping[str, TraitView]]
    defaults: Mapping[tuple[str, str], bool]


async def answer_reachability(
    tx: Tx, workspace_id: int, questions: Sequence[Question], *, traits: Collection[str], sealer: Sealer, now: datetime
) -> list[Reach]:
    """Return an answer to each question, in order; an unknown or erased person is unknown and has no address."""
    rows = await persons.resolve_persons(tx, workspace_id, {question.person_no for question in questions})
    rows = {number: row for number, row in rows.items() if row.state == "active"}
    numbers = sorted({row.canonical_no for row in rows.values()})
    named = {*traits, *_LOCAL_TRAITS}
    known = _Known(
        rows=rows,
        ledger=await consents.consents_of_persons(tx, [PersonKey(workspace_id, number) for number in numbers]),
        points=await read_shared_contact_points(tx, workspace_id, numbers),
        localities=await subjects.localities_of_persons(tx, workspace_id, numbers),
        views=await trait_views.views_of_persons(tx, workspace_id, numbers, sealer, traits=named),
        defaults=await consents.load_defaults(tx, workspace_id),
    )
    return [_answer(workspace_id, question, known, set(traits), sealer, now) for question in questions]


_LOCAL_TRAITS = ("timezone", "locale", "language")


def _answer(
    workspace_id: int, question: Question, known: _Known, wanted: set[str], sealer: Sealer, now: datetime
) -> Reach:
    row = known.rows.get(question.person_no)
    if row is None:
        return Reach(question.person_no, None, question.scope, "unknown", None, None, None, None, 0, None, None, {})
    number = row.canonical_no
    lines = known.ledger.get(PersonKey(workspace_id, number), {})
    state, by, statement_id = _consent(verdict_of_person(lines, question.scope, now), question.scope, known)
    point = point_for(known.points.get(number, []), question.scope.channel)
    values = {
        name: parse_json(view.view.value)
        for name, view in known.views.get(number, {}).items()
        if view.view.value is not None
    }
    zone, language = known.localities.get(number, (None, None))
    return Reach(
        person_no=question.person_no,
        person_id=row.person_id,
        scope=question.scope,
        state=state,
        by=by,
        statement_id=statement_id,
        address=sealer.open(point.address.sealed).decode() if point and point.state != "taken" else None,
        contact_state=_contact_state(point) if point else None,
        shared_with=point.shared_with if point else 0,
        timezone=_text(values.get("timezone")) or zone,
        locale=_text(values.get("locale")) or _text(values.get("language")) or language,
        traits={name: value for name, value in values.items() if name in wanted},
    )


def _consent(verdict: Verdict, scope: Scope, known: _Known) -> tuple[ConsentState, str | None, UUID | None]:
    if verdict.by is not None:
        return verdict.state, _level(verdict.by.scope), verdict.by.statement_id
    if is_opt_out(scope, known.defaults):
        return "granted", "opt_out", None
    return "unknown", None, None


def _level(scope: Scope) -> str:
    if scope.topic:
        return "topic"
    if scope.channel != ANY:
        return "channel"
    return "purpose" if scope.purpose != ANY else "workspace"


def _contact_state(point: ContactPoint) -> str:
    """The ledger says whether an unsubscription still stands; a later grant may have lifted it."""
    if point.state == "unsubscribed":
        return "verified" if point.address.verified_at is not None else "declared"
    return point.state


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
