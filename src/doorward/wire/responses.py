"""JSON out, and the headers of lists that page."""

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse
from msgspec import json

from doorward.kit.pages import Page

JSON_TYPE: Final = "application/json"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_ENCODER: Final = json.Encoder()


def encoded(value: object) -> bytes:
    """A value as JSON. Encode a long list inside the read that gave it: that may be on a thread beside the loop's."""
    return _ENCODER.encode(value)


def encoded_response(body: bytes) -> ASGIResponse:
    """JSON that has been encoded."""
    return ASGIResponse(body=body, media_type=JSON_TYPE)


def json_response(value: object, status: int = 200, headers: list[tuple[str, str]] | None = None) -> ASGIResponse:
    """A value as a JSON response; structs keep the order of their fields."""
    return ASGIResponse(
        body=_ENCODER.encode(value),
        status_code=status,
        media_type=JSON_TYPE,
        headers=headers,
    )


def page_response(
    request: Request[Any, Any, Any],
    rows: bytes,
    total: int,
    page: Page,
    size_name: str = "per_page",
    *,
    media_type: str = JSON_TYPE,
    headers: Mapping[str, str] = NO_HEADERS,
) -> ASGIResponse:
    """An encoded list with the headers of both vendor generations and an RFC 8288 Link, and with others."""
    found = [*_page_headers(request, total, page, size_name), *headers.items()]
    return ASGIResponse(body=rows, media_type=media_type, headers=found)


def streamed_response(
    request: Request[Any, Any, Any], parts: AsyncIterator[bytes], total: int, page: Page
) -> ASGIResponse:
    """The same for a list that is not paged and may be long: it is sent as its parts come."""
    headers = dict(_page_headers(request, total, page, "per_page"))
    return ASGIStreamingResponse(iterator=parts, media_type=JSON_TYPE, headers=headers)


def file_response(parts: AsyncIterator[bytes], media_type: str, name: str) -> ASGIResponse:
    """A file for whoever asked to save, sent as its parts come."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return ASGIStreamingResponse(iterator=parts, media_type=media_type, headers=headers)


def _page_headers(request: Request[Any, Any, Any], total: int, page: Page, size_name: str) -> list[tuple[str, str]]:
    size = page.size if page.paged else max(total, 1)
    headers = [
        ("Total", str(total)),
        ("Per-Page", str(size)),
        ("X-Total-Results", str(total)),
        ("X-Per-Page", str(size)),
        ("X-Page", str(page.number)),
    ]
    links = _links(request, total, page, size_name) if page.paged else ""
    return [*headers, ("Link", links)] if links else headers


def _links(request: Request[Any, Any, Any], total: int, page: Page, size_name: str) -> str:
    last = max(1, -(-total // page.size))
    wanted = {
        "first": 1,
        "prev": page.number - 1,
        "next": page.number + 1,
        "last": last,
    }
    others = [(name, value) for name, value in request.query_params.multi_items() if name not in ("page", size_name)]
    path = request.url.path
    links = []
    for relation, number in wanted.items():
        if 1 <= number <= last:
            query = urlencode([*others, ("page", number), (size_name, page.size)])
            links.append(f'<{path}?{query}>; rel="{relation}"')
    return ", ".join(links)
