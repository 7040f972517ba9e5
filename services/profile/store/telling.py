"""What profile last said of persons, read again in a fixed order."""

from asyncpg import Record

from libs.common.db import Tx, statement

_TRAITS = statement(
    """
    select person_no, trait, value::text as value, sealed, since, received_at, version from trait_view
    where workspace_id = :workspace_id and (person_no, trait) > (:after_no::int, :after_trait::text) and version > 0
    order by person_no, trait limit :row_limit
    """
)
_CONSENTS = statement(
    """
    select person_no, purpose, channel, topic, state, since, until, after, is_named, version from consent_state
    where workspace_id = :workspace_id
      and (person_no, purpose, channel, topic) > (:after_no::int, :purpose::text, :channel::text, :topic::text)
    order by person_no, purpose, channel, topic limit :row_limit
    """
)


async def traits_from(tx: Tx, workspace_id: int, *, after: tuple[int, str], limit: int) -> list[Record]:
    """Return present traits, unset ones included, by (person, name)."""
    return await tx.fetch(_TRAITS, workspace_id=workspace_id, after_no=after[0], after_trait=after[1], row_limit=limit)


async def consents_from(tx: Tx, workspace_id: int, *, after: tuple[int, str, str, str], limit: int) -> list[Record]:
    """Return what was last said of consents, by (person, purpose, channel, topic)."""
    number, purpose, channel, topic = after
    return await tx.fetch(
        _CONSENTS,
        workspace_id=workspace_id,
        after_no=number,
        purpose=purpose,
        channel=channel,
        topic=topic,
        row_limit=limit,
    )
