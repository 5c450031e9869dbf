"""The OpenAPI 3.1 document, made from the table of doors and the records that they speak."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_flows.core.model import Json
from jupyter_flows.core.windmill import WORKSPACE
from jupyter_flows.web.declared import HTML, Content, Media, Problem, Value
from jupyter_flows.web.doors import ApiDoor
from jupyter_flows.web.links import HtmlErrors
from jupyter_flows.web.route import MOST_REST, MOST_SEGMENT, SEGMENT, Route

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

_TAGS: Mapping[str, str] = {
    "flows": "Runs, gates, links, schedules and flows",
    "workflow runs": "Flows that are started by name, and what their runs wait for",
    "windmill": "What the client package `wmill` asks for",
    "pages": "Links to approvals, and their pages",
}
_BEGINNINGS = {
    "v1/": "workflow runs",
    "api/w/": "windmill",
    "api/version": "windmill",
    "api/users/": "windmill",
    "api/teams/": "windmill",
    "api/": "flows",
    "openapi.json": "flows",
    "": "pages",
}
"""The tag by how a path begins; the first that fits counts."""

_PROBLEM = Media("application/problem+json", {"$ref": "#/components/schemas/Problem"})


def document(routes: Sequence[Route], base: str) -> dict[str, Json]:
    """The whole document; `base` is the address of the doors."""
    public = [route for route in routes if route.access != "peer"]
    contents = {content for r in public for content in (r.body, *r.answers.values())}
    records = {each for each in contents if each is not None and not isinstance(each, Media)}
    ordered = sorted({*records, Problem}, key=_name_of)
    schemas, components = msgspec.json.schema_components(
        ordered, ref_template="#/components/schemas/{name}"
    )
    references = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Json]] = {}
    for route in public:
        operation = _operation(route, public, references)
        paths.setdefault(f"/{route.path.replace('+}', '}')}", {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter_flows", "version": version("jupyter-flows")},
        "servers": [{"url": base}],
        "tags": [{"name": name, "description": said} for name, said in _TAGS.items()],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


def _name_of(record: Any) -> tuple[str, str]:
    """Of a record, or of a plain type of JSON; also of two that bear one name."""
    return str(getattr(record, "__name__", "")), repr(record)


def _tag(route: Route) -> str:
    return next(tag for begins, tag in _BEGINNINGS.items() if route.path.startswith(begins))


def _operation(
    route: Route, routes: Sequence[Route], references: Mapping[Any, Json]
) -> dict[str, Json]:
    operation: dict[str, Json] = {
        "operationId": route.name,
        "tags": [_tag(route)],
        "summary": route.summary,
        "security": _SECURITY[route.access],
        "parameters": _parameters(route),
        "responses": _responses(route, routes, references),
    }
    if route.body is not None:
        operation["requestBody"] = {
            "content": _content(route.body, references),
            "required": _has_needed(route.body),
        }
    return operation


def _has_needed(body: Content) -> bool:
    """Whether an empty body, which counts as an empty object, leaves something out."""
    if isinstance(body, type) and issubclass(body, msgspec.Struct):
        return any(field.required for field in msgspec.structs.fields(body))
    return False


def _parameters(route: Route) -> list[Json]:
    return [
        *(_in_path(*part) for part in route.parts.items()),
        *(_parameter(value, "query") for value in route.query),
        *(_parameter(value, "header") for value in route.headers),
    ]


def _in_path(name: str, with_slashes: bool) -> Json:
    schema: dict[str, Json] = {"type": "string", "minLength": 1}
    if name == "workspace":
        schema = {"type": "string", "enum": [WORKSPACE]}
    elif with_slashes:
        schema |= {"maxLength": MOST_REST}
    else:
        schema |= {"maxLength": MOST_SEGMENT, "pattern": f"^{SEGMENT}+$"}
    return _parameter(Value(name, schema, required=True), "path")


def _parameter(said: str | Value, place: str) -> Json:
    value = Value(said) if isinstance(said, str) else said
    found = {"name": value.name, "in": place, "schema": value.schema}
    return {**found, "required": True} if value.required else found


def _responses(
    route: Route, routes: Sequence[Route], references: Mapping[Any, Json]
) -> dict[str, Json]:
    responses: dict[str, Json] = {}
    for status, content in route.answers.items():
        answer: dict[str, Json] = {"description": HTTPStatus(status).phrase}
        if content is not None:
            answer["content"] = _content(content, references)
        if status < HTTPStatus.BAD_REQUEST and route.gives:
            answer["links"] = _links(route, routes)
        responses[str(status)] = answer
    pages = _content(HTML, references) if issubclass(route.door, HtmlErrors) else {}
    problem = {**_content(_PROBLEM, references), **pages}
    return {**responses, "default": {"description": "A problem", "content": problem}}


def _content(content: Content, references: Mapping[Any, Json]) -> dict[str, Json]:
    if isinstance(content, Media):
        return {content.type: {"schema": content.schema}}
    kind = _PROBLEM.type if content is Problem else "application/json"
    return {kind: {"schema": references[content]}}


def _links(route: Route, routes: Sequence[Route]) -> dict[str, Json]:
    """To the routes of the same API that ask for nothing else than what this one gives."""
    return {
        other.name: {"operationId": other.name, "parameters": dict(route.gives)}
        for other in routes
        if other.parts.keys() == route.gives.keys() and _tag(other) == _tag(route)
    }


class OpenApiDoor(ApiDoor):
    def initialize(self, routes: Sequence[Route], **kwargs: Any) -> None:  # type: ignore[override]
        super().initialize(**kwargs)
        self.routes = routes

    @web.authenticated
    @authorized
    async def get(self) -> None:
        self.answer(document(self.routes, self.doors.public_url()))
