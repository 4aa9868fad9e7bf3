"""The page /console/lockdown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from litestar import Request, get, post
from litestar.response.base import ASGIResponse
from sqlalchemy import bindparam, case, func, or_, select

from doorward.channels.confirming import DoorConfirmation, confirmations, unconfirmed
from doorward.channels.lockdown import DEFAULTS, lift, lock_down
from doorward.channels.tables import channels
from doorward.console.doors.parts import COMMAND, PAGE, READ
from doorward.console.forms import Form, sent
from doorward.console.moments import counted
from doorward.console.page import fragment, go, show
from doorward.console.preferences import chosen_site
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import BadRequest, Forbidden, NotFound
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to
from doorward.sites.tables import sites
from doorward.wire.changes import perform
from doorward.wire.queries import path_id

_PATH: Final = "/console/lockdown"
_ALL: Final = "all"
_MOST_SHOWN: Final = 200


class Place(NamedTuple):
    """A site with doors that the user sees, how many these are, and how many of them are locked down."""

    id: int
    name: str
    doors: int
    locked_down: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the doors of a place have followed; those that have not come first, `shown` are the first of them."""

    total: int
    locked_down: int
    confirmed: int
    waiting: int
    offline: int
    shown: list[tuple[DoorConfirmation, str]]
    """Each with "confirmed", "waiting" or "offline"."""

    @property
    def hidden(self) -> int:
        """How many are not shown."""
        return self.total - len(self.shown)


_PLACES: Final = Query(
    select(
        sites.c.id,
        sites.c.name,
        func.count(),
        func.sum(
            case(
                (or_(channels.c.card_lockdown == 1, channels.c.rex_lockdown == 1, channels.c.aux_lockdown == 1), 1),
                else_=0,
            )
        ),
    )
    .select_from(channels.join(sites, sites.c.id == channels.c.site_id))
    .where(VISIBLE, channels.c.account_id == bindparam("account_id"))
    .group_by(sites.c.id, sites.c.name)
    .order_by(sites.c.name, sites.c.id),
    lambda the_id, name, doors, locked_down: Place(the_id, name, int(doors), int(locked_down)),
)


@get("/lockdown", name="console.lockdown", scopes=READ, **PAGE)
async def lockdown_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Which place, how it stands there, and what can be done."""
    return await _page(request, Form(DEFAULTS))


@get("/lockdown/progress", name="console.lockdown.progress", scopes=READ, **PAGE)
async def progress(request: Request[Any, Any, Any]) -> ASGIResponse:
    """How far the doors have followed."""
    site_id = _asked(request.query_params.get("where", ""))

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        places = transaction.all(_PLACES, **visible_to(principal))
        place = _place(places, principal, site_id)
        return {"place": place, "progress": _progress(transaction, principal, site_id, now)}

    return await fragment(request, "lockdown/progress.html", read, where=_where(site_id))


@post("/lockdown", name="console.lockdown.set", scopes=COMMAND, urgent=True, **PAGE)
async def lock(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Lock all doors of a place down."""
    form = await sent(request)
    site_id = _asked(form.text("where"))
    body = form.body(flags=DEFAULTS)
    try:
        outcome = await perform(
            request, lambda tx, by, now: lock_down(tx, by.account_id, body, now, site_id=site_id, by=by)
        )
    except BadRequest:
        return await _page(request, Form(body, {"": ["Nothing was chosen to be refused."]}), _where(site_id))
    told = f"{counted(outcome.changed, 'door is', 'doors are')} being locked down."
    return go(request, f"{_PATH}?where={_where(site_id)}", told)


@post("/lockdown/lift", name="console.lockdown.lift", scopes=COMMAND, urgent=True, **PAGE)
async def lift_it(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Lift the lockdown of all doors of a place."""
    form = await sent(request)
    site_id = _asked(form.text("where"))
    outcome = await perform(request, lambda tx, by, now: lift(tx, by.account_id, now, site_id=site_id, by=by))
    told = f"The lockdown of {counted(outcome.changed, 'door is', 'doors is')} being lifted."
    return go(request, f"{_PATH}?where={_where(site_id)}", told)


async def _page(request: Request[Any, Any, Any], form: Form, where: str | None = None) -> ASGIResponse:
    asked = request.query_params.get("where") if where is None else where
    chosen = chosen_site(request)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        places = transaction.all(_PLACES, **visible_to(principal))
        site_id = _asked(asked) if asked is not None else _usual(places, principal, chosen)
        found: dict[str, object] = {"places": places, "where": _where(site_id), "place": None, "progress": None}
        if places:
            found["place"] = _place(places, principal, site_id)
            found["progress"] = _progress(transaction, principal, site_id, now)
        return found

    status = 422 if form.errors else 200
    return await show(request, "lockdown/lockdown.html", read, status=status, form=form)


def _usual(places: list[Place], principal: Principal, chosen: int | None) -> int | None:
    """What is shown if nobody says: the chosen site, else the only one, else (None) everything, if that is theirs."""
    ids = [place.id for place in places]
    if chosen in ids:
        return chosen
    return ids[0] if ids and (len(ids) == 1 or principal.site_limited) else None


def _asked(text: str) -> int | None:
    return None if text in ("", _ALL) else path_id(text)


def _where(site_id: int | None) -> str:
    return _ALL if site_id is None else str(site_id)


def _place(places: list[Place], principal: Principal, site_id: int | None) -> Place:
    """The place that is asked for. Raises NotFound, or Forbidden for everything to whoever is limited to sites."""
    if site_id is None:
        if principal.site_limited:
            raise Forbidden
        doors, locked_down = (sum(place.doors for place in places), sum(place.locked_down for place in places))
        return Place(0, "all sites", doors, locked_down)
    found = next((place for place in places if place.id == site_id), None)
    if found is None:
        raise NotFound
    return found


def _progress(transaction: Transaction, principal: Principal, site_id: int | None, now: int) -> Progress:
    doors = confirmations(transaction, principal.account_id, site_id)
    others = dict(unconfirmed(doors, now))
    standing: list[tuple[DoorConfirmation, str]] = [(door, others.get(door, "confirmed")) for door in doors]
    order = {"offline": 0, "waiting": 1, "confirmed": 2}
    standing.sort(key=lambda each: (order[each[1]], not each[0].is_locked_down, each[0].name))
    words = [word for _, word in standing]
    return Progress(
        len(doors),
        sum(door.is_locked_down for door in doors),
        words.count("confirmed"),
        words.count("waiting"),
        words.count("offline"),
        standing[:_MOST_SHOWN],
    )


HANDLERS = (lockdown_page, progress, lock, lift_it)
