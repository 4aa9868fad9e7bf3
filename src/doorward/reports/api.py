"""Routes of /api/3/reports, all ours: what the record says in sum, as JSON or CSV."""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from typing import Any, Final, TypeVar

from litestar import Request, Router, get
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from doorward.accounts.service import get_account
from doorward.db.unit_of_work import Transaction, Work
from doorward.decision.zones import DAY_MS
from doorward.kit.csv_lines import csv_lines
from doorward.kit.errors import BadRequest, Forbidden
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.oauth.tokens import authenticate_again
from doorward.reports import sheets, wire
from doorward.reports.attendance import attendance, attendance_of, attendance_on, days_from
from doorward.reports.denied import denied_at_doors, denied_people
from doorward.reports.door_activity import door_activity
from doorward.reports.muster import muster
from doorward.reports.scope import MOST_DAYS, USUAL_DAYS, Scope, scope_of
from doorward.reports.unused_credentials import unused_credentials
from doorward.wire.context import Context, context_of, principal_of
from doorward.wire.docs import IDS, Docs, Other, Parameter
from doorward.wire.queries import boolean, choice_of, day_of, id_of, ids_of, short_page_of
from doorward.wire.responses import encoded, encoded_response, page_response

_T = TypeVar("_T")

_READ: Final = ("account.reports.readonly",)
_CSV: Final = "csv"
_FORMATS: Final = ("json", _CSV)
_CSV_TYPE: Final = "text/csv"
_SHEET: Final = (Other(_CSV_TYPE),)
_ROWS: Final = 1000
_MOST_ROWS: Final = 10_000
_UNUSED_DAYS: Final = 90
_MOST_UNUSED_DAYS: Final = 3660

_DAY: Final = {"type": "string", "format": "date"}
_WHOLE: Final = {"type": "integer", "minimum": 1}
_FORMAT: Final = Parameter("format", {"type": "string", "enum": list(_FORMATS), "default": "json"}, "JSON or CSV.")
_SITES: Final = Parameter("site_ids", IDS, "Only of these sites.")
_CHANNELS: Final = Parameter("channels", IDS, "Only of these channels.")
_DAYS: Final = (
    Parameter("from", _DAY, f"The first local day; {USUAL_DAYS} days up to the last if it is not given."),
    Parameter("to", _DAY, f"The last local day, which is in it; at most {MOST_DAYS} in all. Today if it is not given."),
)
_MANY: Final = Parameter("n", {**_WHOLE, "default": _ROWS}, f"How many rows; over {_MOST_ROWS} counts as {_MOST_ROWS}.")
_PAGE: Final = (Parameter("page", {**_WHOLE, "default": 1}, "Which page, from 1."), _MANY)
_OF_SITES: Final = "Days are local days of each site, whose time zone is named. "

_ATTENDANCE: Final = Docs(
    "Report when people came and went",
    {200: wire.AttendanceReport},
    other_answers=_SHEET,
    parameters=(
        *_DAYS,
        _SITES,
        Parameter("person_id", _WHOLE, "Only of this person."),
        _MANY._replace(text="After how many rows to end with a day; CSV has all days in any case."),
        _FORMAT,
    ),
    ours=True,
    description=_OF_SITES + "By who was admitted by name: the first time through a door that does not lead out of the "
    "site, the last time through one that does (from an area to none), the last time at all. If not all days are in "
    "the answer, `next_from` is the day to go on with.",
)
_MUSTER: Final = Docs(
    "Report who is in",
    {200: wire.MusterReport},
    other_answers=_SHEET,
    parameters=(
        _SITES,
        Parameter("page", {**_WHOLE, "default": 1}, "Which page of each area's people, from 1."),
        _MANY._replace(text=f"How many people of each area; over {_MOST_ROWS} counts as {_MOST_ROWS}."),
        _FORMAT,
    ),
    ours=True,
    description="By the doors that lead from one area to another: whoever follows somebody through is not seen. Who "
    "was forgiven for anti-passback is not in it until a door sees them again.",
)
_ACTIVITY: Final = Docs(
    "Report how many were admitted and denied at each door, by hour and weekday",
    {200: wire.DoorActivityReport},
    other_answers=_SHEET,
    parameters=(*_DAYS, _SITES, _CHANNELS, *_PAGE, _FORMAT),
    paged=True,
    ours=True,
    description=_OF_SITES + "An hour that the clock strikes twice counts as the one hour that it is called.",
)
_DENIED: Final = Docs(
    "Report who was denied, and why",
    {200: wire.DeniedReport},
    other_answers=_SHEET,
    parameters=(
        *_DAYS,
        _SITES,
        _CHANNELS,
        Parameter("by", {"type": "string", "enum": ["channel", "person"], "default": "channel"}, "Of what to count."),
        *_PAGE,
        _FORMAT,
    ),
    paged=True,
    ours=True,
    description=_OF_SITES + "Most often first.",
)
_UNUSED: Final = Docs(
    "Report credentials that nobody uses",
    {200: wire.UnusedReport},
    other_answers=_SHEET,
    parameters=(
        Parameter(
            "days",
            {**_WHOLE, "maximum": _MOST_UNUSED_DAYS, "default": _UNUSED_DAYS},
            "With which nobody has been admitted for so many days, and that there were before.",
        ),
        Parameter("never", {"type": "boolean"}, "Only those with which nobody ever has."),
        *_PAGE,
        _FORMAT,
    ),
    paged=True,
    ours=True,
    description="As far as the record goes back. Not for users who are limited to sites: it is of the whole account.",
)


