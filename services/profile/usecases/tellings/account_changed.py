"""Every trait an account has, or had and lost, as it was last said."""

from typing import Any

from libs.common.contracts.profile.account_changed import AccountChanged
from libs.common.db import Tx
from libs.common.http.pages import decode_cursor
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of, part_of
from libs.common.runtime import Runtime
from services.profile.store.accounts import view_of, views_from
from services.profile.usecases.say_account import account_changed


async def _part(tx: Tx, _runtime: Runtime[Any], workspace_id: int, after: str | None, limit: int) -> Part:
    position = decode_cursor(after, tuple[str, str]) or ("", "")
    rows = await views_from(tx, workspace_id, after=position, limit=limit)
    return part_of(lines_of([account_changed(view_of(row)) for row in rows]), rows, limit, ("account", "trait"))


telling = Telling(AccountChanged, _part)
