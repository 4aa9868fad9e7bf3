"""Answers of the console: whole pages, parts of pages for htmx, and where to go after something was done."""

import asyncio
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from litestar import Request
from litestar.response import Response
from litestar.response.base import ASGIResponse

from doorward.console.preferences import done_of, set_done
from doorward.console.shell import Shell, shell_of
from doorward.console.templating import render_text
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.signing_in.current import session_of
from doorward.wire.context import context_of, principal_of

Read = Callable[[Transaction, Principal, int], Mapping[str, object]]
"""What a page reads: given the transaction, who asks and the instant, the values that its template needs."""

_HTML: Final = "text/html; charset=utf-8"


def protection(nonce: str) -> list[tuple[str, str]]:
    """The headers of every page of the console: its own scripts and styles only, framed by nobody, kept by nobody."""
    policy = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
        f"style-src 'self' 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    return [
        ("Content-Security-Policy", policy),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
        ("Vary", "HX-Request"),
    ]


async def show(
    request: Request[Any, Any, Any], template: str, read: Read | None = None, *, status: int = 200, **values: Any
) -> ASGIResponse:
    """A whole page. Its template gets `values`, what `read` gives, what _given() gives, `shell` and `done`.

    What is read is read in one transaction; the page is made beside the event loop. Raises what `read` raises.
    """
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()

    def read_all(transaction: Transaction) -> tuple[Shell, Mapping[str, object]]:
        return shell_of(request, principal, transaction), {} if read is None else read(transaction, principal, now)

    shell, found = await context.database.read(read_all)
    done = done_of(request)
    headers = [] if done is None else [set_done(request, "")]
    return await _html(request, template, status, headers, {**values, **found, "shell": shell, "done": done}, now)


async def fragment(
    request: Request[Any, Any, Any],
    template: str,
    read: Read | None = None,
    *,
    status: int = 200,
    said: str | None = None,
    **values: Any,
) -> ASGIResponse:
    """A part of a page, which gets the same but for `shell` and `done`; `said` is shown for a moment beside it."""
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()
    found: Mapping[str, object] = {}
    if read is not None:
        reading = read
        found = await context.database.read(lambda transaction: reading(transaction, principal, now))
    headers = [] if said is None else [saying(said)]
    return await _html(request, template, status, headers, {**values, **found}, now)


def saying(text: str, *, bad: bool = False) -> tuple[str, str]:
    """The header that has the page say something for a moment."""
    return "HX-Trigger", json.dumps({"say": {"text": text, "bad": bad}})


def is_htmx(request: Request[Any, Any, Any]) -> bool:
    """Whether a script of the page asks for a part of it."""
    return request.headers.get("hx-request") == "true"


def go(request: Request[Any, Any, Any], target: str, done: str = "") -> ASGIResponse:
    """Send the browser on to another page of ours, which says what was done."""
    headers = [*protection(""), *([set_done(request, done)] if done else [])]
    if is_htmx(request):
        return ASGIResponse(status_code=204, headers=[("HX-Redirect", target), *headers])
    return ASGIResponse(status_code=303, media_type="text/plain", headers=[("Location", target), *headers])


def file_headers(name: str) -> dict[str, str]:
    """The headers of a file for whoever asked to save: no browser shows it, whatever is in it."""
    return {**dict(protection("")), "Content-Disposition": f'attachment; filename="{name}"'}


def error_page(
    request: Request[Any, Any, Any], status: int, heading: str, text: str, headers: Iterable[tuple[str, str]] = ()
) -> Response[str]:
    """Why a page of the console cannot be shown, or why something could not be done; asks the database nothing."""
    if is_htmx(request):
        said = dict([saying(text, bad=True), ("HX-Reswap", "none"), *headers])
        return Response("", status_code=status, media_type="text/plain", headers=said)
    nonce = secrets.token_urlsafe(16)
    values = {"shell": shell_of(request, principal_of(request)), "done": None, "heading": heading, "text": text}
    body = render_text("error.html", **{**_given(request, context_of(request).clock.now(), nonce), **values})
    return Response(body, status_code=status, media_type="text/html", headers=dict([*protection(nonce), *headers]))


async def _html(
    request: Request[Any, Any, Any],
    template: str,
    status: int,
    headers: Iterable[tuple[str, str]],
    values: Mapping[str, Any],
    now: int,
) -> ASGIResponse:
    nonce = secrets.token_urlsafe(16)
    body = await asyncio.to_thread(render_text, template, **{**_given(request, now, nonce), **values})
    return ASGIResponse(
        body=body.encode(), status_code=status, media_type=_HTML, headers=[*protection(nonce), *headers]
    )


def _given(request: Request[Any, Any, Any], now: int, nonce: str) -> dict[str, Any]:
    """What every template is given."""
    principal = principal_of(request)
    return {
        "may": principal.may,
        "principal": principal,
        "now": now,
        "zone": principal.zone,
        "csrf_token": session_of(request).csrf_token,
        "csp_nonce": nonce,
        "here": request.url.path,
        "query": request.url.query,
    }
