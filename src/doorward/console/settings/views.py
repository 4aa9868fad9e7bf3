"""The page /console/settings, and the forms on it."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.response.base import ASGIResponse

from doorward.accounts.service import get_account, update_account
from doorward.console.forms import Form, again, sent
from doorward.console.page import go, show
from doorward.console.settings.record import MOST_VERIFIED, Checked, events_of, verify_record
from doorward.console.settings.test_mail import send_test
from doorward.console.whole_account import whole_account
from doorward.db.unit_of_work import Transaction
from doorward.events.retention import MOST_DAYS, Retention, get_retention, set_retention
from doorward.kit.errors import Invalid
from doorward.kit.public_ids import encode
from doorward.kit.timestamps import known_zones
from doorward.oauth.principal import Principal
from doorward.signing_in.current import session_of
from doorward.webhooks.sending import Outcome
from doorward.wire.changes import perform
from doorward.wire.context import context_of

_SETTINGS: Final = ("account.settings",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_HERE: Final = "/console/settings"


@get("/settings", name="console.settings", scopes=_SETTINGS, **_PAGE)
async def settings_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """All settings of the account."""
    return await _settings(request)


@post("/settings", name="console.settings.update", scopes=_SETTINGS, **_PAGE)
async def update(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Change the account."""
    form = await sent(request)
    body = form.body(texts=("name", "time_zone"), flags=("monitored", "passport_enabled"))
    try:
        await perform(request, lambda tx, by, now: update_account(tx, by, body, now))
    except Invalid as error:
        return await _settings(request, account=again(form, error))
    return go(request, _HERE, "The account was saved.")


@get("/settings/retention", name="console.settings.retention", scopes=_SETTINGS, **_PAGE)
async def retention_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """For how long events are kept, and what a change does."""
    return await _retention(request, None)


@post("/settings/retention", name="console.settings.keep", scopes=_SETTINGS, **_PAGE)
async def keep(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Keep events for so long."""
    form = await sent(request)
    body = form.body(numbers=("days",))

    def set_it(transaction: Transaction, by: Principal, now: int) -> Retention:
        return set_retention(transaction, by.account_id, body, now, by=by)

    try:
        kept = (await perform(request, set_it)).event_retention_days
    except Invalid as error:
        return await _retention(request, again(form, error))
    return go(request, _HERE, f"Events are kept for {kept} days." if kept else "Events are kept for ever.")


@post("/settings/test-mail", name="console.settings.testMail", scopes=_SETTINGS, **_PAGE)
async def test_mail(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Send a mail to who asks, and say what came of it."""
    whole_account(request)
    await sent(request)
    session, context = session_of(request), context_of(request)
    outcome = await send_test(context.edge.mail_server, session.email, session.account_name, context.clock.now())
    return await _settings(request, mailed=outcome)


@post("/settings/verify", name="console.settings.verify", scopes=_SETTINGS, **_PAGE)
async def verify(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Read the whole record of events and say whether somebody has meddled with it."""
    principal = whole_account(request)
    await sent(request)
    return await _settings(request, checked=await verify_record(context_of(request), principal.account_id))


async def _settings(
    request: Request[Any, Any, Any],
    *,
    account: Form | None = None,
    mailed: Outcome | None = None,
    checked: Checked | None = None,
) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found = get_account(transaction, principal.account_id)
        return {
            "account": found,
            "public_id": encode("account", found.id),
            "form": account or Form(found._asdict()),
            "kept_days": get_retention(transaction, found.id).event_retention_days,
            "events": events_of(transaction, found.id),
        }

    return await show(
        request,
        "settings/settings.html",
        read,
        status=422 if account else 200,
        zones=[(name, name) for name in sorted(known_zones())],
        mail_server=context_of(request).edge.mail_server,
        mailed=mailed,
        checked=checked,
        most_verified=MOST_VERIFIED,
    )


async def _retention(request: Request[Any, Any, Any], form: Form | None) -> ASGIResponse:
    whole_account(request)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        days = get_retention(transaction, principal.account_id).event_retention_days
        return {"form": form or Form({"days": days}), "kept_days": days}

    return await show(request, "settings/retention.html", read, status=422 if form else 200, most_days=MOST_DAYS)


HANDLERS = (settings_page, update, retention_page, keep, test_mail, verify)
