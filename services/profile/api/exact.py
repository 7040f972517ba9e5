"""Bodies as profile reads them: numbers exact, and as text where they are longer than it keeps."""

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from libs.common.errors import FieldError, Invalid, Malformed
from services.profile.domain.values import parse_json

M = TypeVar("M", bound=BaseModel)


async def exact_body(request: Request, kind: type[M]) -> M:
    """Return the request's body as a model whose free values hold exact numbers; raises Malformed or Invalid."""
    try:
        parsed = parse_json(await request.body())
    except (ValueError, UnicodeDecodeError) as error:
        raise Malformed(f"the body is not JSON: {error}") from error
    try:
        return kind.model_validate(parsed)
    except ValidationError as error:
        found = [
            FieldError(pointer="".join(f"/{_token(part)}" for part in e["loc"]), detail=e["msg"], code=e["type"])
            for e in error.errors()
        ]
        raise Invalid(f"{found[0].pointer or 'the body'}: {found[0].detail}", errors=found) from error


def body_schema(kind: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI part of a route that reads its body by `exact_body`."""
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _inlined(schema)}}}}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Put the definitions a schema refers to where they are referred to."""
    definitions: Mapping[str, Any] = schema.pop("$defs", {})

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        name = str(node.get("$ref", "")).rsplit("/", 1)[-1]
        return walk(definitions[name]) if name in definitions else {key: walk(value) for key, value in node.items()}

    inlined: dict[str, Any] = walk(schema)
    return inlined


def _token(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
