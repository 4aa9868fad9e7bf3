"""Applications: the OAuth clients of an account (behaviour.md, "OAuth 2.0").

Who asks is a Principal, or None for the command line of the machine itself. A service acts in the name of an owner, so
that only an owner may make one, or change anything about it that would give it into other hands; and it never has more
scopes than the token that made it one. Whoever asks with the token of an application makes and changes none: what it
made would be left when its own access is revoked.
"""

import secrets
from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, select, update

from doorward.applications.redirects import LONGEST, clean_redirect_uri, clean_webhook_url
from doorward.audit import service as audit
from doorward.db.query import Query, word
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import Conflict, Forbidden, NotFound
from doorward.kit.fields import REQUIRED
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import InvalidText
from doorward.oauth.principal import Principal
from doorward.oauth.scopes import ALL_SCOPES
from doorward.oauth.tables import applications, tokens
from doorward.oauth.tokens import revoke_application_tokens
from doorward.users.service import OWNER, first_owner
from doorward.webhooks.endpoints import remove_webhook

REGISTERED: Final = "registered"
PUBLIC: Final = "public"
COMMAND_LINE: Final = "command_line"
PERSONAL: Final = "personal"
_BUILT_IN: Final = {COMMAND_LINE: "Command line", PERSONAL: "Personal access tokens"}
_MOST_REDIRECTS: Final = 20


