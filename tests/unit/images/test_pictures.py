"""images/pictures.py: what is made of a photo, and what is refused."""

import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from doorward.images.pictures import LARGEST_BYTES, BrokenImage, Picture, read_picture

RED, BLUE = (200, 20, 20), (20, 20, 200)


def photo(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    return picture.convert(mode)


def file_of(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    picture = Image.open(BytesIO(content))
    picture.load()
    return picture


def is_like(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 30 for one, other in zip(pixel, colour, strict=False))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_photo_is_kept_as_jpeg_in_two_sizes(kind: str) -> None:
    made = read_picture(file_of(photo(1000, 500), kind))
    assert made.full[:3] == ("image/jpeg", 1000, 500)
    assert made.thumbnail[:3] == ("image/jpeg", 256, 128)
    for rendition in made:
        picture = opened(rendition.content)
        assert (picture.format, picture.size) == ("JPEG", (rendition.width, rendition.height))
        assert is_like(picture.getpixel((10, 10)), RED)
        assert is_like(picture.getpixel((rendition.width - 10, 10)), BLUE)


def test_a_small_photo_is_not_made_larger() -> None:
    made = read_picture(file_of(photo(1, 1)))
    assert made.full[:3] == made.thumbnail[:3] == ("image/jpeg", 1, 1)


@pytest.mark.parametrize(
    ("size", "kept"), [((4096, 1024), (2048, 512)), ((30, 3000), (20, 2048)), ((2, 4100), (1, 2048))]
)
def test_a_large_photo_is_made_smaller(size: tuple[int, int], kept: tuple[int, int]) -> None:
    made = read_picture(file_of(photo(*size)))
    assert (made.full.width, made.full.height) == kept
    assert max(made.thumbnail.width, made.thumbnail.height) == 256


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "I;16", "YCbCr"])
def test_every_kind_of_colour_is_understood(mode: str) -> None:
    picture = Image.new("I;16", (300, 300), 40_000) if mode == "I;16" else photo(300, 300, mode)
    made = read_picture(file_of(picture, "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"))
    assert made.full[:3] == ("image/jpeg", 300, 300)
    assert opened(made.full.content).mode == "RGB"


def test_what_shows_through_still_does() -> None:
    picture = photo(600, 600, "RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((600, 600)))
    made = read_picture(file_of(picture))
    for rendition in made:
        assert rendition.media_type == "image/webp"
        again = opened(rendition.content)
        assert (again.format, again.mode) == ("WEBP", "RGBA")
        assert min(again.getchannel("A").tobytes()) < 20
    palette = photo(20, 20, "P")
    assert read_picture(file_of(palette, transparency=palette.getpixel((0, 0)))).full.media_type == "image/webp"


def test_what_could_show_through_and_does_not_is_a_jpeg() -> None:
    assert read_picture(file_of(photo(30, 30, "RGBA"))).full.media_type == "image/jpeg"


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_photo_is_turned_as_its_camera_says_and_the_rest_of_what_it_says_is_dropped(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    exif[0x010E] = "taken at home"
    exif.get_ifd(0x8825)[1] = "N"
    made = read_picture(file_of(photo(200, 100), "JPEG", exif=exif, comment=b"secret"))
    assert (made.full.width, made.full.height) == ((200, 100) if turn < 5 else (100, 200))
    for rendition in made:
        assert b"home" not in rendition.content
        assert b"secret" not in rendition.content
        assert not opened(rendition.content).getexif()
    upright = opened(made.full.content)
    red_at = {1: (5, 50), 2: (195, 50), 3: (195, 50), 4: (5, 50), 5: (50, 5), 6: (50, 5), 7: (50, 195), 8: (50, 195)}
    assert is_like(upright.getpixel(red_at[turn]), RED)


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_kept(kind: str) -> None:
    frames = [Image.new("RGB", (50, 50), colour) for colour in (RED, BLUE, BLUE)]
    raw = file_of(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert is_like(opened(read_picture(raw).full.content).getpixel((25, 25)), RED)


def _png(width: int, height: int, data: bytes = b"") -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("size", [(10_000, 4_001), (30_000, 30_000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1)])
def test_a_picture_that_would_fill_the_memory_is_refused_unread(size: tuple[int, int]) -> None:
    with pytest.raises(BrokenImage, match="has too many pixels"):
        read_picture(_png(*size))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"x",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        _png(0, 10),
        _png(10, 10, b"short"),
        file_of(photo(300, 300))[:-200],
        file_of(photo(300, 300), "JPEG")[:600],
        file_of(photo(300, 300), "WEBP")[:100],
        file_of(photo(30, 30), "GIF"),
        file_of(photo(30, 30), "BMP"),
        file_of(photo(30, 30), "TIFF"),
        file_of(photo(30, 30), "ICO"),
    ],
)
def test_what_is_no_whole_picture_of_the_three_formats_is_refused(raw: bytes) -> None:
    with pytest.raises(BrokenImage, match="is not a PNG, JPEG or WebP image that can be read"):
        read_picture(raw)


def test_more_than_five_megabytes_are_refused() -> None:
    with pytest.raises(BrokenImage, match=r"is too large \(at most 5 MB\)"):
        read_picture(file_of(photo(10, 10)).ljust(LARGEST_BYTES + 1, b"\0"))


_WHOLE = [file_of(photo(40, 40, mode), kind) for mode in ("RGB", "L") for kind in ("PNG", "JPEG", "WEBP")]
_WHOLE += [file_of(photo(40, 40, "RGBA"), kind) for kind in ("PNG", "WEBP")]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from(_WHOLE),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6),
)
def test_bytes_that_somebody_has_altered_are_a_picture_or_refused(whole: bytes, edits: list[tuple[int, bytes]]) -> None:
    raw = bytearray(whole)
    for at, bytes_ in edits:
        start = at % len(raw)
        raw[start : start + len(bytes_)] = bytes_
    try:
        made = read_picture(bytes(raw))
    except BrokenImage:
        return
    assert isinstance(made, Picture)
    assert opened(made.thumbnail.content).size <= (256, 256)
