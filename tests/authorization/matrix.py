"""Ask for every operation as everybody, and say what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from doorward.api.openapi import Route
from doorward.wire.context import ANY_TOKEN
from tests.authorization.rules import ALL, ROLES, covers

NOBODY = 987_654_321
"""An id that nothing has: who is let in gets a 404, and changes nothing."""


@dataclass
class Row:
    """One operation, and what each kind of caller got."""

    route: Route
    none: httpx.Response
    by_scope: dict[str, httpx.Response] = field(default_factory=dict)
    by_role: dict[str, httpx.Response] = field(default_factory=dict)
    other_account: httpx.Response | None = None
    other_site: httpx.Response | None = None

    @property
    def needed(self) -> str:
        """The scopes in words."""
        if self.route.public:
            return "public"
        if self.route.scopes == ANY_TOKEN:
            return "any token"
        text = " or ".join(self.route.scopes)
        return " and ".join([text, *self.route.also_scopes])


def ask(client: httpx.Client, route: Route, path: str | None = None, body: object = None) -> httpx.Response:
    """Make the request; with an empty body where one is wanted, and ids that nothing has."""
    target = path or unknown(route.path)
    if route.docs.body is None:
        return client.request(route.method, target)
    if route.docs.body_type == "application/json":
        return client.request(route.method, target, json={} if body is None else body)
    return client.request(route.method, target, content=b"", headers={"Content-Type": route.docs.body_type})


def unknown(path: str) -> str:
    """The path with ids that nothing has."""
    parts = [str(NOBODY) if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts)


def passed(status: int) -> bool:
    """Whether the caller was let in, whatever became of the request then."""
    return status not in (401, 403)


def allowed_by_scope(route: Route, held: Iterable[str]) -> bool:
    """Whether a token with these scopes may call the operation."""
    scopes = list(held)
    any_of = route.scopes == ANY_TOKEN or any(covers(each, needed) for each in scopes for needed in route.scopes)
    return any_of and all(any(covers(each, needed) for each in scopes) for needed in route.also_scopes)


def allowed_by_role(route: Route, role: str) -> bool:
    """Whether a user of the role, through an application with all scopes, may call the operation."""
    permitted = ROLES[role]
    any_of = route.scopes == ANY_TOKEN or any(needed in permitted for needed in route.scopes)
    return any_of and all(needed in permitted for needed in route.also_scopes)


def scopes_to_try(route: Route) -> list[tuple[str, list[str]]]:
    """Every scope alone, with what the operation needs beside it."""
    return [(scope, sorted({scope, *route.also_scopes})) for scope in ALL]


def at_another_site(route: Route) -> set[int]:
    """What an owner who is limited to another site may be answered, for a thing of this one."""
    resource = route.path.removeprefix("/api/3/").split("/")[0]
    if resource in _OF_SITES:
        return {404}
    if route.method == "get":
        return {200} if resource not in _OF_ACCOUNT_ONLY else {403}
    if route.name in _DECIDES_WHO_PASSES:
        return {403}
    return _CHANGED_ELSEWHERE.get(resource, {403})


_OF_SITES = {
    "admission_requests",
    "areas",
    "channels",
    "controllers",
    "events",
    "notification_rules",
    "reservations",
    "roles",
    "sites",
}
"""What belongs to sites: at another one it is not there."""
_OF_ACCOUNT_ONLY = {"applications", "audit_log", "users", "webhook_deliveries"}
"""What only users see who are not limited to sites."""
_DECIDES_WHO_PASSES = {"createCredential", "deleteCredential", "deletePerson", "forgivePerson", "updateCredential"}
"""What users do with people, but for those with roles at other sites than theirs."""
_CHANGED_ELSEWHERE = {
    "people": {200, 201, 202, 204, 409, 422},
    "groups": {200, 422},
    "group_reservations": {404},
    "personal_tokens": {404},
}
"""What users of every site change; what they may not give or take is a 422."""


def table(rows: Iterable[Row]) -> str:
    """The matrix as a Markdown table."""
    head = ["operation", "scope", "no token", "other scopes", *ROLES, "other account", "other site"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        refused = sorted({each.status_code for each in row.by_scope.values() if not passed(each.status_code)})
        cells: list[Any] = [
            f"`{row.route.method.upper()} {row.route.path}`",
            row.needed,
            row.none.status_code,
            ", ".join(map(str, refused)) or "yes",
            *("yes" if passed(row.by_role[role].status_code) else row.by_role[role].status_code for role in ROLES),
            _cell(row.other_account),
            _cell(row.other_site),
        ]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(answer: httpx.Response | None) -> str:
    if answer is None:
        return "own"
    return "yes" if answer.status_code < 400 or answer.status_code in (409, 415, 422, 429) else str(answer.status_code)
