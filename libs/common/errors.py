"""What can go wrong, in words for the reader; HTTP numbers appear in libs.common.http.problems only."""

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """One thing wrong in an input; `pointer` is an RFC 6901 JSON pointer into the body (or `query/name`)."""

    pointer: str
    detail: str
    code: str = "invalid"


class Problem(Exception):
    """The request could not be done."""

    def __init__(
        self,
        detail: str,
        *,
        errors: tuple[FieldError, ...] | list[FieldError] = (),
        code: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.code = code
        self.retry_after_seconds = retry_after_seconds

    @property
    def title(self) -> str:
        """Return the class's docstring without its full stop."""
        return (type(self).__doc__ or "").strip().rstrip(".")


class Invalid(Problem):
    """The input does not fit."""

    @classmethod
    def at(cls, pointer: str, detail: str, code: str = "invalid") -> "Invalid":
        """Return the problem of one field."""
        return cls(detail, errors=[FieldError(pointer=pointer, detail=detail, code=code)])


class Malformed(Problem):
    """The request cannot be read."""


class Unauthorized(Problem):
    """No valid key or session came with the request."""


class Forbidden(Problem):
    """The key or role does not allow this."""


class NotFound(Problem):
    """There is no such thing in this workspace."""


class Gone(Problem):
    """It existed and was erased."""


class Conflict(Problem):
    """The present state does not allow this."""


class PayloadTooLarge(Problem):
    """The body is larger than the limit."""


class UnsupportedMedia(Problem):
    """The body's type or encoding is not understood."""


class TooMany(Problem):
    """Too many requests; try again later."""


class Unavailable(Problem):
    """A part this needs is away; try again later."""
