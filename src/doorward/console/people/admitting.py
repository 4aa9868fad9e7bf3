"""Opening a door for somebody who stands before it: the door is chosen, decides, and opens once."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from sqlalchemy import Text, bindparam, or_, select

from doorward.admissions.service import Admission, decide_admission, get_admission, request_admission_of
from doorward.channels.tables import channels
from doorward.console.doors.reading import pattern_of
from doorward.console.forms import sent
from doorward.console.page import fragment, go, is_htmx, show
from doorward.console.people.person import portrait_of
from doorward.console.people.rows import Standing
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.decision.verdict import Verdict
from doorward.decision.wording import reasons_of
from doorward.kit.errors import BadRequest, NotFound
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to
from doorward.sites.tables import sites
from doorward.wire.changes import perform
from doorward.wire.context import context_of, principal_of
from doorward.wire.queries import path_id, text_of

_ADMIT: Final[Mapping[str, Any]] = {
    "scopes": ("account.channel.admit.person",),
    "also_scopes": ("account.person.readonly", "account.channel.readonly"),
    "page": True,
    "hidden": True,
}
_MOST: Final = 50
_STANDINGS: Final = {
    "pending": Standing("plain", "Asked", "hourglass"),
    "admitted": Standing("good", "Opened", "circle-check"),
    "denied": Standing("bad", "Refused by the door", "ban"),
    "offline": Standing("off", "The door is offline", "wifi-off"),
    "timeout": Standing("late", "The door did not answer", "clock-exclamation"),
}


class _Door(NamedTuple):
    """A door that can be chosen."""

    id: int
    name: str
    site: str


_PATTERN: Final = bindparam("pattern", type_=Text)
_DOORS: Final = Query(
    select(channels.c.id, channels.c.name, sites.c.name)
    .join(sites, sites.c.id == channels.c.site_id)
    .where(VISIBLE, or_(_PATTERN == "", channels.c.name_key.like(_PATTERN, escape="\\")))
    .order_by(channels.c.name_key, channels.c.id)
    .limit(_MOST),
    _Door,
)


@get("/people/{person_id:str}/admit", name="console.person.admitForm", **_ADMIT)
async def doors_page(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """The doors, each with a button; some of them by a part of their names."""
    return await _doors(request, path_id(person_id))


@post("/people/{person_id:str}/admit", name="console.person.admit", **_ADMIT)
async def admit(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Ask a door to open once for the person; say why, if they may not pass."""
    form, number = await sent(request), path_id(person_id)
    channel_id = form.body(numbers=("channel_id",))["channel_id"]
    if not isinstance(channel_id, int):
        raise BadRequest("Choose a door")
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()

    # Deciding reads much: it is done before, so that no other write waits for it. The door decides again.
    def decide(transaction: Transaction) -> Verdict:
        return decide_admission(transaction, principal, channel_id, number, now)

    verdict = await context.database.read(decide)

    def ask(transaction: Transaction, by: Principal, now: int) -> Admission | None:
        return request_admission_of(transaction, by, channel_id, verdict, now)

    made = await perform(request, ask)
    if made is None:
        refused = f"{verdict.channel.name} stays shut. {' '.join(text for _, text in reasons_of(verdict))}"
        return await _doors(request, number, refused)
    return go(
        request,
        f"/console/people/{number}?admission={made.id}",
        f"{made.channel_name} was asked to open for {made.person_name}.",
    )


@get("/people/{person_id:str}/admissions/{admission_id:str}", name="console.person.admission", **_ADMIT)
async def admission_page(
    request: Request[Any, Any, Any], person_id: FromPath[str], admission_id: FromPath[str]
) -> ASGIResponse:
    """What became of it."""
    person, number = path_id(person_id), path_id(admission_id)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        found = get_admission(transaction, principal, number, now)
        if found.person_id not in (None, person):
            raise NotFound
        portrait = portrait_of(transaction, principal.account_id, person)
        return {"portrait": portrait, "admission": found, "standing": _STANDINGS[found.status]}

    if is_htmx(request):
        return await fragment(request, "people/admission.html", read)
    return await show(request, "people/admission_page.html", read)


async def _doors(request: Request[Any, Any, Any], person_id: int, refused: str = "") -> ASGIResponse:
    text = text_of(request.query_params, "q") or ""

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {
            "portrait": portrait_of(transaction, principal.account_id, person_id),
            "doors": transaction.all(_DOORS, pattern=pattern_of(text), **visible_to(principal)),
        }

    values: dict[str, Any] = {"q": text, "refused": refused, "most": _MOST}
    if is_htmx(request):
        return await fragment(request, "people/admit_doors.html", read, **values)
    return await show(request, "people/admit.html", read, status=403 if refused else 200, **values)


HANDLERS = (doors_page, admit, admission_page)
