"""The page of /console/search, and the results below the field at the top."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, get
from litestar.response.base import ASGIResponse

from doorward.console.page import fragment, is_htmx, show
from doorward.console.search.finding import search
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.wire.context import ANY_TOKEN, context_of
from doorward.wire.queries import text_of


@get("/search", name="console.search", scopes=ANY_TOKEN, page=True, hidden=True)
async def search_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """What is found: below the field as one types, or as a page."""
    text, vault = text_of(request.query_params, "q") or "", context_of(request).vault

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {"kinds": search(transaction, vault, principal, text)}

    if is_htmx(request):
        return await fragment(request, "search/results.html", read, q=text)
    return await show(request, "search/page.html", read, q=text)


HANDLERS = (search_page,)
