"""People from a file: what it says is shown and checked first, then written as a whole or not at all.

The file stays with the browser: it is sent once to be checked and once to be imported, and nothing of it is kept
between. A check is an import that writes nothing, so what it finds is what the import would.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, Sent, sent
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import fragment, go, is_htmx, show
from doorward.console.people.mapping import PREFIX, Preview, chosen, mapped, options_for, preview_of
from doorward.credentials.types import list_types
from doorward.db.unit_of_work import Transaction
from doorward.imports import service
from doorward.imports.api import ROOM_FOR_A_FORM
from doorward.imports.checking import MATCHES, Options, check_columns, usual_match
from doorward.imports.csv_file import LARGEST_FILE, MOST_ROWS, CsvFile, read_csv
from doorward.imports.service import PeopleImport, get_import, list_imports
from doorward.imports.starting import carry_out_beside
from doorward.kit.errors import Conflict, Invalid
from doorward.oauth.principal import Principal
from doorward.wire.changes import perform
from doorward.wire.context import context_of, principal_of
from doorward.wire.queries import path_id

_WRITE: Final = ("account.person",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_SENT: Final[Mapping[str, Any]] = {"request_max_body_size": LARGEST_FILE + ROOM_FOR_A_FORM}
_FIELD: Final = "file"
_MOST_SHOWN: Final = 200
_LISTED: Final = 10


class _Read(NamedTuple):
    """A file that was sent, and what its columns are taken for."""

    file: CsvFile
    fields: list[str]
    preview: Preview
    options: list[tuple[str, str]]


@get("/people/import", name="console.people.import", scopes=_WRITE, **_PAGE)
async def import_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """A form for a file, and the imports there were."""
    return await _page(request, Form())


@post("/people/import/check", name="console.people.import.check", scopes=_WRITE, **_SENT, **_PAGE)
async def check(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Show the first rows, and begin to check all of them."""
    return await _begin(request, dry_run=True)


@post("/people/import", name="console.people.import.start", scopes=_WRITE, **_SENT, **_PAGE)
async def start(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Begin to import."""
    return await _begin(request, dry_run=False)


@get("/people/import/{import_id:str}", name="console.people.import.state", scopes=_WRITE, **_PAGE)
async def state_page(request: Request[Any, Any, Any], import_id: FromPath[str]) -> ASGIResponse:
    """How far an import is, or how it ended."""
    number = path_id(import_id)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {"found": get_import(transaction, principal.account_id, number)}

    if is_htmx(request):
        return await fragment(request, "people/import_state.html", read, most=_MOST_SHOWN)
    return await show(request, "people/import_page.html", read, most=_MOST_SHOWN)


async def _begin(request: Request[Any, Any, Any], *, dry_run: bool) -> ASGIResponse:
    form = await sent(request)
    read: _Read | None = None
    try:
        read = await _file(request, form)
        made = await _made(request, read, form.text("match"), dry_run=dry_run)
    except (Invalid, Conflict) as error:
        errors = error.errors if isinstance(error, Invalid) else {"": [error.text]}
        return await _page(request, Form({"match": form.text("match")}, errors), read)
    if not dry_run:
        return go(request, f"/console/people/import/{made.id}")
    return await _page(request, Form({"match": form.text("match")}), read, made)


async def _file(request: Request[Any, Any, Any], form: Sent) -> _Read:
    upload, principal = form.files.get(_FIELD), principal_of(request)
    raw = b"" if upload is None else await upload.read()
    if not raw:
        raise Invalid({_FIELD: ["can't be blank: choose a file first"]})
    account_id = principal.account_id
    types = await context_of(request).database.read(lambda transaction: list_types(transaction, account_id))
    options = options_for(types, principal)
    given = {
        name.removeprefix(PREFIX): values[-1]
        for name, values in form.fields.items()
        if name.startswith(PREFIX) and values
    }

    def read() -> _Read:
        file = read_csv(raw)
        fields = chosen(file, given, options)
        return _Read(file, fields, preview_of(file, fields), options)

    return await asyncio.to_thread(read)


async def _made(request: Request[Any, Any, Any], read: _Read, asked: str, *, dry_run: bool) -> PeopleImport:
    file = await asyncio.to_thread(mapped, read.file, read.fields)
    match = asked if asked in MATCHES else usual_match(file.columns)

    def begin(transaction: Transaction, by: Principal, now: int) -> PeopleImport:
        types = {found.slug: found for found in list_types(transaction, by.account_id)}
        check_columns(file.columns, types, match, by)
        return service.begin(transaction, by.account_id, by.user_id, file.rows_total, now, dry_run=dry_run)

    made = await perform(request, begin)
    carry_out_beside(request, made, file, Options(match, dry_run))
    return made


async def _page(
    request: Request[Any, Any, Any], form: Form, read: _Read | None = None, made: PeopleImport | None = None
) -> ASGIResponse:
    values: dict[str, Any] = {
        "form": form,
        "preview": read and read.preview,
        "options": read and read.options,
        "found": made,
        "most": _MOST_SHOWN,
        "most_rows": MOST_ROWS,
        "largest_mib": LARGEST_FILE // 2**20,
    }
    status = 422 if form.errors else 200
    if is_htmx(request):
        return await fragment(request, "people/import_preview.html", None, status=status, **values)
    asked = asked_page(request, _LISTED)

    def imports(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found, total = list_imports(transaction, principal.account_id, asked)
        return {
            "imports": found,
            "paging": paging_of(request, asked, total),
            "types": list_types(transaction, principal.account_id),
        }

    return await show(request, "people/import.html", imports, status=status, **values)


HANDLERS = (import_page, check, start, state_page)
