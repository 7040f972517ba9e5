"""Who may only look on may not ask after personal values either: each yes or no would tell something of one.

Who writes segments may: whom a birthday is near, or who lives in a street, is what audiences are made of.
"""

from collections.abc import Collection, Mapping
from typing import Any

from libs.common.db import Tx
from libs.common.errors import FieldError, Forbidden
from libs.common.personal import is_personal
from libs.common.runtime import Runtime
from services.segment.domain.definition import Definition
from services.segment.domain.fault import Fault
from services.segment.store import known_names

RIGHT, OR_RIGHT = "personal:read", "segments:write"
CODE = "personal"


async def personal_traits(
    tx: Tx, *, workspace_id: int, names: Collection[str], overrides: Mapping[str, bool], of_accounts: bool = False
) -> set[str]:
    """Return those of the traits (of persons, or of accounts) that are personal, by name or as one of them ever was."""
    kind: known_names.Kind = "personal_account_trait" if of_accounts else "personal_trait"
    ever = set(names) - await known_names.unknown(tx, workspace_id, kind, names)
    return ever | {name for name in names if is_personal(name, "trait", overrides)}


async def _list_personal(
    tx: Tx, runtime: Runtime[Any], *, workspace_id: int, definition: Definition
) -> tuple[Fault, ...]:
    """Return, in order, the conditions that tell something of a personal value, each with its pointer.

    Whether there is a value at all tells nothing of it; for a segment that is referred to whoever made it live answers.
    """
    told = [(leaf.pointer + beside, of) for leaf in definition.leaves() for beside, of in leaf.condition.tells()]
    overrides = runtime.personal_names(workspace_id)
    hidden = {
        of_accounts: await personal_traits(
            tx,
            workspace_id=workspace_id,
            names={of.path[0] for _, of in told if of.of_account == of_accounts},
            overrides=overrides,
            of_accounts=of_accounts,
        )
        for of_accounts in (False, True)
    }
    return tuple(
        Fault(
            pointer,
            f"{of.path[0]!r} is personal: to ask what it is needs the right {RIGHT} or {OR_RIGHT}; `exists` and"
            " `missing` do not, nor does `in_segment` of a live segment",
        )
        for pointer, of in told
        if of.path[0] in hidden[of.of_account] or any(is_personal(step, "trait", overrides) for step in of.path[1:])
    )


async def guard_personal(runtime: Runtime[Any], *, workspace_id: int, definition: Definition, may_ask: bool) -> None:
    """Raise Forbidden with a pointer to each condition that tells something of a personal value, unless `may_ask`."""
    if may_ask:
        return
    async with runtime.database.transaction(workspace_id) as tx:
        found = await _list_personal(tx, runtime, workspace_id=workspace_id, definition=definition)
    if found:
        raise Forbidden(
            f"conditions about personal values need the right {RIGHT} or {OR_RIGHT}",
            errors=[FieldError(fault.pointer, fault.detail, CODE) for fault in found],
        )
