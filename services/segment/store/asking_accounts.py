"""Questions about the accounts persons belong to: links from group calls, which follow their owners, beside traits."""

from collections.abc import Sequence

from services.segment.domain.binding import Binder
from services.segment.domain.condition import Question
from services.segment.domain.values import ACCOUNT_PROPERTY, GROUP_EVENT


def accounts(
    bind: Binder,
    asked: Sequence[Question],
    columns: str,
    *,
    workspace: str,
    person: str,
    stored_under: Sequence[int] | None,
    persons: Sequence[int] | None,
) -> str:
    """Return the select of (person_no, `columns`): a row per person that belongs to some account.

    `person` is the present owner of an event. A link counts from when it is told, whatever its time.
    """
    account = f"property_text[{bind.text(ACCOUNT_PROPERTY)}]"
    where = [f"workspace_id = {workspace}", f"name = {bind.text(GROUP_EVENT)}", f"{account} != ''"]
    if stored_under is not None:
        where.append(f"person_no in {bind.wholes(stored_under)}")
    whose = f" where person in {bind.wholes(persons)}" if persons is not None else ""
    links = (
        f"select distinct person, account from (select {person} as person, {account} as account"
        f" from event where {' and '.join(where)}){whose}"
    )
    tests = {name: sql for question in asked for name, sql in question.tests}
    told = ", ".join(f"{sql} as {name}" for name, sql in tests.items())
    names = bind.texts(sorted({name for question in asked for name in question.names}))
    traits = (
        f"select account, {told} from account_trait final"
        f" where workspace_id = {workspace} and name in {names} group by account"
    )
    return (
        f"select person as person_no, {columns} from ({links}) as link left join ({traits}) as told"
        " on link.account = told.account group by person"
    )
