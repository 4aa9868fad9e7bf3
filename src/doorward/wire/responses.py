"""JSON out, and the headers of lists that page."""

from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request
from litestar.response.base import ASGIResponse
from msgspec import json

from doorward.kit.pages import Page

JSON_TYPE: Final = "application/json"
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


def page_response(request: Request[Any, Any, Any], rows: bytes, total: int, page: Page) -> ASGIResponse:
    """An encoded list with the headers of both vendor generations and an RFC 8288 Link."""
    size = page.size if page.paged else max(total, 1)
    headers = [
        ("Total", str(total)),
        ("Per-Page", str(size)),
        ("X-Total-Results", str(total)),
        ("X-Per-Page", str(size)),
        ("X-Page", str(page.number)),
    ]
    links = _links(request, total, page) if page.paged else ""
    if links:
        headers.append(("Link", links))
    return ASGIResponse(body=rows, media_type=JSON_TYPE, headers=headers)


def _links(request: Request[Any, Any, Any], total: int, page: Page) -> str:
    last = max(1, -(-total // page.size))
    wanted = {
        "first": 1,
        "prev": page.number - 1,
        "next": page.number + 1,
        "last": last,
    }
    others = [(name, value) for name, value in request.query_params.multi_items() if name not in ("page", "per_page")]
    path = request.url.path
    links = []
    for relation, number in wanted.items():
        if 1 <= number <= last:
            query = urlencode([*others, ("page", number), ("per_page", page.size)])
            links.append(f'<{path}?{query}>; rel="{relation}"')
    return ", ".join(links)
