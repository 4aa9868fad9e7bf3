"""Secrets that are shown once: in the page that answers the form, never in an address or a cookie."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from litestar import Request
from litestar.response.base import ASGIResponse

from doorward.console.page import show


class Secret(NamedTuple):
    """Something to be copied now; `hint` says what it is for."""

    name: str
    label: str
    value: str
    hint: str = ""

    def __repr__(self) -> str:
        return f"Secret({self.name!r})"


async def show_once(
    request: Request[Any, Any, Any],
    heading: str,
    secrets: Sequence[Secret],
    *,
    back: str,
    back_label: str,
    text: str = "",
) -> ASGIResponse:
    """A page with the secrets, from which one goes on to `back`."""
    return await show(
        request, "once.html", heading=heading, secrets=secrets, back=back, back_label=back_label, text=text
    )
