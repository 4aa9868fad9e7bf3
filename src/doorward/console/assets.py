"""What the console's pages load, as `make assets` has made it of `frontend/`: served from memory, for good."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from litestar import Request, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from markupsafe import Markup

STATIC: Final = Path(__file__).parent / "static"
_WHERE: Final = "/assets/console"
_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".txt": "text/plain",
}
_ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
"""The smallest first."""
_HEADERS: Final = [
    # The name changes with the content.
    ("Cache-Control", "public, max-age=31536000, immutable"),
    ("Vary", "Accept-Encoding"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
]
_OUTLINE: Final = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
_FILLED: Final = 'fill="currentColor"'


class AssetsMissing(RuntimeError):
    """The package is not whole: what the console's pages load has not been made."""


@dataclass(frozen=True)
class Asset:
    """A file, as it is and in the encodings that it has been made in."""

    media_type: str
    content: bytes
    encoded: Mapping[str, bytes]


@dataclass(frozen=True)
class Assets:
    """All that has been made."""

    names: Mapping[str, str]
    """What a file is called, to the name that it is served under."""
    served: Mapping[str, Asset]
    icons: Mapping[str, str]


@cache
def assets() -> Assets:
    """All that has been made, read once. Raises AssetsMissing."""
    try:
        names: dict[str, str] = json.loads((STATIC / "manifest.json").read_bytes())["names"]
        icons: dict[str, str] = json.loads((STATIC / "icons.json").read_bytes())
        return Assets(names, {name: _read(STATIC / name) for name in names.values()}, icons)
    except FileNotFoundError as error:
        raise AssetsMissing("what the console's pages load has not been made: run `make assets`") from error


def _read(path: Path) -> Asset:
    encoded = {encoding: path.with_name(path.name + suffix).read_bytes() for encoding, suffix in _ENCODINGS}
    return Asset(_TYPES[path.suffix], path.read_bytes(), encoded)


def asset(name: str) -> str:
    """The path that a file is served at, such as "console.js". Raises KeyError where there is none of the name."""
    return f"{_WHERE}/{assets().names[name]}"


def icon(name: str, size: int = 20, label: str | None = None) -> Markup:
    """An icon to write into a page; `size` in pixels.

    Whoever cannot see it is told `label`, or nothing: a word beside it says the same. Raises KeyError where there is
    none of the name (frontend/src/icons.json lists them).
    """
    told = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    look = Markup(_FILLED if name.endswith("-filled") else _OUTLINE)  # noqa: S704 - made of our own sources
    inside = Markup(assets().icons[name])  # noqa: S704 - made of our own sources
    return Markup('<svg class="icon" width="{0}" height="{0}" viewBox="0 0 24 24" {1} {2}>{3}</svg>').format(
        size, look, told, inside
    )


@get(_WHERE + "/{name:str}", name="console_asset", public=True, hidden=True, sync_to_thread=False)
def show(name: FromPath[str], request: Request[Any, Any, Any]) -> ASGIResponse:
    """A file, in the smallest encoding that the browser takes."""
    found = assets().served.get(name)
    if found is None:
        raise NotFoundException
    encoding = _chosen(request.headers.getall("accept-encoding", []))
    body, named = (found.encoded[encoding], [("Content-Encoding", encoding)]) if encoding else (found.content, [])
    return ASGIResponse(body=body, media_type=found.media_type, headers=[*_HEADERS, *named])


def _chosen(accepted: list[str]) -> str | None:
    """The encoding of ours that is taken (RFC 9110, 12.5.3), or None for the file as it is."""
    weights: dict[str, float] = {}
    for part in ",".join(accepted).lower().split(","):
        coding, _, weight = part.partition(";")
        try:
            weights[coding.strip()] = float(weight.strip().removeprefix("q=")) if weight.strip() else 1.0
        except ValueError:
            continue
    taken = [encoding for encoding, _ in _ENCODINGS if weights.get(encoding, weights.get("*", 0.0)) > 0]
    return taken[0] if taken else None


router = Router("/", route_handlers=[show])
