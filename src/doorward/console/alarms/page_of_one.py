"""The page of one alarm: what is wrong, why, what happened, and who did what about it."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request
from litestar.response.base import ASGIResponse

from doorward.alarms.kinds import CODES
from doorward.alarms.listing import details_of
from doorward.console.alarms.reading import assignees
from doorward.console.alarms.shown import card_of
from doorward.console.events.shown import shown as event_shown
from doorward.console.forms import Form
from doorward.console.page import show
from doorward.console.sites_and_doors import sites_and_doors
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.signing_in.current import session_of

_ACT: Final = "account.alarm"


async def show_alarm(request: Request[Any, Any, Any], alarm_id: int, form: Form | None = None) -> ASGIResponse:
    """The page; with a form that was refused, that form and what is wrong with it."""
    own_name = session_of(request).name

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        details = details_of(transaction, principal.account_id, alarm_id, by=principal)
        places = sites_and_doors(transaction, principal)
        may_act = principal.may(_ACT) and details.shown.alarm.state != "closed"
        able = assignees(transaction, principal, details.shown.site_id, own_name) if may_act else []
        alarm = details.shown.alarm
        if alarm.assignee_id is not None and all(user_id != alarm.assignee_id for user_id, _ in able):
            able.append((alarm.assignee_id, details.shown.assignee_name or ""))
        return {
            "card": card_of(details.shown, places),
            "notes": details.notes,
            "events": [event_shown(event, places) for event in details.events],
            "able": able,
        }

    status = 422 if form and form.errors else 200
    return await show(
        request,
        "alarms/alarm.html",
        read,
        status=status,
        form=form or Form(),
        codes=sorted(map(int, CODES)),
    )
