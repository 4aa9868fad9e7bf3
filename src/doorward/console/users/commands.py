"""What is done to a user: shut out and let in again, a new password, the end of a lost second factor."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, sent
from doorward.console.once import Secret, show_once
from doorward.console.page import go
from doorward.console.users.views import show_user
from doorward.console.whole_account import whole_account
from doorward.kit.crypto import new_password
from doorward.kit.errors import Conflict
from doorward.signing_in.resetting import reset_second_factor
from doorward.users.passwords import prepare
from doorward.users.service import disable_user, enable_user, update_user
from doorward.wire.changes import perform
from doorward.wire.queries import path_id

_WRITE: Final = ("account.user",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LIST: Final = "/console/users"


@post("/users/{user_id:str}/disable", name="console.user.disable", scopes=_WRITE, **_PAGE)
async def disable(request: Request[Any, Any, Any], user_id: FromPath[str]) -> ASGIResponse:
    """Let a user in no more."""
    whole_account(request)
    await sent(request)
    number = path_id(user_id)
    try:
        user = await perform(request, lambda tx, by, now: disable_user(tx, by.account_id, number, now, by))
    except Conflict as error:
        return await show_user(request, Form({}, {"": [error.text]}), number)
    return go(request, f"{_LIST}/{number}", f"{user.email} is shut out, and was signed out everywhere.")


@post("/users/{user_id:str}/enable", name="console.user.enable", scopes=_WRITE, **_PAGE)
async def enable(request: Request[Any, Any, Any], user_id: FromPath[str]) -> ASGIResponse:
    """Let a user in again."""
    whole_account(request)
    await sent(request)
    number = path_id(user_id)
    user = await perform(request, lambda tx, by, now: enable_user(tx, by.account_id, number, now, by))
    return go(request, f"{_LIST}/{number}", f"{user.email} may sign in again.")


@post("/users/{user_id:str}/password", name="console.user.password", scopes=_WRITE, **_PAGE)
async def renew_password(request: Request[Any, Any, Any], user_id: FromPath[str]) -> ASGIResponse:
    """A new password for somebody else, shown in this answer only."""
    whole_account(request)
    await sent(request)
    number, password = path_id(user_id), new_password()
    body = {"password": password}
    secret = await prepare(body, make=False)
    user = await perform(
        request, lambda tx, by, now: update_user(tx, by.account_id, number, body, secret.password_hash, now, by)
    )
    shown = [Secret("password", "Password", password, "They can change it once they have signed in.")]
    return await show_once(
        request, f"A new password for {user.email}", shown, back=f"{_LIST}/{number}", back_label="Go to the user"
    )


@post("/users/{user_id:str}/second-factor", name="console.user.secondFactor", scopes=_WRITE, **_PAGE)
async def reset(request: Request[Any, Any, Any], user_id: FromPath[str]) -> ASGIResponse:
    """Turn off a second factor that was lost."""
    whole_account(request)
    await sent(request)
    number = path_id(user_id)
    was_on = await perform(request, lambda tx, by, now: reset_second_factor(tx, by.account_id, number, now, by))
    said = "The second factor is off: the password alone will do." if was_on else "There was no second factor."
    return go(request, f"{_LIST}/{number}", said)


HANDLERS = (disable, enable, renew_password, reset)
