"""The list of people, and the page of one."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.lists import asked_page, paging_of
from doorward.console.page import fragment, is_htmx, show
from doorward.console.people import admitting, bulk, cards, commands, editing, enrolling, erasing, importing, photos
from doorward.console.people.doors import doors_of
from doorward.console.people.history import changes_of, events_of, zone_of
from doorward.console.people.person import belongings_of, portrait_of
from doorward.console.people.rows import choices_of, initials, rows_of, standing_of
from doorward.credentials.finding import card_lookup
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.people.finding import MOST_COUNTED, Wanted, find_people
from doorward.wire.context import context_of
from doorward.wire.queries import choice_of, id_of, path_id, text_of

_READ: Final = ("account.person.readonly",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_ENABLED: Final = {"enabled": True, "disabled": False}
_STATES: Final = (*_ENABLED, "no_credentials")


@get("/people", name="console.people", scopes=_READ, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """People by name, looked for and narrowed down; the rows alone for the script that asks as one types."""
    asked, query, vault = asked_page(request), request.query_params, context_of(request).vault
    text, state = text_of(query, "q") or "", choice_of(query, "state", _STATES)
    group_id, role_id, part = id_of(query, "group"), id_of(query, "role"), is_htmx(request)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        account_id = principal.account_id
        wanted = Wanted(
            text,
            card_lookup(vault, account_id, text) if text else "",
            group_id,
            role_id,
            _ENABLED.get(state or ""),
            state == "no_credentials",
        )
        found = find_people(transaction, account_id, wanted, asked)
        return {
            "rows": rows_of(transaction, found.ids),
            "paging": paging_of(request, asked, found.total),
            "is_more": found.is_more,
            **({} if part else {"choices": choices_of(transaction, account_id)}),
        }

    values: dict[str, Any] = {
        "standing_of": standing_of,
        "initials": initials,
        "filters": {"q": text, "group": group_id, "role": role_id, "state": state},
        "most_counted": MOST_COUNTED,
        "is_part": part,
    }
    if part:
        return await fragment(request, "people/rows.html", read, **values)
    return await show(request, "people/list.html", read, **values)


@get("/people/{person_id:str}", name="console.person", scopes=_READ, **_PAGE)
async def person_page(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Somebody: what they have, and which doors that opens."""
    number = path_id(person_id)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        portrait = portrait_of(transaction, principal.account_id, number)
        person = portrait.person
        has = belongings_of(transaction, principal, number, now)
        return {
            "portrait": portrait,
            "person": person,
            "standing": standing_of(person.enabled, person.valid_from, person.valid_to, principal, now),
            "initials": initials(person.first_name, person.last_name),
            "has": {kind: [each for each in has if each.kind == kind] for kind in _KINDS},
            "access": doors_of(transaction, principal, number, now) if principal.may(_CHANNELS) else None,
        }

    return await show(
        request, "people/person.html", read, admission=id_of(request.query_params, "admission"), facts=_FACTS
    )


@get("/people/{person_id:str}/history", name="console.person.history", scopes=_READ, **_PAGE)
async def history_page(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """What they did lately, and who changed them: a part of their page, or a page where there is no script."""
    number = path_id(person_id)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {
            "portrait": portrait_of(transaction, principal.account_id, number),
            "events": events_of(transaction, principal, number),
            "changes": changes_of(transaction, principal, number),
        }

    if is_htmx(request):
        return await fragment(request, "people/history.html", read, zone_of=zone_of)
    return await show(request, "people/history_page.html", read, zone_of=zone_of)


_CHANNELS: Final = "account.channel.readonly"
_KINDS: Final = ("credential", "group", "lent_group", "role", "reservation")
_FACTS: Final = (
    ("email", "E-mail"),
    ("telephone", "Telephone"),
    ("mobile", "Mobile"),
    ("department", "Department"),
    ("system_id", "System id"),
    ("barcode", "Barcode"),
    *((f"custom_{number}", f"Custom {number}") for number in range(1, 6)),
)

HANDLERS = (
    list_page,
    person_page,
    history_page,
    *editing.HANDLERS,
    *commands.HANDLERS,
    *erasing.HANDLERS,
    *cards.HANDLERS,
    *enrolling.HANDLERS,
    *photos.HANDLERS,
    *admitting.HANDLERS,
    *bulk.HANDLERS,
    *importing.HANDLERS,
)
