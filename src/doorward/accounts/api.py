"""Routes of /api/3/account: the account that a token is for."""

from typing import Annotated, Any, Final

from litestar import Request, Router, get, put
from litestar.response.base import ASGIResponse
from msgspec import Meta, Struct

from doorward.accounts.service import Account, Asking, get_account, get_asking, update_account
from doorward.changes.reports import AccountSync, of_account
from doorward.db.unit_of_work import Transaction
from doorward.kit.public_ids import encode
from doorward.kit.timestamps import format_optional
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_json
from doorward.wire.changes import Answer, answer, change
from doorward.wire.context import ANY_TOKEN, context_of, principal_of
from doorward.wire.docs import Docs
from doorward.wire.responses import encoded, encoded_response

Email = Annotated[str, Meta(extra_json_schema={"format": "email"})]


class ResellerBody(Struct, frozen=True):
    """Who resells the account; nobody resells Doorward's."""

    id: int
    name: str
    support_contact: str | None
    support_email: Email | None
    support_telephone: str | None


class AccountSyncBody(Struct, frozen=True):
    """Whether the account's doors have confirmed what the database has; `last_sync` is when somebody last asked."""

    status: AccountSync
    last_sync: str | None
    description: str | None


class UserBody(Struct, frozen=True):
    """The user that the token is for."""

    id: int
    first_name: str
    last_name: str
    email: Email


class PassportBody(Struct, frozen=True):
    """Whether people open doors with their telephones."""

    remote_unlock_enabled: bool
    hid_mobile_access: bool


class AccountBody(Struct, frozen=True):
    """An account on the wire: these fields in this order (contract, getAccount)."""

    id: str
    name: str
    time_zone: str
    monitored: bool
    reseller: ResellerBody | None
    sync: AccountSyncBody
    user: UserBody
    passport: PassportBody


class AccountInput(Struct, frozen=True, omit_defaults=True):
    """What may be changed of an account."""

    name: str | None = None
    time_zone: str | None = None
    monitored: bool | None = None
    passport_enabled: bool | None = None


_GET: Final = Docs("Get the account that the token is for", {200: AccountBody})
_UPDATE: Final = Docs(
    "Change what is given of the account",
    {200: AccountBody},
    body=AccountInput,
    ours=True,
    description="`time_zone` is an IANA name. `passport_enabled` lets people open doors with their telephones.",
)


def _body(found: Account, asking: Asking, sync: AccountSyncBody) -> AccountBody:
    return AccountBody(
        encode("account", found.id),
        found.name,
        found.time_zone,
        found.monitored,
        None,
        sync,
        UserBody(*asking),
        PassportBody(found.passport_enabled, hid_mobile_access=False),
    )


def _read(transaction: Transaction, principal: Principal, now: int) -> AccountBody:
    found = get_account(transaction, principal.account_id)
    standing = of_account(transaction, found.id, now)
    sync = AccountSyncBody(standing.status, format_optional(found.last_sync_at), standing.description)
    return _body(found, get_asking(transaction, principal.user_id), sync)


@get("/account", name="getAccount", scopes=ANY_TOKEN, docs=_GET)
async def get_one(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Get the account. Contract operation getAccount."""
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()

    def read(transaction: Transaction) -> bytes:
        return encoded(_read(transaction, principal, now))

    return encoded_response(await context.database.read(read))


@put("/account", name="updateAccount", scopes=("account.settings",), docs=_UPDATE)
async def update(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Change the account's settings."""
    body = await read_json(request)

    def update_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        update_account(transaction, principal, body, now)
        return answer(_read(transaction, principal, now))

    return await change(request, update_it)


router = Router("/api/3", route_handlers=[get_one, update])
