"""Routes and wire shapes of /api/3/people/import and /api/3/people/imports, ours beyond the contract."""

import asyncio
from typing import Annotated, Any, Final

from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta, Struct

from doorward.credentials.types import list_types
from doorward.db.unit_of_work import Transaction
from doorward.imports import service
from doorward.imports.checking import FIELDS, MATCHES, Options, check_columns, usual_match
from doorward.imports.complaints import MOST_KEPT
from doorward.imports.csv_file import DELIMITERS, LARGEST_FILE, MOST_ROWS, CsvFile, read_csv
from doorward.imports.running import SCOPE
from doorward.imports.service import PeopleImport, State, get_import, list_imports
from doorward.imports.starting import carry_out_beside
from doorward.imports.upload import CSV, FORM, file_in
from doorward.kit.timestamps import format_instant, format_optional
from doorward.oauth.principal import Principal
from doorward.wire.changes import Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Id, Instant, Other, Parameter, paging
from doorward.wire.queries import boolean, choice_of, page_of, path_id
from doorward.wire.responses import encoded, encoded_response, page_response

ROOM_FOR_A_FORM: Final = 64 * 1024
Count = Annotated[int, Meta(ge=0)]


class ImportComplaint(Struct, frozen=True):
    """What is wrong with a row, or with the file as a whole; the header is row 1."""

    row: int | None
    field: str | None
    message: str


class ImportBody(Struct, frozen=True):
    """An import on the wire; its errors are the first thousand."""

    id: Id
    user_id: int | None
    state: State
    dry_run: bool
    rows_total: Count
    rows_done: Count
    created: Count
    updated: Count
    errors_total: Count
    errors: list[ImportComplaint]
    created_at: Instant
    updated_at: Instant
    finished_at: Instant | None


_IMPORT: Final = Docs(
    "Import people from a CSV file",
    {202: ImportBody},
    body=Other(CSV),
    body_type=CSV,
    errors=(409,),
    parameters=(
        Parameter("dry_run", {"type": "boolean"}, "Check only; write nothing."),
        Parameter(
            "match",
            {"type": "string", "enum": list(MATCHES)},
            "By what somebody is known again, to be changed rather than added; without it by email, if there is such a "
            "column.",
        ),
        Parameter(
            "delimiter",
            {"type": "string", "enum": list(DELIMITERS)},
            "What is between cells; without it, the first of these that the header has.",
        ),
    ),
    ours=True,
    description=(
        f"The body is the file itself, or {FORM} with it as the field `file`: CSV in UTF-8 with a header, at most "
        f"{MOST_ROWS:,} rows and {LARGEST_FILE // 2**20} MiB. Columns: {', '.join(FIELDS)}, and one for each "
        "credential type, by its slug. `groups` and `roles` are ids or names, separated by semicolons, and replace; "
        '"******" makes a random PIN. An empty cell says nothing: somebody known keeps what they have. All rows are '
        f"checked, and the first {MOST_KEPT:,} errors reported; nothing is written unless all are right. There is one "
        "import at a time: another is a 409."
    ),
)
_GET: Final = Docs("Show an import of people: how far it is, or how it ended", {200: ImportBody}, ours=True)
_LIST: Final = Docs(
    "List imports of people, the latest first",
    {200: list[ImportBody]},
    parameters=paging(50, 100),
    paged=True,
    ours=True,
)


def _body(found: PeopleImport) -> ImportBody:
    return ImportBody(
        found.id,
        found.user_id,
        found.state,
        found.dry_run,
        found.rows_total,
        found.rows_done,
        found.created,
        found.updated,
        found.errors_total,
        [ImportComplaint(*each) for each in found.errors],
        format_instant(found.created_at),
        format_instant(found.updated_at),
        format_optional(found.finished_at),
    )


@post(
    "/people/import",
    name="importPeople",
    scopes=(SCOPE,),
    status_code=202,
    request_max_body_size=LARGEST_FILE + ROOM_FOR_A_FORM,
    docs=_IMPORT,
)
async def begin(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Begin an import; it goes on after the answer."""
    query = request.query_params
    asked = choice_of(query, "match", MATCHES)
    dry_run = boolean(query, "dry_run")
    delimiter = choice_of(query, "delimiter", tuple(DELIMITERS))
    body, content_type = await request.body(), request.headers.get("content-type", "")

    def read_file() -> CsvFile:
        return read_csv(file_in(body, content_type), DELIMITERS[delimiter] if delimiter else None)

    file = await asyncio.to_thread(read_file)
    match = asked or usual_match(file.columns)
    options = Options(match, dry_run)
    begun: list[PeopleImport] = []

    def begin_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        types = {found.slug: found for found in list_types(transaction, principal.account_id)}
        check_columns(file.columns, types, match, principal)
        made = service.begin(
            transaction, principal.account_id, principal.user_id, file.rows_total, now, dry_run=options.dry_run
        )
        begun[:] = [made]
        return answer(_body(made), 202)

    done = await change(request, begin_it)
    for made in begun:
        carry_out_beside(request, made, file, options)
    return done


@get("/people/imports/{import_id:str}", name="getPeopleImport", scopes=("account.person",), docs=_GET)
async def show(request: Request[Any, Any, Any], import_id: FromPath[str]) -> ASGIResponse:
    """Show an import."""
    context, principal, number = context_of(request), principal_of(request), path_id(import_id)

    def read(transaction: Transaction) -> bytes:
        return encoded(_body(get_import(transaction, principal.account_id, number)))

    return encoded_response(await context.database.read(read))


@get("/people/imports", name="listPeopleImports", scopes=("account.person",), docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List imports."""
    context, principal = context_of(request), principal_of(request)
    page = page_of(request.query_params, default=50, largest=100)

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = list_imports(transaction, principal.account_id, page)
        return encoded([_body(each) for each in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


router = Router("/api/3", route_handlers=[begin, list_page, show])
