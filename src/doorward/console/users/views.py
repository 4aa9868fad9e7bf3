"""The pages of /console/users."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, again, sent
from doorward.console.once import Secret, show_once
from doorward.console.page import go, show
from doorward.console.users.forms import ALL_SITES, REACH, ROLE_WORDS, body_of, may_touch, roles_for, values_of
from doorward.console.whole_account import whole_account
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Conflict, Invalid
from doorward.oauth.principal import Principal
from doorward.users.passwords import prepare
from doorward.users.service import create_user, get_user, list_users, update_user
from doorward.wire.changes import perform
from doorward.wire.queries import path_id

_READ: Final = ("account.user.readonly",)
_WRITE: Final = ("account.user",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LIST: Final = "/console/users"


@get("/users", name="console.users", scopes=_READ, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The account's users, the disabled ones last."""
    whole_account(request)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found = list_users(transaction, principal.account_id)
        return {"users": sorted(found, key=lambda user: (user.disabled_at is not None, user.email_key))}

    return await show(request, "users/list.html", read, role_words=ROLE_WORDS)


@get("/users/new", name="console.users.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form."""
    whole_account(request)
    return await show_user(request, Form({"role": "operator", "reach": ALL_SITES}), None)


@post("/users/new", name="console.users.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add a user; the password that is made for them is shown in this answer only."""
    whole_account(request)
    form = await sent(request)
    body = body_of(form)
    secret = await prepare(body, make=True)
    try:
        made = await perform(
            request, lambda tx, by, now: create_user(tx, by.account_id, body, secret.password_hash, now, by)
        )
    except Invalid as error:
        return await show_user(request, again(form, error, lists=("site_ids",)), None)
    shown = [
        Secret("email", "Signs in with", made.email),
        Secret("password", "Password", secret.made or "", "They can change it once they have signed in."),
    ]
    return await show_once(
        request, f"{made.email} was added", shown, back=f"{_LIST}/{made.id}", back_label="Go to the user"
    )


@get("/users/{user_id:str}", name="console.user", scopes=_READ, **_PAGE)
async def detail_page(request: Request[Any, Any, Any], user_id: FromPath[str]) -> ASGIResponse:
    """A user, and the form for those who may change them."""
    whole_account(request)
    return await show_user(request, None, path_id(user_id))


@post("/users/{user_id:str}", name="console.user.update", scopes=_WRITE, **_PAGE)
async def update(request: Request[Any, Any, Any], user_id: FromPath[str]) -> ASGIResponse:
    """Change a user."""
    whole_account(request)
    form, number = await sent(request), path_id(user_id)
    body = body_of(form)
    try:
        changed = await perform(
            request, lambda tx, by, now: update_user(tx, by.account_id, number, body, None, now, by)
        )
    except (Invalid, Conflict) as error:
        return await show_user(request, again(form, error, lists=("site_ids",)), number)
    return go(request, f"{_LIST}/{number}", f"{changed.email} was saved.")


async def show_user(request: Request[Any, Any, Any], form: Form | None, number: int | None) -> ASGIResponse:
    """The page of a user, with the form as it was sent if there is something wrong with it."""

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        user = None if number is None else get_user(transaction, principal.account_id, number)
        values = {} if user is None else values_of(user)
        return {
            "user": user,
            "touch": user is None or may_touch(principal, user),
            "is_self": user is not None and user.id == principal.user_id,
            # Where something else than the form was refused, nothing but the token was sent.
            "form": form if form and "role" in form.values else Form(values, form.errors if form else {}),
            "roles": roles_for(principal, user),
        }

    status = 422 if form and form.errors else 200
    return await show(request, "users/form.html", read, status=status, reach=REACH, role_words=ROLE_WORDS)


HANDLERS = (list_page, new_page, create, detail_page, update)
