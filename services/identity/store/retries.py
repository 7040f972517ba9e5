"""Which failures of a transaction only ask for another try."""

from asyncpg import DeadlockDetectedError, SerializationError


def lost_a_race(error: BaseException) -> bool:
    """Return whether PostgreSQL ended a transaction in favour of another; the same work will do the next time."""
    while error.__cause__ is not None and not isinstance(error, DeadlockDetectedError | SerializationError):
        error = error.__cause__
    return isinstance(error, DeadlockDetectedError | SerializationError)
