"""Every tag a person has, as it was last said."""

from typing import Any

from libs.common.contracts.profile.tag_changed import TagChanged
from libs.common.db import Tx
from libs.common.http.pages import decode_cursor, encode_cursor
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of
from libs.common.runtime import Runtime
from services.profile.store.tag_facts import views_from
from services.profile.usecases.say_tags import tag_said


async def _part(tx: Tx, _runtime: Runtime[Any], workspace_id: int, after: str | None, limit: int) -> Part:
    position = decode_cursor(after, tuple[int, str]) or (0, "")
    found = await views_from(tx, workspace_id, after=position, limit=limit)
    events = [tag_said(key, kept.held, kept.version, received_at=kept.held.computed_at) for key, kept in found]
    following = encode_cursor(found[-1][0].person_no, found[-1][0].tag) if len(found) == limit else None
    return Part(lines_of(events), following)


telling = Telling(TagChanged, _part)
