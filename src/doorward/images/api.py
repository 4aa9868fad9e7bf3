"""GET /images/{name}: a photo, for whoever knows its address."""

from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.images.service import find_image
from doorward.kit.errors import NotFound
from doorward.wire.context import context_of

_LONGEST_NAME: Final = 64
_HEADERS: Final = {
    # Another photo has another address.
    "Cache-Control": "private, max-age=31536000, immutable",
    # Nothing but a picture, whatever a browser may think of it.
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Robots-Tag": "noindex",
}


@get("/images/{name:str}", name="getImage", public=True, hidden=True)
async def show(request: Request[Any, Any, Any], name: FromPath[str]) -> ASGIResponse:
    """A person's photo. No token is asked for, because browsers send none for pictures: the name is the secret."""
    if not (name.isascii() and name.isprintable() and len(name) <= _LONGEST_NAME):
        raise NotFound
    found = await context_of(request).database.read(lambda transaction: find_image(transaction, name))
    if found is None:
        raise NotFound
    return ASGIResponse(body=found.content, media_type=found.media_type, headers=_HEADERS)
