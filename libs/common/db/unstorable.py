"""Values that no column takes: the giver's fault, found only by the database."""

import asyncpg
from sqlalchemy.exc import DBAPIError

_REFUSED = (
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
    asyncpg.NumericValueOutOfRangeError,
    asyncpg.DatetimeFieldOverflowError,
    asyncpg.IntervalFieldOverflowError,
    asyncpg.StringDataRightTruncationError,
    asyncpg.ProgramLimitExceededError,
)


def is_unstorable(error: BaseException | None) -> bool:
    """Tell whether a statement failed for a value: NUL in a text, a number or date out of range, a key too long."""
    if isinstance(error, DBAPIError):
        return is_unstorable(error.__cause__) or is_unstorable(getattr(error.orig, "__cause__", None))
    # asyncpg's own check of an argument before it is sent has the bare class
    return isinstance(error, _REFUSED) or type(error) is asyncpg.DataError
