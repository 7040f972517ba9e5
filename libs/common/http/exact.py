"""Bodies and answers whose numbers stay exact: neither the framework's parser nor its encoder keeps decimals."""

import json
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any, NoReturn

import msgspec
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

MOST_EXPONENT = 1_000
"""Beyond, below and above, a number of a body is what a float is of it: infinite, or 0."""
_encoder = msgspec.json.Encoder(decimal_format="number")


def exact(model: BaseModel, status: int = 200) -> Response:
    """Return a model as JSON; `msgspec.Raw` and Decimal values go out digit for digit."""
    return Response(_encoder.encode(model.model_dump()), status, media_type="application/json")


class ExactRoute(APIRoute):
    """A route whose body is read with exact numbers: Decimal (to 10^±1000) where the framework would make a float."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the framework's handler, given a request that reads exactly."""
        handle = super().get_route_handler()

        async def exactly(request: Request) -> Response:
            return await handle(_ExactRequest(request.scope, request.receive))

        return exactly


class _ExactRequest(Request):
    async def json(self) -> Any:
        """Return the body; raises JSONDecodeError, which the framework answers as a body that is no JSON."""
        body = await self.body()
        return json.loads(body, parse_float=_decimal, parse_int=_integer, parse_constant=_no_number)


def _decimal(text: str) -> Decimal | float:
    try:
        number = Decimal(text)
    except ArithmeticError:
        _no_number(text)
    # whoever makes a whole number of 1e999999999 fills the memory: it is as infinite as the framework would have it
    return number if abs(number.adjusted()) <= MOST_EXPONENT else float(text)


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise json.JSONDecodeError(f"{text[:20]} is no number that can be read", text, 0)
