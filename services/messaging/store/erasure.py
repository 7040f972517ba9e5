"""A person is to be forgotten: every row of his."""

from datetime import datetime

from libs.common.db import Tx, statement
from services.messaging.store.redirects import family_of

# by the side, whoever holds it: an erasure may be heard before the split that parted him, or another from him
_HIS = """
    i.workspace_id = :workspace_id
    and (i.side_no = :person_no or (i.person_no = :person_no and i.side_no is null))
"""
_ERASE_LOOKUPS = statement(f"""
    select distinct h.address_lookup
    from handoff h
    join intent i using (workspace_id, intent_id)
    where h.address_lookup is not null and {_HIS}
""")
_BY_INTENT = (
    "intent_queue", "step", "handoff", "receipt", "address_claim", "reservation", "inbox_message", "withdrawal",
)  # fmt: skip
_ERASE = [
    (
        "withdrawal_queue",
        statement(
            "delete from withdrawal_queue q using withdrawal w, intent i where q.workspace_id = :workspace_id"
            " and w.workspace_id = :workspace_id and q.withdrawal_id = w.withdrawal_id and w.intent_id = i.intent_id"
            f" and {_HIS}"
        ),
    ),
    *(
        (
            table,
            statement(
                f"delete from {table} using intent i where {table}.workspace_id = :workspace_id"
                f" and {table}.intent_id = i.intent_id and {_HIS}"
            ),
        )
        for table in _BY_INTENT
    ),
    ("intent", statement(f"delete from intent i where {_HIS}")),
    # what has outlived its intent
    *(
        (
            table,
            statement(
                f"delete from {table} f where f.workspace_id = :workspace_id and f.person_no = :person_no and not"
                " exists (select from intent i where i.workspace_id = :workspace_id and i.intent_id = f.intent_id)"
            ),
        )
        for table in ("reservation", "inbox_message", "withdrawal")
    ),
]
_ERASE_SAID = statement("""
    delete from said where workspace_id = :workspace_id::int and person_no = any(:person_nos::int[])
""")
_MARK_ERASED = statement("""
    insert into person as p (workspace_id, person_no, erased_at) values (:workspace_id, :person_no, :now)
    on conflict (workspace_id, person_no) do update set erased_at = excluded.erased_at
""")


async def erase_person(
    tx: Tx, workspace_id: int, person_no: int, *, now: datetime
) -> tuple[list[bytes], dict[str, int]]:
    """Delete everything about a person; return the look-ups of his addresses, and how many rows of which table."""
    rows = await tx.fetch(_ERASE_LOOKUPS, workspace_id=workspace_id, person_no=person_no)
    await tx.execute(_MARK_ERASED, workspace_id=workspace_id, person_no=person_no, now=now)
    counts = await forget_person(tx, workspace_id, person_no)
    return [bytes(row["address_lookup"]) for row in rows], counts


async def forget_person(tx: Tx, workspace_id: int, person_no: int) -> dict[str, int]:
    """Delete everything about a person but that he was erased; return how many rows of which table."""
    counts: dict[str, int] = {}
    for table, erase in _ERASE:
        counts[table] = counts.get(table, 0) + await tx.execute(erase, workspace_id=workspace_id, person_no=person_no)
    numbers = sorted(await family_of(tx, workspace_id, [person_no]))
    counts["said"] = await tx.execute(_ERASE_SAID, workspace_id=workspace_id, person_nos=numbers)
    return counts
