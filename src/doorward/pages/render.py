"""Pages for people: templates with strict rules for the browser (what may run, who may frame it, who keeps it)."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar.response.base import ASGIResponse

STYLESHEET: Final = (Path(__file__).parent / "assets" / "doorward.css").read_bytes()
ICON: Final = (Path(__file__).parent / "assets" / "doorward.svg").read_bytes()

_TEMPLATES: Final = Environment(
    loader=PackageLoader("doorward.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# The address changes with the content, so that a browser never shows a new page in an old dress.
_TEMPLATES.globals["stylesheet"] = f"/assets/doorward.css?v={hashlib.sha256(STYLESHEET).hexdigest()[:12]}"


def render(
    template_name: str,
    *,
    status: int = 200,
    csp_form_action: Sequence[str] = (),
    headers: Iterable[tuple[str, str]] = (),
    **values: Any,
) -> ASGIResponse:
    """A page of a template in pages/templates, which is given `values`; one that it lacks is an error.

    `csp_form_action` are further origins that the page's forms may lead to, also by redirect: browsers hold the whole
    chain against this list. The caller answers for their being safe to write into a header.
    """
    return ASGIResponse(
        body=page_text(template_name, **values).encode(),
        status_code=status,
        media_type="text/html",
        headers=[*protection(csp_form_action), *headers],
    )


def page_text(template_name: str, **values: Any) -> str:
    """The HTML of a page, for those who answer with it themselves."""
    return _TEMPLATES.get_template(template_name).render(**values)


def see_other(target: str, *, headers: Iterable[tuple[str, str]] = ()) -> ASGIResponse:
    """Send the browser on to another page, with GET (RFC 9110, 15.4.4)."""
    return ASGIResponse(
        status_code=303, media_type="text/plain", headers=[("Location", target), *protection(), *headers]
    )


def protection(form_action: Sequence[str] = ()) -> list[tuple[str, str]]:
    """The headers that every page has."""
    targets = " ".join(("'self'", *form_action))
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; "
        f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )
    return [
        ("Content-Security-Policy", policy),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        # Not "no-referrer": with it browsers send "Origin: null" with our own forms (Fetch, "append a request Origin").
        ("Referrer-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    ]
