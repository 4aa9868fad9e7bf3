"""The OpenAPI document as a page to read: no script, nothing from elsewhere, so that it works offline."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from litestar.response.base import ASGIResponse

from doorward.pages import render as pages

STYLES: Final = (Path(pages.__file__).parent / "assets" / "reference.css").read_bytes()
_VERSION: Final = hashlib.sha256(STYLES).hexdigest()[:12]
_DEEPEST: Final = 3


class Field(NamedTuple):
    """A field of a body, or a parameter. `depth` is how far it is nested."""

    name: str
    kind: str
    text: str
    required: bool
    depth: int = 0


class Shown(NamedTuple):
    """An answer."""

    status: str
    text: str
    kind: str
    fields: list[Field]


class Entry(NamedTuple):
    """An operation."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    ours: bool
    scopes: list[str]
    parameters: list[Field]
    body_kind: str
    body: list[Field]
    answers: list[Shown]


def page_of(document: Mapping[str, Any]) -> ASGIResponse:
    """The page."""
    reader = _Reader(document["components"]["schemas"])
    by_tag: dict[str, list[Entry]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(reader.entry(path, method, operation))
    return pages.render(
        "reference.html", sections=by_tag, info=document["info"], styles=f"/assets/reference.css?v={_VERSION}"
    )


class _Reader:
    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas

    def entry(self, path: str, method: str, operation: Mapping[str, Any]) -> Entry:
        body_kind, body = "", list[Field]()
        if "requestBody" in operation:
            [(media_type, content)] = operation["requestBody"]["content"].items()
            body_kind, body = media_type, list(self._fields(content["schema"]))
        return Entry(
            anchor=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation["summary"],
            description=operation.get("description", ""),
            ours=bool(operation.get("x-doorward")),
            scopes=[" and ".join(each["OAuth2"]) or "any token" for each in operation.get("security", ())],
            parameters=[self._parameter(each) for each in operation.get("parameters", ())],
            body_kind=body_kind,
            body=body,
            answers=[self._answer(status, each) for status, each in operation["responses"].items()],
        )

    def _parameter(self, found: Mapping[str, Any]) -> Field:
        text = found.get("description", "" if found["in"] == "query" else f"in the {found['in']}")
        return Field(found["name"], self._kind(found["schema"]), text, found["required"])

    def _answer(self, status: str, found: Mapping[str, Any]) -> Shown:
        content: Mapping[str, Any] = found.get("content", {})
        for media_type, each in content.items():
            fields = list(self._fields(each["schema"])) if status.startswith("2") else []
            kind = self._kind(each["schema"]) if media_type == "application/json" else media_type
            return Shown(status, found["description"], kind, fields)
        return Shown(status, found["description"], "", [])

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rsplit("/", 1)[-1]]
        for each in schema.get("anyOf", ()):
            if each.get("type") != "null":
                return self._resolved(each)
        return schema

    def _fields(self, schema: Mapping[str, Any], depth: int = 0) -> Iterable[Field]:
        found = self._resolved(schema)
        if found.get("type") == "array":
            found = self._resolved(found.get("items", {}))
        if depth > _DEEPEST:
            return
        required = found.get("required", ())
        for name, each in found.get("properties", {}).items():
            yield Field(name, self._kind(each), each.get("description", ""), name in required, depth)
            inner = self._resolved(each)
            if inner.get("type") in ("object", "array"):
                yield from self._fields(each, depth + 1)

    def _kind(self, schema: Mapping[str, Any]) -> str:
        if "anyOf" in schema:
            return " or ".join(self._kind(each) for each in schema["anyOf"])
        if "$ref" in schema:
            resolved = self._resolved(schema)
            return self._kind(resolved) if "properties" not in resolved else "object"
        if "enum" in schema:
            return " | ".join(map(str, schema["enum"]))
        if "const" in schema:
            return str(schema["const"])
        kind = str(schema.get("type", "anything"))
        if kind == "array":
            return f"list of {self._kind(schema.get('items', {}))}"
        return {"date-time": "timestamp"}.get(schema.get("format", ""), kind)
