"""Who was denied, and why: by reason, with doors or people."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import show
from doorward.console.reports import charts
from doorward.console.reports.asked import PAGE, asked_of, sheet_response
from doorward.db.unit_of_work import Transaction
from doorward.decision.wording import event_label
from doorward.events.codes import name_of
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.reports import sheets
from doorward.reports.denied import DeniedAtDoor, DeniedPerson, denied_at_doors, denied_people
from doorward.wire.context import context_of, principal_of
from doorward.wire.queries import choice_of

_SIZE: Final = 100
_MOST_ROWS: Final = 10_000
_ALL: Final = Page(paged=False)
_OF: Final = ("channel", "person")


def reason_words(code: int) -> str:
    """Why, in words: "out of hours", "unknown card"."""
    label = event_label(code, "the door", None)
    words = label.removeprefix("Somebody rejected, ").removesuffix(" rejected")
    return words[:1].upper() + words[1:] if words != label else name_of(code)


@get("/reports/denied", name="console.reports.denied", **PAGE)
async def denied_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The reasons as bars, and doors or people most often denied."""
    page, of = asked_page(request, _SIZE), choice_of(request.query_params, "by", _OF) or "channel"

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        asked = asked_of(request, transaction, principal, now)
        doors, total = denied_at_doors(
            transaction, principal.account_id, asked.scope, _ALL, channel_ids=asked.channel_ids, by=principal
        )
        rows: list[DeniedAtDoor] | list[DeniedPerson] = doors[page.offset : page.offset + page.limit]
        if of == "person":
            rows, total = denied_people(
                transaction, principal.account_id, asked.scope, page, channel_ids=asked.channel_ids, by=principal
            )
        reasons = _reasons(doors)
        return {
            "asked": asked,
            "form": Form({**asked.filters, "by": of}, asked.errors),
            "by": of,
            "rows": rows,
            "reason_words": reason_words,
            "paging": paging_of(request, page, total),
            "reasons": reasons,
            "times": sum(times for _, times in reasons),
            "site_names": {site.id: site.name for site in asked.places.sites},
            "chart": charts.bars_across(
                [word for word, _ in reasons], [times for _, times in reasons], "times denied", "var(--bad)"
            ),
            "sheet": asked.sheet(by=of),
        }

    async with context_of(request).long_reads:
        return await show(request, "reports/denied.html", read)


def _reasons(doors: list[DeniedAtDoor]) -> list[tuple[str, int]]:
    """Each reason with how often, most often first."""
    counted: Counter[int] = Counter()
    for door in doors:
        counted[door.event_code] += door.times
    return [(reason_words(code), times) for code, times in counted.most_common()]


@get("/reports/denied/sheet", name="console.reports.denied.sheet", **PAGE)
async def denied_sheet(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The same as CSV."""
    context, principal = context_of(request), principal_of(request)
    now, of = context.clock.now(), choice_of(request.query_params, "by", _OF)

    def read(transaction: Transaction) -> ASGIResponse:
        asked = asked_of(request, transaction, principal, now)
        which = (transaction, principal.account_id, asked.scope, Page(1, _MOST_ROWS))
        if of == "person":
            people, _ = denied_people(*which, channel_ids=asked.channel_ids, by=principal)
            return sheet_response([sheets.DENIED_PEOPLE, *sheets.denied_people_rows(asked.scope, people)], "denied")
        doors, _ = denied_at_doors(*which, channel_ids=asked.channel_ids, by=principal)
        return sheet_response([sheets.DENIED_AT_DOORS, *sheets.denied_door_rows(asked.scope, doors)], "denied")

    async with context.long_reads:
        return await context.database.read(read)


DENIED_HANDLERS: Final = (denied_page, denied_sheet)
