"""The OpenAPI 3.1 document, made from the table of doors and the records that they speak."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec
from jupyter_server.auth.decorator import authorized
from msgspec import Struct
from tornado import web

from jupyter_flows.core.model import Json
from jupyter_flows.web.doors import ApiDoor

if TYPE_CHECKING:
    from jupyter_flows.web.route import Route

_SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "login": [{"login": []}],
    "kernel": [{"login": []}, {"kernel": []}],
    "link": [],
    "peer": [{"peer": []}],
}

_SCHEMES: Json = {
    "login": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "token …"},
    "kernel": {"type": "http", "scheme": "bearer", "description": "A run's own kernel"},
    "peer": {"type": "http", "scheme": "bearer", "description": "A process of the same user"},
}


class MistakeBody(Struct):
    where: str
    message: str


class Problem(Struct, omit_defaults=True):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[MistakeBody] = []


def document(routes: "Sequence[Route]", base: str) -> dict[str, Json]:
    """The whole document; `base` is the address of the doors."""
    records = {t for r in routes for t in (r.body, *r.answers.values()) if t is not None}
    ordered = sorted({*records, Problem}, key=_name_of)
    schemas, components = msgspec.json.schema_components(
        ordered, ref_template="#/components/schemas/{name}"
    )
    references = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Json]] = {}
    for route in routes:
        if route.access == "peer":
            continue
        operation = _operation(route, references)
        paths.setdefault(f"/{route.path.replace('+}', '}')}", {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter_flows", "version": version("jupyter-flows")},
        "servers": [{"url": base}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


def _name_of(record: Any) -> tuple[str, str]:
    """Of a record, or of a plain type of JSON; also of two that bear one name."""
    return str(getattr(record, "__name__", "")), repr(record)


def _operation(route: "Route", references: dict[Any, Json]) -> dict[str, Json]:
    operation: dict[str, Json] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "security": _SECURITY[route.access],
        "parameters": _parameters(route),
        "responses": _responses(route, references),
    }
    if route.body is not None:
        content = {"application/json": {"schema": references[route.body]}}
        operation["requestBody"] = {"content": content}
    return operation


def _operation_id(route: "Route") -> str:
    return "_".join(re.findall(r"\w+", f"{route.method.lower()} {route.path}"))


def _parameters(route: "Route") -> list[Json]:
    text = {"schema": {"type": "string"}}
    in_path = re.findall(r"\{(\w+)\+?\}", route.path)
    return [
        *({"name": name, "in": "path", "required": True, **text} for name in in_path),
        *({"name": name, "in": "query", **text} for name in route.query),
    ]


def _responses(route: "Route", references: dict[Any, Json]) -> dict[str, Json]:
    responses: dict[str, Json] = {}
    for status, record in route.answers.items():
        answer: dict[str, Json] = {"description": HTTPStatus(status).phrase}
        if record is not None:
            answer["content"] = {"application/json": {"schema": references[record]}}
        responses[str(status)] = answer
    problem = {"application/problem+json": {"schema": references[Problem]}}
    return {**responses, "default": {"description": "A problem", "content": problem}}


class OpenApiDoor(ApiDoor):
    def initialize(self, routes: "Sequence[Route]", **kwargs: Any) -> None:  # type: ignore[override]
        super().initialize(**kwargs)
        self.routes = routes

    @web.authenticated
    @authorized
    async def get(self) -> None:
        self.answer(document(self.routes, self.doors.public_url()))