class Application(NamedTuple):
    """An OAuth client. One of the kind `public` has no secret; a service may ask for tokens in its own name."""

    id: int
    account_id: int
    name: str
    client_id: str
    kind: str
    is_service: bool
    service_user_id: int | None
    service_scopes: str | None
    """What a service may ask for, separated by spaces, with all that it includes; None: everything."""
    redirect_uris: tuple[str, ...]
    webhook_url: str | None
    removed_at: int | None
    created_at: int
    updated_at: int


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
_REVOKE_OWN: Final = Query[None](
    update(tokens)
    .where(tokens.c.application_id == bindparam("the_id"), tokens.c.family_id.is_(None), tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
_SECRET_HASH: Final = Query(
    select(applications.c.secret_hash).where(
        applications.c.id == bindparam("the_id"), applications.c.secret_hash.is_not(None)
    ),
    word,
)
_SET_SECRET_HASH: Final = Query[None](
    update(applications)
    .where(applications.c.id == bindparam("the_id"))
    .values(secret_hash=bindparam("secret_hash", type_=applications.c.secret_hash.type))
)


def create_application(
    transaction: Transaction,
    account_id: int,
    body: object,
    secret_hash: str | None,
    now: int,
    by: Principal | None = None,
) -> Application:
    """A new application: `name`, `redirect_uris`, and optionally `public`, `service`, `webhook_url`.

    `secret_hash` is that of its new secret (applications.client_secrets); a public one gets none. Raises Invalid or
    Forbidden.
    """
    _check_allowed(by)
    _check_own(by)
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
        _service_user(transaction, account_id, by) if service else None,
        _scopes_of(by) if service else None,
        _read_redirect_uris(fields, required=not service),
        _read_webhook_url(fields),
        None,
        now,
        now,
    )
    fields.check()
    wanted = wanted._replace(id=_add(transaction, wanted))
    if not public:
        transaction.run(_SET_SECRET_HASH, the_id=wanted.id, secret_hash=secret_hash)
    audit.created(transaction, account_id, "application", wanted, now)
    return wanted


def update_application(
    transaction: Transaction, account_id: int, application_id: int, body: object, now: int, by: Principal | None = None
) -> Application:
    """Change what is given of `name`, `redirect_uris`, `webhook_url` and `service`.

    One that is a service no longer loses the tokens that it holds in its own name. Raises NotFound, Invalid, Forbidden,
    or Conflict for a built-in one.
    """
    found = to_edit(transaction, account_id, application_id, by)
    fields = StructuredFields(body)
    wanted = found
    if "name" in fields:
        wanted = wanted._replace(name=fields.name("name", required=True) or "")
    if "service" in fields:
        wanted = _read_service(transaction, fields, wanted, by)
    if "redirect_uris" in fields or (found.is_service and not wanted.is_service and not wanted.redirect_uris):
        wanted = wanted._replace(redirect_uris=_read_redirect_uris(fields, required=not wanted.is_service))
    if "webhook_url" in fields:
        wanted = wanted._replace(webhook_url=_read_webhook_url(fields))
    fields.check()
    wanted = wanted._replace(updated_at=now)
    transaction.run(_APPLICATIONS.change, the_id=application_id, **_APPLICATIONS.params(wanted))
    if found.is_service and not wanted.is_service:
        transaction.run(_REVOKE_OWN, the_id=application_id, now=now)
    audit.changed(transaction, account_id, "application", found, wanted, now)
    return wanted


def rotate_secret(
    transaction: Transaction,
    account_id: int,
    application_id: int,
    secret_hash: str,
    now: int,
    by: Principal | None = None,
) -> Application:
    """Replace the client secret; the old one is good no longer. Raises NotFound, Forbidden or Conflict.

    Who has a service's secret has its scopes: they have to be among those of the token that asks.
    """
    found = to_edit(transaction, account_id, application_id, by)
    if by is not None and found.is_service:
        allowed = ALL_SCOPES if found.service_scopes is None else found.service_scopes.split()
        beyond = sorted(set(allowed) - by.scopes)
        if beyond:
            raise Forbidden(f"The service may have scopes that this token has not: {' '.join(beyond)}")
    if found.kind == PUBLIC:
        raise Conflict("A public application has no secret")
    wanted = found._replace(updated_at=now)
    transaction.run(_APPLICATIONS.change, the_id=application_id, **_APPLICATIONS.params(wanted))
    transaction.run(_SET_SECRET_HASH, the_id=application_id, secret_hash=secret_hash)
    audit.record(
        transaction, account_id, audit.CHANGED, "application", application_id, now, after={"client_secret": "rotated"}
    )
    return wanted


def revoke_application(
    transaction: Transaction, account_id: int, application_id: int, now: int, by: Principal | None = None
) -> int:
    """Revoke all that an application holds: access and refresh tokens, and codes.

    The application stays, and may be connected anew; but a service, which needs nobody for that, loses its secret.
    Gives how many access tokens held until now. Raises NotFound or Forbidden.
    """
    _check_allowed(by)
    found = _to_change(transaction, account_id, application_id)
    revoked = revoke_application_tokens(transaction, application_id, now)
    after: dict[str, object] = {"revoked_tokens": revoked}
    if found.is_service:
        transaction.run(_SET_SECRET_HASH, the_id=application_id, secret_hash=None)
        after = {**after, "client_secret": "removed"}
    audit.record(transaction, account_id, audit.CHANGED, "application", application_id, now, after=after)
    return revoked


def remove_application(
    transaction: Transaction, account_id: int, application_id: int, now: int, by: Principal | None = None
) -> int:
    """Remove an application and revoke all that it holds; gives how many access tokens held until now.

    Raises NotFound or Forbidden.
    """
    _check_allowed(by)
    found = _to_change(transaction, account_id, application_id)
    removed = found._replace(removed_at=now, updated_at=now)
    transaction.run(_APPLICATIONS.change, the_id=application_id, **_APPLICATIONS.params(removed))
    revoked = revoke_application_tokens(transaction, application_id, now)
    remove_webhook(transaction, application_id, now)
    audit.deleted(transaction, account_id, "application", found, now)
    return revoked


def get_application(transaction: Transaction, account_id: int, application_id: int) -> Application:
    """One application. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=application_id)
    if found is None:
        raise NotFound
    return found


def to_edit(transaction: Transaction, account_id: int, application_id: int, by: Principal | None) -> Application:
    """An application that is to be changed, which nobody else changes until the commit.

    Raises NotFound, Forbidden, or Conflict for a built-in one.
    """
    _check_allowed(by)
    _check_own(by)
    found = _to_change(transaction, account_id, application_id)
    _check_allowed(by, found)
    if found.kind in _BUILT_IN:
        raise Conflict("A built-in application can't be changed")
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
    return _built_in(transaction, account_id, COMMAND_LINE, now)


def personal_application(transaction: Transaction, account_id: int, now: int) -> Application:
    """The built-in application of the personal access tokens; it is made with the first of them."""
    return _built_in(transaction, account_id, PERSONAL, now)


def _built_in(transaction: Transaction, account_id: int, kind: str, now: int) -> Application:
    transaction.serialize(f"applications {account_id}")
    found = transaction.one(_OF_KIND, account_id=account_id, the_kind=kind)
    if found is not None:
        return found
    wanted = Application(
        0, account_id, _BUILT_IN[kind], _new_client_id(), kind, False, None, None, (), None, None, now, now
    )
    return wanted._replace(id=_add(transaction, wanted))


def _check_allowed(by: Principal | None, application: Application | None = None) -> None:
    """Raise Forbidden for who may not touch applications, or not this one."""
    if by is None:
        return
    if by.site_limited or (application is not None and application.is_service and by.user_role != OWNER):
        raise Forbidden


def _check_own(by: Principal | None) -> None:
    """Raise Forbidden for a token that was given to an application."""
    if by is not None and not by.is_own:
        raise Forbidden("Only a personal token or one of the command line makes or changes applications")


def _scopes_of(by: Principal | None) -> str | None:
    """What a service that is made now may ask for."""
    return None if by is None else " ".join(sorted(by.scopes))


def _service_user(transaction: Transaction, account_id: int, by: Principal | None) -> int | None:
    """In whose name a service acts: the owner who makes it one. Raises Forbidden."""
    if by is not None:
        if by.user_role != OWNER:
            raise Forbidden("Only an owner can make an application a service")
        return by.user_id
    owner = first_owner(transaction, account_id)
    return None if owner is None else owner.id


def _read_service(
    transaction: Transaction, fields: StructuredFields, before: Application, by: Principal | None
) -> Application:
    service = fields.flag("service", before=before.is_service)
    if service == before.is_service:
        return before
    if not service:
        return before._replace(is_service=False, service_user_id=None, service_scopes=None)
    if before.kind == PUBLIC:
        fields.complain("service", "can't be public: it needs a secret of its own")
    user_id = _service_user(transaction, before.account_id, by)
    return before._replace(is_service=True, service_user_id=user_id, service_scopes=_scopes_of(by))


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
