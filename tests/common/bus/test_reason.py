from typing import Annotated

import asyncpg
import pytest
from pydantic import BaseModel, Field, ValidationError

from libs.common.bus.reason import reason_of
from libs.common.db import statement

CANARY = "canary@secret-mail.example"
KEYS = """
insert into idempotency_key (workspace_id, route, key, body_hash) values (1, 'r', :key, 'x'), (1, 'r', :key, 'x')
"""


class Row(BaseModel):
    address: Annotated[str, Field(max_length=3)]


async def refused(database, sql, **parameters):
    with pytest.raises(asyncpg.PostgresError) as caught:
        async with database.worker.transaction(1) as tx:
            await tx.execute(statement(sql), **parameters)
    return caught.value


async def test_a_reason_never_quotes_the_value_a_database_refused(database_of):
    database = await database_of("sample")
    for error, said in (
        (await refused(database, "select :n::int", n=CANARY), "invalid input for query argument $1"),
        (await refused(database, "select (:n::text)::int", n=CANARY), "invalid input syntax for type integer"),
        (await refused(database, KEYS, key=CANARY), "violates unique constraint"),
    ):
        assert CANARY not in reason_of(error)
        assert said in reason_of(error)
        assert reason_of(error).startswith(type(error).__name__)


def test_a_reason_names_the_field_but_not_what_was_in_it():
    with pytest.raises(ValidationError) as caught:
        Row(address=CANARY)
    assert reason_of(caught.value) == "ValidationError: address: String should have at most 3 characters"


def test_other_errors_say_what_they_say():
    assert reason_of(RuntimeError("a\0b" * 2000)).startswith("RuntimeError: abab")
    assert len(reason_of(RuntimeError("x" * 9000))) == 2000


def test_a_reason_never_quotes_the_key_that_was_not_there():
    with pytest.raises(KeyError) as caught:
        {}[7, CANARY]
    assert reason_of(caught.value) == "KeyError: what was looked for is not there"
