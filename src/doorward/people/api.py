"""Routes of /api/3/people."""

from typing import Any, Final

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Struct, UnsetType

from doorward.credentials.wire import HIDDEN_PINS
from doorward.db.unit_of_work import Transaction
from doorward.images.wanted import wanted_image
from doorward.kit.crypto import Vault
from doorward.oauth.principal import Principal
from doorward.people.listing import Wanted, page_of_people
from doorward.people.person import Person
from doorward.people.service import create_person, delete_person, get_person, update_person
from doorward.people.streaming import stream_people
from doorward.people.wire import PersonBody, person_bodies
from doorward.wire.bodies import read_json, unwrapped
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import base_url, context_of, principal_of
from doorward.wire.docs import SINCE, Docs, Id, Instant, Parameter, Result, paging
from doorward.wire.queries import page_of, path_id, since_of, text_of
from doorward.wire.responses import encoded, encoded_response, page_response, streamed_response

LARGEST_BODY: Final = 8 * 1024 * 1024
"""Bytes: a photo of 5 MB in base64, and all that is said beside it."""

_PER_PAGE: Final = 50
_MOST_PER_PAGE: Final = 100

_Text = str | UnsetType | None


class PersonInput(Struct, frozen=True, omit_defaults=True):
    """A person as created or changed; beside these fields, one for each credential type, by its slug."""

    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    salutation: _Text = UNSET
    job_title: _Text = UNSET
    email: _Text = UNSET
    department: _Text = UNSET
    enabled: bool | UnsetType = UNSET
    valid_from: Instant | UnsetType | None = UNSET
    valid_to: Instant | UnsetType | None = UNSET
    image_base64: _Text = UNSET
    image_remote_url: _Text = UNSET
    telephone: _Text = UNSET
    mobile: _Text = UNSET
    notes: _Text = UNSET
    barcode: _Text = UNSET
    system_id: _Text = UNSET
    organisation_id: int | UnsetType | None = UNSET
    custom_1: _Text = UNSET
    custom_2: _Text = UNSET
    custom_3: _Text = UNSET
    custom_4: _Text = UNSET
    custom_5: _Text = UNSET
    group_ids: list[Id] | UnsetType | None = UNSET
    role_ids: list[Id] | UnsetType | None = UNSET
    deleted: bool | UnsetType = UNSET


class NewPerson(PersonInput, frozen=True, omit_defaults=True, kw_only=True):
    """A person as created."""

    first_name: str
    last_name: str


_FIELDS: Final = (
    "Beside the fields named here there is one for each credential type, by its slug: a value gives or changes the "
    'credential, null or "" takes it away, and "******" makes a random PIN. `role_ids` needs a user who may edit '
    "roles. `deleted` is ignored: to delete is an operation of its own."
)
_LIST: Final = Docs(
    "List people, by id",
    {200: list[PersonBody]},
    parameters=(
        Parameter("email", {"type": "string"}, "Only people whose e-mail address has this in it, in any case."),
        Parameter("system_id", {"type": "string"}, "Only people with this system id."),
        *paging(_PER_PAGE, _MOST_PER_PAGE),
        *SINCE,
    ),
    paged=True,
    description=(f'With `since`, people who were deleted since are listed, too, with `"deleted": true`. {HIDDEN_PINS}'),
)
_CREATE: Final = Docs("Create a person", {201: PersonBody}, body=NewPerson, description=_FIELDS)
_GET: Final = Docs("Show a person", {200: PersonBody}, description=HIDDEN_PINS)
_UPDATE: Final = Docs(
    "Change a person; what is not mentioned stays", {201: PersonBody}, PersonInput, description=_FIELDS
)
_DELETE: Final = Docs("Delete a person; their access ends at once", {200: Result})


@get("/people", name="listPeople", scopes=("account.person.readonly",), docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List people. Contract operation listPeople."""
    context, principal, query = context_of(request), principal_of(request), request.query_params
    page = page_of(query, default=_PER_PAGE, largest=_MOST_PER_PAGE)
    since = since_of(query, principal.zone)
    email, system_id = text_of(query, "email") or "", text_of(query, "system_id") or ""
    address, now = base_url(request), context.clock.now()
    if not page.paged:
        wanted = Wanted(principal.account_id, since, email, system_id)
        parts, total = await stream_people(context, principal, wanted, address)
        return streamed_response(request, parts, total, page)

    def read(transaction: Transaction) -> tuple[bytes, int]:
        account_id = principal.account_id
        found, total = page_of_people(transaction, account_id, page, since=since, email=email, system_id=system_id)
        return encoded(person_bodies(transaction, context.vault, principal, found, now, address)), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


@post("/people", name="createPerson", scopes=("account.person",), request_max_body_size=LARGEST_BODY, docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create a person. Contract operation createPerson."""
    context = context_of(request)
    body = unwrapped(await read_json(request), "person")
    image = await wanted_image(body, context.edge.outbound_allow)
    address = base_url(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        made = create_person(transaction, context.vault, principal.account_id, body, now, by=principal, image=image)
        return answer(_body(transaction, context.vault, principal, made, now, address), 201)

    return await change(request, create_it)


@get("/people/{person_id:str}", name="getPerson", scopes=("account.person.readonly",), docs=_GET)
async def show(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Show a person. Contract operation getPerson."""
    context, principal = context_of(request), principal_of(request)
    number, now, address = path_id(person_id), context.clock.now(), base_url(request)

    def read(transaction: Transaction) -> bytes:
        found = get_person(transaction, principal.account_id, number)
        return encoded(_body(transaction, context.vault, principal, found, now, address))

    return encoded_response(await context.database.read(read))


@put(
    "/people/{person_id:str}",
    name="updatePerson",
    scopes=("account.person",),
    request_max_body_size=LARGEST_BODY,
    docs=_UPDATE,
)
async def update(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Change a person; answered with 201. Contract operation updatePerson."""
    context, number, address = context_of(request), path_id(person_id), base_url(request)
    body = unwrapped(await read_json(request), "person")
    image = await wanted_image(body, context.edge.outbound_allow)

    def change_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        changed = update_person(
            transaction, context.vault, principal.account_id, number, body, now, by=principal, image=image
        )
        return answer(_body(transaction, context.vault, principal, changed, now, address), 201)

    return await change(request, change_it)


@delete("/people/{person_id:str}", name="deletePerson", scopes=("account.person",), status_code=200, docs=_DELETE)
async def remove(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Delete a person. Contract operation deletePerson."""
    number = path_id(person_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        delete_person(transaction, principal.account_id, number, now, by=principal)
        return OK

    return await change(request, delete_it)


def _body(
    transaction: Transaction, vault: Vault, principal: Principal, found: Person, now: int, address: str
) -> dict[str, object]:
    return person_bodies(transaction, vault, principal, [found], now, address)[0]


router = Router("/api/3", route_handlers=[list_page, create, show, update, remove])