@get("/reports/attendance", name="reportAttendance", scopes=_READ, docs=_ATTENDANCE)
async def report_attendance(request: Request[Any, Any, Any]) -> ASGIResponse:
    """First in and last out, a day at a time, so that nobody waits for a report of a year."""
    context, principal, query = context_of(request), principal_of(request), request.query_params
    person_id, most = id_of(query, "person_id"), short_page_of(query, default=_ROWS, largest=_MOST_ROWS).size
    account_id = principal.account_id
    if _is_csv(query):
        scope = await _read(context, _scope(context, principal, query))
        parts = _attendance_sheet(context, principal, scope, person_id)
        return ASGIStreamingResponse(iterator=parts, media_type=_CSV_TYPE, headers=_file("attendance"))
    wanted = _scope(context, principal, query)

    def read(transaction: Transaction) -> bytes:
        scope = wanted(transaction)
        if person_id is not None:
            return encoded(
                wire.attendance_report(scope, attendance_of(transaction, account_id, scope, person_id), None)
            )
        found, after = attendance(transaction, account_id, scope, most)
        return encoded(wire.attendance_report(scope, found, None if after is None else after.isoformat()))

    return encoded_response(await _read(context, read))


@get("/reports/muster", name="reportMuster", scopes=_READ, docs=_MUSTER)
async def report_muster(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Who is in, now."""
    context, principal, query = context_of(request), principal_of(request), request.query_params
    page, is_csv, now = short_page_of(query, default=_ROWS, largest=_MOST_ROWS), _is_csv(query), context.clock.now()
    wanted = _scope(context, principal, {"site_ids": ",".join(map(str, ids_of(query, "site_ids")))})

    def read(transaction: Transaction) -> bytes:
        found = muster(transaction, principal.account_id, wanted(transaction), page)
        if is_csv:
            return csv_lines([sheets.MUSTER, *sheets.muster_rows(found)])
        return encoded(wire.muster_report(now, found))

    # In an emergency it waits for no report: it is short.
    body = await context.database.read(read)
    return _sheet(body, "muster") if is_csv else encoded_response(body)


@get("/reports/door_activity", name="reportDoorActivity", scopes=_READ, docs=_ACTIVITY)
async def report_door_activity(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Admitted and denied, by hour and weekday."""
    context, principal, query = context_of(request), principal_of(request), request.query_params
    page, is_csv, wanted = _page(query), _is_csv(query), _scope(context, principal, query)
    channel_ids = ids_of(query, "channels") or None

    def read(transaction: Transaction) -> tuple[bytes, int]:
        scope = wanted(transaction)
        found, total = door_activity(
            transaction, principal.account_id, scope, page, channel_ids=channel_ids, by=principal
        )
        if is_csv:
            return csv_lines([sheets.DOOR_ACTIVITY, *sheets.door_activity_rows(scope, found)]), total
        return encoded(wire.door_activity_report(scope, found)), total

    return _answer(request, *await _read(context, read), page, "door_activity", is_csv)


@get("/reports/denied", name="reportDenied", scopes=_READ, docs=_DENIED)
async def report_denied(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Denied, by reason and door or person."""
    context, principal, query = context_of(request), principal_of(request), request.query_params
    page, is_csv, wanted = _page(query), _is_csv(query), _scope(context, principal, query)
    channel_ids, of_people = (
        ids_of(query, "channels") or None,
        choice_of(query, "by", ("channel", "person")) == "person",
    )

    def read(transaction: Transaction) -> tuple[bytes, int]:
        scope = wanted(transaction)
        asked = (transaction, principal.account_id, scope, page)
        if of_people:
            people, total = denied_people(*asked, channel_ids=channel_ids, by=principal)
            if is_csv:
                return csv_lines([sheets.DENIED_PEOPLE, *sheets.denied_people_rows(scope, people)]), total
            return encoded(wire.denied_report(scope, people)), total
        doors, total = denied_at_doors(*asked, channel_ids=channel_ids, by=principal)
        if is_csv:
            return csv_lines([sheets.DENIED_AT_DOORS, *sheets.denied_door_rows(scope, doors)]), total
        return encoded(wire.denied_report(scope, doors)), total

    return _answer(request, *await _read(context, read), page, "denied", is_csv)


@get("/reports/unused_credentials", name="reportUnusedCredentials", scopes=_READ, docs=_UNUSED)
async def report_unused_credentials(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Credentials that nobody uses."""
    context, principal, query = context_of(request), principal_of(request), request.query_params
    if principal.site_limited:
        raise Forbidden
    page, is_csv, never = _page(query), _is_csv(query), boolean(query, "never")
    before = context.clock.now() - _days(query) * DAY_MS

    def read(transaction: Transaction) -> tuple[bytes, int]:
        zone = get_account(transaction, principal.account_id).time_zone
        found, total = unused_credentials(transaction, principal.account_id, page, before=before, never=never)
        if is_csv:
            return csv_lines([sheets.UNUSED, *sheets.unused_rows(zone, found)]), total
        return encoded(wire.unused_report(before, zone, found)), total

    return _answer(request, *await _read(context, read), page, "unused_credentials", is_csv)


async def _read(context: Context, work: Work[_T]) -> _T:
    """Read, perhaps for long: one report at a time."""
    async with context.long_reads:
        return await context.database.read(work)


async def _attendance_sheet(
    context: Context, principal: Principal, scope: Scope, person_id: int | None
) -> AsyncIterator[bytes]:
    """The lines of all days, a day read at a time, or of one person's at once.

    Raises Unauthorized where the token has ended meanwhile: then the file is not whole.
    """
    account_id = principal.account_id
    yield csv_lines([sheets.ATTENDANCE])
    if person_id is not None:
        found = await _read(context, lambda tx: attendance_of(tx, account_id, scope, person_id))
        yield csv_lines(sheets.attendance_rows(scope, found))
        return
    for day in days_from(scope):

        def read(transaction: Transaction, day: date = day) -> bytes:
            authenticate_again(transaction, principal, context.clock.now()).require(*_READ)
            return csv_lines(sheets.attendance_rows(scope, attendance_on(transaction, account_id, scope, day)))

        if part := await _read(context, read):
            yield part


def _scope(context: Context, principal: Principal, query: Mapping[str, str]) -> Work[Scope]:
    """What to read for the report's scope. Raises BadRequest, as that does."""
    first, last = (_day(query, name) for name in ("from", "to"))
    site_ids, now = ids_of(query, "site_ids") or None, context.clock.now()
    return lambda transaction: scope_of(
        transaction, principal.account_id, now, first=first, last=last, site_ids=site_ids, by=principal
    )


def _day(query: Mapping[str, str], name: str) -> date | None:
    text = day_of(query, name)
    return None if text is None else date.fromisoformat(text)


def _days(query: Mapping[str, str]) -> int:
    days = id_of(query, "days") or _UNUSED_DAYS
    if days > _MOST_UNUSED_DAYS:
        raise BadRequest(f"The parameter days must be at most {_MOST_UNUSED_DAYS}")
    return days


def _page(query: Mapping[str, str]) -> Page:
    return short_page_of(query, default=_ROWS, largest=_MOST_ROWS)


def _is_csv(query: Mapping[str, str]) -> bool:
    return choice_of(query, "format", _FORMATS) == _CSV


def _answer(
    request: Request[Any, Any, Any], body: bytes, total: int, page: Page, name: str, is_csv: bool
) -> ASGIResponse:
    """A page of a report."""
    if is_csv:
        return page_response(request, body, total, page, size_name="n", media_type=_CSV_TYPE, headers=_file(name))
    return page_response(request, body, total, page, size_name="n")


def _sheet(body: bytes, name: str) -> ASGIResponse:
    return ASGIResponse(body=body, media_type=_CSV_TYPE, headers=_file(name))


def _file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}.csv"'}


router = Router(
    "/api/3",
    route_handlers=[
        report_attendance,
        report_muster,
        report_door_activity,
        report_denied,
        report_unused_credentials,
    ],
)
