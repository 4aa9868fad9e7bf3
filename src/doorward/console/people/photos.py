"""A person's photo: chosen, cropped by the browser if it can, kept by the service as the API's are."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, sent
from doorward.console.page import go, show
from doorward.console.people.person import portrait_of
from doorward.console.people.rows import initials
from doorward.db.unit_of_work import Transaction
from doorward.images.wanted import INLINE, REMOTE, WantedImage, wanted_image
from doorward.kit.errors import Invalid
from doorward.oauth.principal import Principal
from doorward.people.api import LARGEST_BODY
from doorward.people.person import Person
from doorward.people.service import update_person
from doorward.wire.changes import perform
from doorward.wire.context import context_of
from doorward.wire.queries import path_id

_WRITE: Final = ("account.person",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_FIELD: Final = "photo"


@get("/people/{person_id:str}/photo", name="console.person.photo", scopes=_WRITE, **_PAGE)
async def photo_page(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """The photo as it is, and a form for another."""
    return await _page(request, path_id(person_id), Form())


@post(
    "/people/{person_id:str}/photo",
    name="console.person.photo.update",
    scopes=_WRITE,
    request_max_body_size=LARGEST_BODY,
    **_PAGE,
)
async def upload(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Keep a photo in the place of any other."""
    form, number = await sent(request), path_id(person_id)
    file = form.files.get(_FIELD)
    raw = b"" if file is None else await file.read()
    if not raw:
        return await _page(request, number, Form(errors={_FIELD: ["can't be blank: choose a picture first"]}))
    text = await asyncio.to_thread(lambda: base64.b64encode(raw).decode())
    image = await wanted_image({INLINE: text}, ())
    try:
        changed = await _keep(request, number, image)
    except Invalid as error:
        told = [message for name in (INLINE, REMOTE) for message in error.errors.get(name, ())]
        return await _page(request, number, Form(errors={_FIELD: told or [error.text]}))
    return go(request, f"/console/people/{number}", f"The photo of {changed.first_name} {changed.last_name} was saved.")


@post("/people/{person_id:str}/photo/delete", name="console.person.photo.delete", scopes=_WRITE, **_PAGE)
async def remove(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Take the photo away."""
    await sent(request)
    changed = await _keep(request, path_id(person_id), WantedImage(remove=True))
    return go(
        request, f"/console/people/{changed.id}", f"The photo of {changed.first_name} {changed.last_name} was removed."
    )


async def _keep(request: Request[Any, Any, Any], person_id: int, image: WantedImage) -> Person:
    vault = context_of(request).vault

    def change_it(transaction: Transaction, by: Principal, now: int) -> Person:
        return update_person(transaction, vault, by.account_id, person_id, {}, now, by=by, image=image)

    return await perform(request, change_it)


async def _page(request: Request[Any, Any, Any], person_id: int, form: Form) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        portrait = portrait_of(transaction, principal.account_id, person_id)
        return {
            "portrait": portrait,
            "initials": initials(portrait.person.first_name, portrait.person.last_name),
        }

    return await show(request, "people/photo.html", read, status=422 if form.errors else 200, form=form)


HANDLERS = (photo_page, upload, remove)
