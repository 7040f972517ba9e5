"""Which failures are nobody's fault and pass by themselves."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from libs.common.bus.port import BusUnavailable
from libs.common.errors import TooMany, Unavailable

_PASSING = (
    OSError,
    TimeoutError,
    BusUnavailable,
    Unavailable,
    TooMany,
    PoolTimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)


def is_transient(error: BaseException | None) -> bool:
    """Tell whether the same work may succeed later, unchanged."""
    while error is not None:
        if isinstance(error, _PASSING):
            return True
        if isinstance(error, asyncpg.InterfaceError) and "closed" in str(error):
            return True
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return True
        error = error.__cause__
    return False
