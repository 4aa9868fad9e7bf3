"""The table of the contract's operations, and what an answer has to be to keep to it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

_TABLE = Path(__file__).with_name("operations.toml")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True)
class Operation:
    """One operation of the contract; see operations.toml."""

    operation: str
    method: str
    path: str
    auth: str
    success: list[int]
    scopes: list[str] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    body_type: str = ""
    body_required: bool = False
    wrapper: str = ""
    answer_type: str = ""
    list: bool = False
    body: Mapping[str, str] = field(default_factory=dict)
    answer: Mapping[str, str] = field(default_factory=dict)


def operations() -> list[Operation]:
    """All 46, in the contract's order."""
    return [Operation(**entry) for entry in tomllib.loads(_TABLE.read_text())["operation"]]


def check(operation: Operation, answer: httpx.Response) -> None:
    """Raise AssertionError unless the answer of success is as the contract says."""
    assert answer.status_code in operation.success, (answer.status_code, answer.text)
    for name in operation.headers:
        assert int(answer.headers[name]) >= 0, name
    if operation.answer_type:
        assert answer.headers["content-type"].split(";")[0] == operation.answer_type
    if operation.answer_type == "application/json":
        found = answer.json()
        if operation.list:
            assert isinstance(found, list)
            assert found, "an empty list proves nothing"
        for each in found if operation.list else [found]:
            _check_object(operation.answer, each)
    elif operation.answer_type == "text/plain":
        assert answer.text


def _check_object(fields: Mapping[str, str], found: dict[str, Any]) -> None:
    for name, kind in fields.items():
        owner: Any = found
        *parents, last = name.split(".")
        for parent in parents:
            owner = owner.get(parent) if isinstance(owner, dict) else None
        if not isinstance(owner, dict):
            continue  # null, or absent: its own line says whether it may be
        required, nullable = "!" in kind, "?" in kind
        if last not in owner:
            assert not required, f"{name} is missing"
            continue
        value = owner[last]
        if value is None:
            # A field that need not be there may as well be null.
            assert nullable or not required, f"{name} is null"
            continue
        _check_type(name, kind.rstrip("?!"), value)


def _check_type(name: str, kind: str, value: object) -> None:
    if kind.startswith("["):
        assert isinstance(value, list), name
        for each in value:
            _check_type(name, kind[1:-1], each)
        return
    match kind:
        case "integer":
            right = type(value) is int
        case "boolean":
            right = isinstance(value, bool)
        case "string":
            right = isinstance(value, str)
        case "instant":
            right = isinstance(value, str) and _INSTANT.fullmatch(value) is not None
        case "object":
            right = isinstance(value, dict)
        case _:
            right = value in kind.split("|")
    assert right, f"{name}: {value!r} is not {kind}"
