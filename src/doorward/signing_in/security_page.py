"""What the page /account/security shows."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import segno
from litestar import Request
from litestar.response.base import ASGIResponse

from doorward.applications.personal_tokens import PersonalToken, list_personal_tokens
from doorward.db.unit_of_work import Transaction
from doorward.kit.timestamps import local_datetime
from doorward.oauth.scope_words import SCOPE_WORDS
from doorward.pages.render import render
from doorward.signing_in import second_factor, sessions
from doorward.signing_in.access_given import LetIn, applications_let_in
from doorward.signing_in.current import BrowserSession
from doorward.signing_in.devices import device_name
from doorward.signing_in.next_page import OWN
from doorward.users.passwords import SHORTEST_PASSWORD
from doorward.wire.context import context_of

DONE: Final = {
    "password": "Your password was changed, and all other browsers were signed out.",
    "off": "The second factor is off.",
    "ended": "That browser was signed out.",
    "others": "All other browsers were signed out.",
    "disconnected": "The application was disconnected. It has no access in your name any more.",
    "revoked": "The token was revoked.",
}
"""What the page says after a form was sent, by the word in its address."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What was wrong with a form, and in which section of the page it stands; `retry_in` are seconds to wait."""

    section: str
    text: str
    retry_in: int | None = None

    @property
    def status(self) -> int:
        """Of the answer."""
        return 422 if self.retry_in is None else 429


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A second factor that waits for its first code."""

    secret: str
    """In groups of four, to be typed."""
    image: str
    """The QR code as a data URI."""


@dataclass(frozen=True, slots=True)
class ShownAccess:
    """An application or a personal access token that has access in the user's name, for people."""

    id: int
    name: str
    since: str
    until: str | None
    words: list[str]
    """What it may do."""


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

    def read(
        transaction: Transaction,
    ) -> tuple[second_factor.SecondFactor, list[sessions.ListedSession], list[LetIn], list[PersonalToken]]:
        return (
            second_factor.state_of(transaction, session.user_id),
            sessions.list_sessions(transaction, session.user_id, now),
            applications_let_in(transaction, session.user_id, now),
            list_personal_tokens(transaction, session, now),
        )

    factor, found, let_in, own_tokens = await context.database.read(read)
    secret = None if factor.enabled_at else second_factor.secret_of(context.vault, session.user_id, factor)
    enrolment = None if secret is None else await asyncio.to_thread(_enrolment, secret, session.email)
    retry_in = None if complaint is None else complaint.retry_in
    zone = ZoneInfo(session.time_zone)
    return render(
        "security.html",
        status=200 if complaint is None else complaint.status,
        headers=[] if retry_in is None else [("Retry-After", str(retry_in))],
        session=session,
        here=OWN,
        complaint=complaint,
        done=done,
        factor_on=factor.enabled_at is not None,
        codes_left=factor.recovery_codes_left,
        enrolment=enrolment,
        codes=codes,
        shortest=SHORTEST_PASSWORD,
        sessions=[_shown(each, zone, session.id) for each in found],
        applications=[_shown_application(each, zone) for each in let_in],
        tokens=[_shown_token(each, zone) for each in own_tokens],
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


def _shown_application(found: LetIn, zone: ZoneInfo) -> ShownAccess:
    return ShownAccess(found.application_id, found.name, _moment(found.since, zone), None, _in_words(found.scopes))


def _shown_token(found: PersonalToken, zone: ZoneInfo) -> ShownAccess:
    words = _in_words(frozenset(found.scopes.split()))
    return ShownAccess(found.id, found.name, _moment(found.created_at, zone), _moment(found.expires_at, zone), words)


def _in_words(scopes: frozenset[str]) -> list[str]:
    """What they let do, each once."""
    return list(dict.fromkeys(words for scope, words in SCOPE_WORDS.items() if scope in scopes))


def _moment(at: int, zone: ZoneInfo) -> str:
    moment = local_datetime(at, zone)
    return f"{moment.day} {moment:%B %Y, %H:%M}"
