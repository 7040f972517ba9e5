"""Every route of all five apps, as the apps describe themselves."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from libs.common.access.model import SCOPES
from libs.common.http.app import access_rule
from libs.common.service import ServiceDefinition, app_of
from tests.fixtures.apps import SERVICES


@dataclass(frozen=True)
class Route:
    """A method and path of a service, and who may call it."""

    service: str
    method: str
    path: str
    rule: str | None
    queries: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Return whether the app itself lets everybody in."""
        return self.rule == "public"

    @property
    def names(self) -> list[str]:
        """Return the names in braces, in order."""
        return [part.strip("{}") for part in self.path.split("/") if part.startswith("{")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def definition_of(service: str) -> ServiceDefinition[Any]:
    """Return what makes a service this one."""
    definition: ServiceDefinition[Any] = importlib.import_module(f"services.{service}.main").definition
    return definition


def _leaves(router: APIRouter, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk a router and those it includes; yield each route with its whole path."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield prefix + route.path, route
        else:
            yield from _leaves(inner, prefix + (route.include_context.prefix or ""))


def _all() -> Iterator[Route]:
    for service in SERVICES:
        app = app_of(definition_of(service))
        for path, route in _leaves(app.router):
            known = isinstance(route, APIRoute)
            queries = tuple(field.alias for field in route.dependant.query_params) if known else ()
            for method in sorted(route.methods):
                yield Route(service, method, path, access_rule(route) if known else None, queries)


DOCUMENTS = frozenset({"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"})
ROUTES = [route for route in _all() if route.path not in DOCUMENTS]
GUARDED = [route for route in ROUTES if not route.is_open]


def scopes_without(scope: str) -> list[str]:
    """Return every scope that does not cover `scope`."""
    noun, _, verb = scope.partition(":")
    covering = {"*", scope} | ({f"{noun}:write"} if verb == "read" else set())
    return sorted(SCOPES - covering)


def filled(route: Route, ids: dict[str, str]) -> str:
    """Return the path with ids put in; a source's key has a name of its own among them."""
    path = route.path
    for name in route.names:
        known = "write_key_id" if name == "key_id" and "/sources/" in path else name
        path = path.replace("{" + name + "}", ids[known], 1)
    return path
