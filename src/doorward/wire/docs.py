"""What a route says of itself for our OpenAPI document: beside its name and scopes, what goes in and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, NamedTuple

from msgspec import Meta, Struct

Location = Literal["query", "header"]


class Parameter(NamedTuple):
    """A parameter of the query or a header. `schema` is JSON Schema; an array is sent comma-separated."""

    name: str
    schema: Mapping[str, object]
    text: str
    required: bool = False
    location: Location = "query"


class Other(NamedTuple):
    """An answer that is not JSON; `or_else`: what else it may be."""

    media_type: str
    or_else: tuple[str, ...] = ()


TEXT: Final = Other("text/plain")
HTML: Final = Other("text/html")

Content = Any
"""A type that msgspec can give a JSON Schema of (a Struct, `list[Struct]`, `dict[str, int]`), or an Other."""


@dataclass(frozen=True, slots=True)
class Docs:
    """An operation, documented.

    `answers` are those of success and those whose body is not the usual error. Every guarded route is known to answer
    401, 403, 429, 500 and 503; one with a parameter 400; one with an id in its path 404; one with a body 400, 413, 415
    and 422. `errors` are the statuses, with the usual error as body, beyond these.
    """

    summary: str
    answers: Mapping[int, Content]
    body: Any = None
    """A msgspec type, whose schema is shown; the service reads the body itself and is stricter."""
    body_required: bool = True
    body_type: str = "application/json"
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[int, ...] = ()
    paged: bool = False
    """Answers with the headers of a list that pages."""
    ours: bool = False
    """Beyond the vendor: marked `x-doorward`."""
    tag: str = ""
    """Where it stands in the documentation; without one, by the path."""
    description: str = ""
    response_headers: Mapping[str, str] = field(default_factory=dict)
    other_answers: tuple[Other, ...] = ()
    """As what the answer of success may come instead, if that is asked for."""


Id = Annotated[int, Meta(ge=1)]
Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class Result(Struct, frozen=True):
    """How the contract says that something is done."""

    result: Literal["ok"]


_WHOLE: Final = {"type": "integer", "minimum": 1}
INSTANT: Final[Mapping[str, object]] = {"type": "string", "format": "date-time"}
IDS: Final[Mapping[str, object]] = {"type": "array", "items": {"type": "integer", "minimum": 1}}


def paging(default: int = 500, largest: int = 1000) -> tuple[Parameter, ...]:
    """The parameters of a list that pages."""
    return (
        Parameter("page", {**_WHOLE, "default": 1}, "Which page, from 1."),
        Parameter("per_page", {**_WHOLE, "default": default}, f"Rows of a page; over {largest} counts as {largest}."),
        Parameter("skip_pagination", {"type": "boolean"}, "Everything in one answer."),
    )


SINCE: Final = (
    Parameter("since", INSTANT, "Only what was changed at or after this instant; local time without an offset."),
    Parameter("since_utc", INSTANT, "Only what was changed at or after this instant; UTC without an offset."),
)
