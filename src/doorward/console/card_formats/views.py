"""The page /console/card-formats: what formats there are, and at which doors they are read."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from litestar import Request, get
from litestar.response.base import ASGIResponse
from sqlalchemy import select

from doorward.channels.tables import channels
from doorward.console.card_formats.drawing import blocks_of, words_of
from doorward.console.page import show
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.decision.card_formats import CARD_FORMATS
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to

_MOST_DOORS: Final = 1_000


class _Door(NamedTuple):
    id: int
    name: str
    card_format: str


_DOORS: Final = Query(
    select(channels.c.id, channels.c.name, channels.c.card_format)
    .where(VISIBLE, channels.c.card_format.is_not(None))
    .order_by(channels.c.name, channels.c.id)
    .limit(_MOST_DOORS),
    _Door,
)


@get("/card-formats", name="console.cardFormats", scopes=("account.channel.readonly",), page=True, hidden=True)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The formats, drawn, and the doors that read them."""

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        doors: dict[str, list[_Door]] = {}
        for door in transaction.all(_DOORS, **visible_to(principal)):
            doors.setdefault(door.card_format.lower(), []).append(door)
        return {"doors": doors}

    formats = [(each, blocks_of(each)) for each in CARD_FORMATS.values()]
    return await show(request, "card_formats/list.html", read, formats=formats, words_of=words_of)


HANDLERS = (list_page,)
