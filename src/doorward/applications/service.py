"""Applications: the OAuth clients of an account (behaviour.md, "OAuth 2.0")."""

import secrets
from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, select, update

from doorward.applications.redirects import LONGEST, clean_redirect_uri, clean_webhook_url
from doorward.db.query import Query, word
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.crypto import hash_password, new_token
from doorward.kit.errors import Conflict, NotFound
from doorward.kit.fields import REQUIRED
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import InvalidText
from doorward.oauth.tables import applications
from doorward.oauth.tokens import revoke_application_tokens

REGISTERED: Final = "registered"
PUBLIC: Final = "public"
COMMAND_LINE: Final = "command_line"
_COMMAND_LINE_NAME: Final = "Command line"
_MOST_REDIRECTS: Final = 20


class Application(NamedTuple):
    """An OAuth client. One of the kind `public` has no secret; a service may ask for tokens in its own name."""

    id: int
    account_id: int
    name: str
    client_id: str
    kind: str
    is_service: bool
    redirect_uris: tuple[str, ...]
    webhook_url: str | None
    removed_at: int | None
    created_at: int
    updated_at: int


class CreatedApplication(NamedTuple):
    """A new application, and its client secret: the only time that it can be seen. None for a public one."""

    application: Application
    client_secret: str | None

    def __repr__(self) -> str:
        return f"CreatedApplication(application={self.application!r})"


_APPLICATIONS: Final = Rows(applications, Application)
_OF_ACCOUNT: Final = and_(applications.c.account_id == bindparam("account_id"), applications.c.removed_at.is_(None))
_THIS_ONE: Final = and_(_OF_ACCOUNT, applications.c.id == bindparam("the_id"))

_ALL: Final = Query(select(*_APPLICATIONS.columns).where(_OF_ACCOUNT).order_by(applications.c.id), _APPLICATIONS.of)
_ONE: Final = Query(select(*_APPLICATIONS.columns).where(_THIS_ONE), _APPLICATIONS.of)
_TO_CHANGE: Final = Query(
    select(*_APPLICATIONS.columns).where(_THIS_ONE).with_for_update(key_share=True), _APPLICATIONS.of
)
_BY_CLIENT_ID: Final = Query(
    select(*_APPLICATIONS.columns).where(
        applications.c.client_id == bindparam("the_client"), applications.c.removed_at.is_(None)
    ),
    _APPLICATIONS.of,
)
_OF_KIND: Final = Query(
    select(*_APPLICATIONS.columns).where(_OF_ACCOUNT, applications.c.kind == bindparam("the_kind")),
    _APPLICATIONS.of,
)
_SECRET_HASH: Final = Query(
    select(applications.c.secret_hash).where(
        applications.c.id == bindparam("the_id"), applications.c.secret_hash.is_not(None)
    ),
    word,
)
_SET_SECRET_HASH: Final = Query[None](
    update(applications).where(applications.c.id == bindparam("the_id")).values(secret_hash=bindparam("secret_hash"))
)


def create_application(transaction: Transaction, account_id: int, body: object, now: int) -> CreatedApplication:
    """A new application: `name`, `redirect_uris`, and optionally `public`, `service`, `webhook_url`. Raises Invalid."""
    fields = StructuredFields(body)
    public, service = fields.flag("public", before=False), fields.flag("service", before=False)
    if public and service:
        fields.complain("service", "can't be public: it needs a secret of its own")
    wanted = Application(
        0,
        account_id,
        fields.name("name", required=True) or "",
        _new_client_id(),
        PUBLIC if public else REGISTERED,
        service,
        _read_redirect_uris(fields, required=not service),
        _read_webhook_url(fields),
        None,
        now,
        now,
    )
    fields.check()
    wanted = wanted._replace(id=_add(transaction, wanted))
    if public:
        return CreatedApplication(wanted, None)
    secret = new_token()
    transaction.run(_SET_SECRET_HASH, the_id=wanted.id, secret_hash=hash_password(secret))
    return CreatedApplication(wanted, secret)


