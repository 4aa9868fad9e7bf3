"""Our own OpenAPI 3.1 document, made from what the routes say of themselves.

Nothing here is written by hand twice: paths, methods, scopes and the types of bodies are those that are served.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from litestar import HttpMethod, Litestar
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct, json

import doorward
from doorward.oauth.scopes import ALL_SCOPES
from doorward.wire.context import ANY_TOKEN
from doorward.wire.docs import Docs, Other, Parameter
from doorward.wire.responses import JSON_TYPE

_TEMPLATE: Final = "#/components/schemas/{name}"
_PARAMETER: Final = re.compile(r"\{(\w+):\w+\}")
_TEXT_IDS: Final = frozenset({"credential_id", "name"})
"""Parameters of paths that are not whole numbers."""

_WORDS: Final[Mapping[int, str]] = {
    200: "Done",
    201: "Created or changed",
    202: "Accepted",
    302: "Go on elsewhere",
    303: "Go on elsewhere",
    400: "The request could not be understood",
    401: "No access token, or one that does not hold",
    403: "The token lacks the scope, or its user the permission",
    404: "No such thing, or not one of yours",
    409: "In conflict with what is there",
    413: "The body is too large",
    415: "The body has another type than this operation takes",
    422: "Fields that break a rule, all of them at once",
    429: "Too many requests",
    500: "An unexpected error, with the request's id to quote",
    503: "The service is unavailable for the moment",
}


class Error(Struct, frozen=True):
    """How every error looks."""

    error: str
    error_description: str


class ValidationError(Struct, frozen=True):
    """An error that names fields, each with what is wrong."""

    error: str
    error_description: str
    errors: dict[str, list[str]]


class ServerError(Struct, frozen=True):
    """An error on our side."""

    error: str
    error_description: str
    request_id: str


class Route(NamedTuple):
    """One operation that is served: `path` as OpenAPI writes it."""

    path: str
    method: str
    name: str
    docs: Docs
    scopes: tuple[str, ...]
    also_scopes: tuple[str, ...]
    public: bool


def documented_routes(app: Litestar) -> list[Route]:
    """Every operation that is served and documented, by path and method."""
    found: list[Route] = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler) and "docs" in handler.opt:
                opt = handler.opt
                found += [
                    Route(
                        _PARAMETER.sub(r"{\1}", route.path),
                        method.lower(),
                        handler.name or handler.handler_name,
                        opt["docs"],
                        tuple(opt.get("scopes", ())),
                        tuple(opt.get("also_scopes", ())),
                        bool(opt.get("public")),
                    )
                    for method in sorted(handler.http_methods)
                    if method != HttpMethod.OPTIONS
                ]
    return sorted(found, key=lambda route: (route.path, route.method))


def document(routes: Sequence[Route], *, scope_words: Mapping[str, str]) -> dict[str, Any]:
    """The OpenAPI document of these routes."""
    types = list(_types(routes))
    schemas, components = json.schema_components(types, ref_template=_TEMPLATE)
    known = {_key(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = _operation(route, known)
    _link(routes, paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Doorward",
            "version": doorward.__version__,
            "summary": "Physical access control: people, doors, and who may open which when.",
            "description": "A drop-in for the DoorFlow API v3. What goes beyond it is marked `x-doorward: true`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _security_schemes(scope_words)},
        "tags": [{"name": tag} for tag in sorted({tag_of(route) for route in routes})],
    }


def _link(routes: Sequence[Route], paths: Mapping[str, Mapping[str, Any]]) -> None:
    """Say that the id of what was created goes into the paths below (OpenAPI, "Link Object")."""
    for route in routes:
        created = paths[route.path][route.method]["responses"].get("201")
        if route.method != "post" or created is None or route.path.endswith("}"):
            continue
        below = [
            (each, match[1])
            for each in routes
            if (match := re.fullmatch(rf"{re.escape(route.path)}/\{{(\w+)\}}(?:/\w+)?", each.path))
        ]
        given = {name: f"$request.path.{name}" for name in re.findall(r"\{(\w+)\}", route.path)}
        links = {
            each.name: {"operationId": each.name, "parameters": {**given, name: "$response.body#/id"}}
            for each, name in below
        }
        if links:
            created["links"] = links


def tag_of(route: Route) -> str:
    """Under which heading an operation stands: the first word of its path, unless it says another."""
    if route.docs.tag:
        return route.docs.tag
    return route.path.removeprefix("/api/3/").lstrip("/").split("/")[0]


def _types(routes: Iterable[Route]) -> Iterable[Any]:
    seen: dict[str, Any] = {_key(kind): kind for kind in (Error, ValidationError, ServerError)}
    for route in routes:
        for kind in (*route.docs.answers.values(), route.docs.body):
            if kind is not None and not isinstance(kind, Other):
                seen.setdefault(_key(kind), kind)
    return seen.values()


def _key(kind: Any) -> str:
    module = getattr(kind, "__module__", "")
    return f"{module}.{kind!r}"


def _operation(route: Route, known: Mapping[str, Any]) -> dict[str, Any]:
    docs = route.docs
    found: dict[str, Any] = {"operationId": route.name, "summary": docs.summary, "tags": [tag_of(route)]}
    if docs.description:
        found["description"] = docs.description
    if docs.ours:
        found["x-doorward"] = True
    if parameters := _parameters(route):
        found["parameters"] = parameters
    if docs.body is not None:
        schema = known[_key(docs.body)] if not isinstance(docs.body, Other) else {"type": "string"}
        found["requestBody"] = {"required": docs.body_required, "content": {docs.body_type: {"schema": schema}}}
    found["responses"] = {str(status): answer for status, answer in sorted(_answers(route, known).items())}
    if not route.public:
        needed = [] if route.scopes == ANY_TOKEN else route.scopes
        each = [[scope, *route.also_scopes] for scope in needed] or [list(route.also_scopes)]
        found["security"] = [{"OAuth2": scopes} for scopes in each]
    return found


def _parameters(route: Route) -> list[dict[str, Any]]:
    given = [_in_path(name) for name in re.findall(r"\{(\w+)\}", route.path)]
    parameters = list(route.docs.parameters)
    if route.method == "post" and not route.public:
        text = "The same key and body within a day give the first answer again, without the work being done twice."
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        parameters.append(Parameter("Idempotency-Key", schema, text, location="header"))
    return [*given, *(_parameter(parameter) for parameter in parameters)]


def _in_path(name: str) -> dict[str, Any]:
    schema = {"type": "string"} if name in _TEXT_IDS else {"type": "integer", "minimum": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.location,
        "required": parameter.required,
        "description": parameter.text,
        "schema": dict(parameter.schema),
    }
    if parameter.schema.get("type") == "array":
        found |= {"style": "form", "explode": False}
    return found


def _answers(route: Route, known: Mapping[str, Any]) -> dict[int, Any]:
    docs = route.docs
    errors = {500, 503, *docs.errors}
    if not route.public:
        errors |= {401, 403, 429}
    if route.method == "post" and not route.public:
        errors |= {400, 422}
    if docs.parameters or docs.paged:
        errors.add(400)
    if "{" in route.path:
        errors.add(404)
    if docs.body is not None:
        errors |= {400, 413, 415, 422}
    if route.method == "delete" and not docs.ours:
        errors.add(422)  # the contract has it
    answers = {status: _error(status, known) for status in errors}
    for status, kind in docs.answers.items():
        answers[status] = _answer(status, kind, docs, known)
        if status in errors:
            _also_usual(answers[status], status, known)
    return answers


def _also_usual(found: dict[str, Any], status: int, known: Mapping[str, Any]) -> None:
    """A refusal with a body of its own may as well be refused before it gets there, and then looks as usual."""
    content = found.get("content", {}).get(JSON_TYPE)
    if content is not None:
        usual = _error(status, known)["content"][JSON_TYPE]["schema"]
        content["schema"] = {"anyOf": [content["schema"], usual]}


def _answer(status: int, kind: Any, docs: Docs, known: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"description": _WORDS.get(status, "As it says")}
    headers: dict[str, Any] = {
        name: {"description": text, "schema": {"type": "string"}} for name, text in docs.response_headers.items()
    }
    if docs.paged and status == 200:
        headers |= {
            "Total": {"description": "How many there are in all", "schema": {"type": "integer"}},
            "Per-Page": {"description": "How many a page has", "schema": {"type": "integer"}},
            "Link": {"description": "The neighbouring pages (RFC 8288)", "schema": {"type": "string"}},
        }
    if headers:
        found["headers"] = headers
    if isinstance(kind, Other):
        found["content"] = {each: {"schema": {"type": "string"}} for each in (kind.media_type, *kind.or_else)}
    elif kind is not None:
        found["content"] = {JSON_TYPE: {"schema": known[_key(kind)]}}
    if status < 300:
        for other in docs.other_answers:
            found.setdefault("content", {})[other.media_type] = {"schema": {"type": "string"}}
    return found


def _error(status: int, known: Mapping[str, Any]) -> dict[str, Any]:
    kind: Any = Error
    if status == 422:
        kind = ValidationError
    elif status >= 500:
        kind = ServerError
    return {"description": _WORDS[status], "content": {JSON_TYPE: {"schema": known[_key(kind)]}}}


def _security_schemes(scope_words: Mapping[str, str]) -> dict[str, Any]:
    scopes = {scope: scope_words.get(scope, scope) for scope in sorted(ALL_SCOPES)}
    return {
        "OAuth2": {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": "/oauth/authorize",
                    "tokenUrl": "/oauth/token",
                    "refreshUrl": "/oauth/token",
                    "scopes": scopes,
                },
                "clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes},
            },
        },
        "basicAuth": {"type": "http", "scheme": "basic", "description": "An application's client id and secret."},
    }
