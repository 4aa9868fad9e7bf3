"""What a person's body wants their photo to be: read, fetched and decoded before the transaction that keeps it."""

import asyncio
import base64
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, NamedTuple

from doorward.images.pictures import LARGEST_BYTES, BrokenImage, Picture, read_picture
from doorward.outbound.fetching import OutboundError, fetch

INLINE: Final = "image_base64"
REMOTE: Final = "image_remote_url"

_LONGEST_INLINE: Final = 8 * 1024 * 1024
_DATA_URL: Final = re.compile(r"data:image/[a-z+.-]{1,20};base64,", re.IGNORECASE)
_PIECE: Final = 2**18
_AT_ONCE: Final = ThreadPoolExecutor(1, thread_name_prefix="images")
"""One photo at a time: a large one takes hundreds of megabytes, and all of a processor."""


class WantedImage(NamedTuple):
    """What is to become of a person's photo: another one, none, or nothing; `errors` are the body's, by field."""

    picture: Picture | None = None
    remove: bool = False
    errors: Mapping[str, str] = {}


AS_IT_IS: Final = WantedImage()


class _Refused(Exception):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


async def wanted_image(body: object, allow: tuple[str, ...]) -> WantedImage:
    """Read `image_base64` and `image_remote_url` of a body; `allow` are networks beyond what is public.

    A blank `image_remote_url` takes the photo away; an `image_base64` beside it, or alone, replaces it.
    """
    if not isinstance(body, dict):
        return AS_IT_IS
    inline, remote = body.get(INLINE), body.get(REMOTE)
    try:
        if inline is not None and inline != "":
            return WantedImage(await _inline(inline, remote))
        if isinstance(remote, str) and not remote.strip():
            return WantedImage(remove=True)
        if remote is not None:
            return WantedImage(await _remote(remote, allow))
    except _Refused as refused:
        return WantedImage(errors={refused.field: refused.reason})
    return AS_IT_IS


async def _inline(inline: object, remote: object) -> Picture:
    if remote is not None and remote != "":
        raise _Refused(REMOTE, f"can't be given together with {INLINE}")
    if not isinstance(inline, str):
        raise _Refused(INLINE, "must be text")
    if len(inline) > _LONGEST_INLINE:
        raise _Refused(INLINE, f"is too large (at most {LARGEST_BYTES // 1024**2} MB)")
    return await _read(INLINE, partial(_decoded, inline))


async def _remote(remote: object, allow: tuple[str, ...]) -> Picture:
    if not isinstance(remote, str):
        raise _Refused(REMOTE, "must be text")
    try:
        found = await fetch(remote.strip(), allow=allow, limit_bytes=LARGEST_BYTES)
    except OutboundError as error:
        raise _Refused(REMOTE, error.reason) from None
    if found.status != 200:
        raise _Refused(REMOTE, f"was answered with the status {found.status}")
    if not found.complete:
        raise _Refused(REMOTE, f"is too large (at most {LARGEST_BYTES // 1024**2} MB)")
    return await _read(REMOTE, lambda: found.body)


async def _read(field: str, raw: Callable[[], bytes]) -> Picture:
    try:
        return await asyncio.get_running_loop().run_in_executor(_AT_ONCE, lambda: read_picture(raw()))
    except BrokenImage as error:
        raise _Refused(field, str(error)) from None


def _decoded(text: str) -> bytes:
    """The bytes of base64, also of a data URL. Raises BrokenImage.

    Piece by piece: other threads get their turn only between two calls into C.
    """
    start = found.end() if (found := _DATA_URL.match(text)) else 0
    decoded = bytearray()
    rest = ""
    try:
        for at in range(start, len(text), _PIECE):
            piece = rest + "".join(text[at : at + _PIECE].split())
            whole = len(piece) // 4 * 4
            decoded += base64.b64decode(piece[:whole], validate=True)
            rest = piece[whole:]
        # Some leave the padding out.
        decoded += base64.b64decode(rest + "=" * (-len(rest) % 4), validate=True)
    except ValueError:
        raise BrokenImage("is not base64") from None
    return bytes(decoded)
