"""Chunks of members are cut smaller: of 4,096 persons instead of 65,536, so that a change writes half a kilobyte."""

from typing import Any

from alembic import op
from pyroaring import BitMap

from libs.common.db.migration import execute

revision = "0006"
down_revision = "0005"

CHUNK_BITS = 12
_SEGMENTS = "select distinct workspace_id, segment_id from segment.membership_chunk"
_MEMBERS = "delete from segment.membership_chunk where workspace_id = $1 and segment_id = $2 returning bitmap"
_CHUNKS = """
insert into segment.membership_chunk (workspace_id, segment_id, chunk, bitmap)
select $1, $2, given.chunk, given.bitmap from unnest($3::int[], $4::bytea[]) as given (chunk, bitmap)
"""


def upgrade() -> None:
    """Cut every segment's members anew; nobody may write them meanwhile."""
    # all workspaces: the owner is bound by their policy where it is forced
    execute(
        "alter table segment.membership_chunk no force row level security",
        "lock table segment.membership_chunk in access exclusive mode",
    )
    dbapi_connection: Any = op.get_bind().connection.dbapi_connection
    dbapi_connection.run_async(_cut_anew)
    execute("alter table segment.membership_chunk force row level security")


async def _cut_anew(driver: Any) -> None:
    for workspace_id, segment_id in await driver.fetch(_SEGMENTS):
        rows = await driver.fetch(_MEMBERS, workspace_id, segment_id)
        members = BitMap.union(*(BitMap.deserialize(row["bitmap"]) for row in rows))
        chunks = chunks_of(members)
        await driver.execute(_CHUNKS, workspace_id, segment_id, list(chunks), list(chunks.values()))


def chunks_of(members: BitMap) -> dict[int, bytes]:
    """Return the serialized chunks by their numbers."""
    chunks = {}
    for chunk in range((members.max() >> CHUNK_BITS) + 1) if members else ():
        part = members & BitMap(range(chunk << CHUNK_BITS, (chunk + 1) << CHUNK_BITS))
        if part:
            chunks[chunk] = part.serialize()
    return chunks
