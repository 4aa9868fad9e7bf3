"""The pages of /console/controllers."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.channels.tables import SIMULATED
from doorward.console.controllers.reading import DoorToServe, doors_to_serve
from doorward.console.doors.parts import CONFIGURE, DRIVERS, PAGE, READ
from doorward.console.forms import Form, again, sent
from doorward.console.page import go, show
from doorward.controllers import enrolment, service
from doorward.controllers.enrolment import IssuedCode
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Invalid
from doorward.oauth.principal import Principal
from doorward.wire.changes import perform
from doorward.wire.context import base_url, context_of
from doorward.wire.queries import ids_of, path_id

_LIST: Final = "/console/controllers"


@get("/controllers", name="console.controllers", scopes=READ, **PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The controllers that the user sees."""

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {"controllers": service.list_controllers(transaction, principal.account_id, principal)}

    return await show(request, "controllers/list.html", read)


@get("/controllers/code", name="console.controllers.code", scopes=CONFIGURE, **PAGE)
async def code_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """For which doors a code is to be."""
    return await _asked(request, Form({"channel_ids": ids_of(request.query_params, "channel_ids")}))


@post("/controllers/code", name="console.controllers.createCode", scopes=CONFIGURE, **PAGE)
async def create_code(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Make a code, which is shown this once."""
    form = await sent(request)
    body, vault, server = form.body(ids=("channel_ids",)), context_of(request).vault, base_url(request)

    def make(transaction: Transaction, by: Principal, now: int) -> IssuedCode:
        return enrolment.create_code(transaction, vault, by.account_id, body, now, by)

    try:
        made = await perform(request, make)
    except Invalid as error:
        return await _asked(request, again(form, error, lists=("channel_ids",)))
    return await show(request, "controllers/code.html", made=made, command=enrolment.command(made, server))


@get("/controllers/{controller_id:str}", name="console.controller", scopes=READ, **PAGE)
async def controller_page(request: Request[Any, Any, Any], controller_id: FromPath[str]) -> ASGIResponse:
    """One controller and its doors."""
    return await _shown(request, path_id(controller_id), None)


@post("/controllers/{controller_id:str}", name="console.controller.update", scopes=CONFIGURE, **PAGE)
async def rename(request: Request[Any, Any, Any], controller_id: FromPath[str]) -> ASGIResponse:
    """Give a controller another name."""
    form, number = await sent(request), path_id(controller_id)
    body = form.body(texts=("name",))
    try:
        seen = await perform(
            request, lambda tx, by, now: service.rename_controller(tx, by.account_id, number, body, now, by)
        )
    except Invalid as error:
        return await _shown(request, number, again(form, error))
    return go(request, f"{_LIST}/{number}", f"{seen.controller.name} was saved.")


@post("/controllers/{controller_id:str}/delete", name="console.controller.delete", scopes=CONFIGURE, **PAGE)
async def remove(request: Request[Any, Any, Any], controller_id: FromPath[str]) -> ASGIResponse:
    """Remove a controller."""
    await sent(request)
    number, vault = path_id(controller_id), context_of(request).vault

    def remove_it(transaction: Transaction, by: Principal, now: int) -> str:
        name = service.get_controller(transaction, by.account_id, number, by).controller.name
        service.remove_controller(transaction, vault, by.account_id, number, now, by)
        return name

    name = await perform(request, remove_it)
    return go(request, _LIST, f"{name} was removed; its doors have other keys now.")


async def _asked(request: Request[Any, Any, Any], form: Form) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {"doors": [(door.id, _words(door)) for door in doors_to_serve(transaction, principal)]}

    status = 422 if form.errors else 200
    return await show(request, "controllers/ask.html", read, status=status, form=form)


def _words(door: DoorToServe) -> str:
    driver = "" if door.driver == SIMULATED else f", {DRIVERS[door.driver]}"
    served = f", served by {door.controller_name} until then" if door.controller_name else ""
    return f"{door.name} ({door.site_name}{driver}{served})"


async def _shown(request: Request[Any, Any, Any], number: int, form: Form | None) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        seen = service.get_controller(transaction, principal.account_id, number, principal)
        return {"seen": seen, "form": form or Form({"name": seen.controller.name})}

    status = 422 if form is not None and form.errors else 200
    return await show(request, "controllers/controller.html", read, status=status)


HANDLERS = (list_page, code_page, create_code, controller_page, rename, remove)
