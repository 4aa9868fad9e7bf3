"""Photos from outside: really decoded, and written anew.

What comes out has never been anybody's file: no metadata (where it was taken), no further frames, nothing hidden behind
the picture. Whatever is wrong with what comes in, it is refused, with bounded time and memory.
"""

import struct
import zlib
from io import BytesIO
from typing import Final, NamedTuple

from PIL import Image

LARGEST_BYTES: Final = 5 * 1024 * 1024
MOST_PIXELS: Final = 40_000_000
LONGEST_SIDE: Final = 2048
"""Of what is kept, in pixels: a photo of a person needs no more."""
THUMBNAIL_SIDE: Final = 256

ENDINGS: Final = {"image/jpeg": ".jpg", "image/webp": ".webp"}
"""By media type: what photos are kept as, JPEG, or WebP where something shows through."""

_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_QUALITY: Final = 85
_SHRINKABLE: Final = frozenset({"RGB", "RGBA", "L", "LA", "CMYK"})
_BROKEN: Final = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError, TypeError),
    *(ValueError, struct.error, zlib.error),
)
"""What decoders raise for bytes that somebody has made up."""


class BrokenImage(ValueError):
    """The bytes are no picture that is taken; the message says why, to follow the field's name."""


class Rendition(NamedTuple):
    """A picture in one size."""

    media_type: str
    width: int
    height: int
    content: bytes


class Picture(NamedTuple):
    """A photo to keep."""

    full: Rendition
    thumbnail: Rendition


def read_picture(raw: bytes) -> Picture:
    """Decode a PNG, JPEG or WebP (the first frame of it, upright) and make what is kept of it. Raises BrokenImage.

    It may take more than a second and 400 MB: not on an event loop, and one at a time.
    """
    if len(raw) > LARGEST_BYTES:
        raise BrokenImage(f"is too large (at most {LARGEST_BYTES // 1024**2} MB)")
    try:
        with Image.open(BytesIO(raw), formats=_FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise BrokenImage(f"has too many pixels (at most {MOST_PIXELS // 1_000_000} million)")
            full = _upright(opened)
    except BrokenImage:
        raise
    except Image.DecompressionBombError:
        raise BrokenImage(f"has too many pixels (at most {MOST_PIXELS // 1_000_000} million)") from None
    except _BROKEN:
        raise BrokenImage("is not a PNG, JPEG or WebP image that can be read") from None
    small = full.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return Picture(_written(full), _written(small))


def _upright(opened: Image.Image) -> Image.Image:
    """The first frame, decoded, no larger than what is kept, turned as its EXIF says, and in plain colours."""
    opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG can be decoded smaller
    opened.load()
    orientation = _orientation(opened)
    shows_through = opened.has_transparency_data
    # To make it smaller first spares a copy; where a pixel is no colour by itself, it cannot be.
    plain: Image.Image = opened
    if opened.mode not in _SHRINKABLE:
        plain = opened.convert("RGBA" if shows_through else "RGB")
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    plain = plain.convert("RGBA" if shows_through else "RGB")
    if shows_through and plain.getchannel("A").getextrema() == (255, 255):
        plain = plain.convert("RGB")
    upright = plain if orientation is None else plain.transpose(orientation)
    upright.info = {}  # else comments and colour profiles would be written again
    return upright


_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION: Final = 0x0112


def _orientation(opened: Image.Image) -> Image.Transpose | None:
    """How the picture is to be turned (EXIF 2.3, tag Orientation); a picture whose EXIF is broken stays as it is."""
    try:
        return _TURNS.get(opened.getexif().get(_ORIENTATION, 1))
    except _BROKEN:
        return None


def _written(picture: Image.Image) -> Rendition:
    file = BytesIO()
    if picture.mode == "RGBA":
        picture.save(file, "WEBP", quality=_QUALITY, method=3)
        return Rendition("image/webp", picture.width, picture.height, file.getvalue())
    picture.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return Rendition("image/jpeg", picture.width, picture.height, file.getvalue())