def update_application(
    transaction: Transaction, account_id: int, application_id: int, body: object, now: int
) -> Application:
    """Change what is given of `name`, `redirect_uris` and `webhook_url`. Raises NotFound, Invalid or Conflict."""
    fields = StructuredFields(body)
    wanted = _to_change(transaction, account_id, application_id)
    if wanted.kind == COMMAND_LINE:
        raise Conflict("The application of the command line can't be changed")
    if "name" in fields:
        wanted = wanted._replace(name=fields.name("name", required=True) or "")
    if "redirect_uris" in fields:
        wanted = wanted._replace(redirect_uris=_read_redirect_uris(fields, required=not wanted.is_service))
    if "webhook_url" in fields:
        wanted = wanted._replace(webhook_url=_read_webhook_url(fields))
    fields.check()
    wanted = wanted._replace(updated_at=now)
    transaction.run(_APPLICATIONS.change, the_id=application_id, **_APPLICATIONS.params(wanted))
    return wanted


def remove_application(transaction: Transaction, account_id: int, application_id: int, now: int) -> int:
    """Remove an application and revoke its tokens; gives how many held until now. Raises NotFound."""
    found = _to_change(transaction, account_id, application_id)
    removed = found._replace(removed_at=now, updated_at=now)
    transaction.run(_APPLICATIONS.change, the_id=application_id, **_APPLICATIONS.params(removed))
    return revoke_application_tokens(transaction, application_id, now)


def get_application(transaction: Transaction, account_id: int, application_id: int) -> Application:
    """One application. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=application_id)
    if found is None:
        raise NotFound
    return found


def find_application(transaction: Transaction, client_id: str) -> Application | None:
    """The application of a client id, in whichever account; None also for one that was removed."""
    return transaction.one(_BY_CLIENT_ID, the_client=client_id)


def secret_hash_of(transaction: Transaction, application_id: int) -> str | None:
    """The argon2id hash of an application's secret, for kit.crypto.password_matches; None where there is no secret."""
    return transaction.one(_SECRET_HASH, the_id=application_id)


def list_applications(transaction: Transaction, account_id: int) -> list[Application]:
    """The account's applications that were not removed, oldest first."""
    return transaction.all(_ALL, account_id=account_id)


def command_line_application(transaction: Transaction, account_id: int, now: int) -> Application:
    """The built-in application whose tokens the command line makes; it is made with the first of them."""
    transaction.serialize(f"applications {account_id}")
    found = transaction.one(_OF_KIND, account_id=account_id, the_kind=COMMAND_LINE)
    if found is not None:
        return found
    wanted = Application(
        0, account_id, _COMMAND_LINE_NAME, _new_client_id(), COMMAND_LINE, False, (), None, None, now, now
    )
    return wanted._replace(id=_add(transaction, wanted))


def _new_client_id() -> str:
    return secrets.token_hex(16)


def _add(transaction: Transaction, wanted: Application) -> int:
    return require(transaction.one(_APPLICATIONS.add, **_APPLICATIONS.params(wanted)))


def _to_change(transaction: Transaction, account_id: int, application_id: int) -> Application:
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=application_id)
    if found is None:
        raise NotFound
    return found


def _read_redirect_uris(fields: StructuredFields, *, required: bool) -> tuple[str, ...]:
    entries = fields.entries("redirect_uris", most=_MOST_REDIRECTS)
    if not entries:
        if required and "redirect_uris" not in fields.errors:
            fields.complain("redirect_uris", REQUIRED)
        return ()
    found = [_cleaned(fields, "redirect_uris", entry, clean_redirect_uri) for entry in entries]
    return tuple(dict.fromkeys(found))


def _read_webhook_url(fields: StructuredFields) -> str | None:
    text = fields.text("webhook_url", limit=LONGEST)
    return _cleaned(fields, "webhook_url", text, clean_webhook_url) if text else None


def _cleaned(fields: StructuredFields, name: str, value: object, clean: Callable[[str], str]) -> str:
    """One URL; where several may stand, the complaint names it."""
    if not isinstance(value, str):
        fields.complain(name, "must be text")
        return ""
    try:
        return clean(value)
    except InvalidText as error:
        fields.complain(name, f"{error}: {value[:200]!r}")
        return ""
