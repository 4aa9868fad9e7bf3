"""What the page /account/security shows."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import segno
from litestar import Request
from litestar.response.base import ASGIResponse

from doorward.db.unit_of_work import Transaction
from doorward.kit.timestamps import local_datetime
from doorward.pages.render import render
from doorward.signing_in import second_factor, sessions
from doorward.signing_in.current import BrowserSession
from doorward.signing_in.devices import device_name
from doorward.signing_in.next_page import HOME
from doorward.users.passwords import SHORTEST_PASSWORD
from doorward.wire.context import context_of

DONE: Final = {
    "password": "Your password was changed, and all other browsers were signed out.",
    "off": "The second factor is off.",
    "ended": "That browser was signed out.",
    "others": "All other browsers were signed out.",
}
"""What the page says after a form was sent, by the word in its address."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What was wrong with a form, and in which section of the page it stands."""

    section: str
    text: str
    status: int = 422
    retry_in: int | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A second factor that waits for its first code."""

    secret: str
    """In groups of four, to be typed."""
    image: str
    """The QR code as a data URI."""


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A signed-in browser, for people."""

    id: int
    name: str
    address: str
    since: str
    last_used: str
    is_this: bool


async def show_security_page(
    request: Request[Any, Any, Any],
    session: BrowserSession,
    *,
    complaint: Complaint | None = None,
    codes: list[str] | None = None,
    done: str | None = None,
) -> ASGIResponse:
    """The page; `codes` are new recovery codes, which are shown this once."""
    context = context_of(request)
    now = context.clock.now()

    def read(transaction: Transaction) -> tuple[second_factor.SecondFactor, list[sessions.ListedSession]]:
        return (
            second_factor.state_of(transaction, session.user_id),
            sessions.list_sessions(transaction, session.user_id, now),
        )

    factor, found = await context.database.read(read)
    secret = None if factor.enabled_at else second_factor.secret_of(context.vault, session.user_id, factor)
    enrolment = None if secret is None else await asyncio.to_thread(_enrolment, secret, session.email)
    retry_in = None if complaint is None else complaint.retry_in
    zone = ZoneInfo(session.time_zone)
    return render(
        "security.html",
        status=200 if complaint is None else complaint.status,
        headers=[] if retry_in is None else [("Retry-After", str(retry_in))],
        session=session,
        here=HOME,
        complaint=complaint,
        done=done,
        factor_on=factor.enabled_at is not None,
        codes_left=factor.recovery_codes_left,
        enrolment=enrolment,
        codes=codes,
        shortest=SHORTEST_PASSWORD,
        sessions=[_shown(each, zone, session.id) for each in found],
    )


def _enrolment(secret: str, email: str) -> Enrolment:
    code = segno.make(second_factor.enrolment_uri(secret, email), error="m", micro=False)
    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return Enrolment(groups, code.svg_data_uri(border=1))


def _shown(found: sessions.ListedSession, zone: ZoneInfo, this: int) -> ShownSession:
    return ShownSession(
        found.id,
        device_name(found.user_agent),
        found.address,
        _moment(found.created_at, zone),
        _moment(found.last_used_at, zone),
        found.id == this,
    )


def _moment(at: int, zone: ZoneInfo) -> str:
    moment = local_datetime(at, zone)
    return f"{moment.day} {moment:%B %Y, %H:%M}"
