"""Personal access tokens: made by a user for their own programs, of one built-in application per account.

Neither the token of an application nor a personal token makes any: to revoke the one that has leaked is enough.
"""

from typing import Final, NamedTuple, Protocol

from sqlalchemy import and_, bindparam, func, insert, select, update

from doorward.applications.service import PERSONAL, personal_application
from doorward.audit import service as audit
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.crypto import new_token, token_digest
from doorward.kit.errors import Forbidden, NotFound
from doorward.kit.fields import REQUIRED
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.families import standing
from doorward.oauth.principal import Principal
from doorward.oauth.scopes import UnknownScope, parse_scopes
from doorward.oauth.tables import applications, tokens
from doorward.oauth.tokens import authenticate_again

USUAL_DAYS: Final = 90
LONGEST_DAYS: Final = 365
MOST_TOKENS: Final = 50
"""That hold, of one user."""
_ENDLESS_DAYS: Final = 3653
_DAY_MS: Final = 86_400_000
_MOST_SCOPES: Final = 100


class PersonalToken(NamedTuple):
    """A personal access token, without the token itself. Scopes are separated by spaces."""

    id: int
    name: str
    scopes: str
    created_at: int
    expires_at: int


class _Owner(Protocol):
    """Whose tokens they are: who asks with a token, or in a browser."""

    @property
    def user_id(self) -> int: ...

    @property
    def account_id(self) -> int: ...


_ADD: Final = Query(
    insert(tokens)
    .values(
        {
            name: bindparam(name, type_=tokens.c[name].type)
            for name in (
                *("digest", "account_id", "application_id", "user_id"),
                *("name", "scopes", "expires_at", "created_at"),
            )
        }
    )
    .returning(tokens.c.id),
    number,
)
_OWN: Final = and_(
    tokens.c.user_id == bindparam("the_user"),
    tokens.c.application_id.in_(
        select(applications.c.id).where(
            applications.c.account_id == bindparam("account_id"), applications.c.kind == PERSONAL
        )
    ),
    tokens.c.revoked_at.is_(None),
)
_COLUMNS: Final = tuple(tokens.c[name] for name in PersonalToken._fields)
_LIST: Final = Query(
    select(*_COLUMNS).where(_OWN, tokens.c.expires_at > bindparam("now")).order_by(tokens.c.id), PersonalToken
)
_COUNT: Final = Query(select(func.count()).where(_OWN, tokens.c.expires_at > bindparam("now")), number)
_ONE: Final = Query(select(*_COLUMNS).where(_OWN, tokens.c.id == bindparam("the_id")), PersonalToken)
_REVOKE: Final = Query[None](
    update(tokens)
    .where(tokens.c.id == bindparam("the_id"), tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)


def create_personal_token(
    transaction: Transaction, principal: Principal, body: object, now: int
) -> tuple[PersonalToken, str]:
    """A new token in the name of who asks: `name`, `scopes` (a list, or separated by spaces), `expires_in_days`.

    Its scopes are among those of the token it is asked for with. Gives it with its text, which cannot be seen again.
    Raises Invalid, or Forbidden for the token of an application, or one that is personal itself.
    """
    if not principal.is_own or principal.application_kind == PERSONAL:
        raise Forbidden("A personal token can't be made with a personal token or the token of an application")
    asking = principal.application_id
    if asking is not None and not standing(transaction, asking, principal.user_id):
        raise Forbidden
    authenticate_again(transaction, principal, now)  # whoever revokes all that a user has either waits or was first
    application_id = personal_application(transaction, principal.account_id, now).id
    fields = StructuredFields(body)
    name = fields.name("name", required=True) or ""
    scopes = _read_scopes(fields, principal)
    days = fields.integer("expires_in_days", low=1, high=LONGEST_DAYS)
    if days is None:
        days = _ENDLESS_DAYS if "expires_in_days" in fields else USUAL_DAYS
    # Exact, for personal_application() lets in one after the other.
    which = {"the_user": principal.user_id, "account_id": principal.account_id}
    if require(transaction.one(_COUNT, **which, now=now)) >= MOST_TOKENS:
        fields.complain("name", f"would be one too many: you have {MOST_TOKENS} personal tokens that hold")
    fields.check()
    text = new_token()
    made = PersonalToken(0, name, scopes, now, now + days * _DAY_MS)
    made = made._replace(
        id=require(
            transaction.one(
                _ADD,
                digest=token_digest(text),
                account_id=principal.account_id,
                application_id=application_id,
                user_id=principal.user_id,
                name=name,
                scopes=scopes,
                expires_at=made.expires_at,
                created_at=now,
            )
        )
    )
    audit.created(transaction, principal.account_id, "personal_token", made, now)
    return made, text


def list_personal_tokens(transaction: Transaction, principal: _Owner, now: int) -> list[PersonalToken]:
    """Those of who asks that hold, the oldest first."""
    return transaction.all(_LIST, the_user=principal.user_id, account_id=principal.account_id, now=now)


def revoke_personal_token(transaction: Transaction, principal: _Owner, token_id: int, now: int) -> None:
    """Revoke one of those of who asks. Raises NotFound."""
    which = {"the_user": principal.user_id, "account_id": principal.account_id, "the_id": token_id}
    found = transaction.one(_ONE, **which)
    if found is None or not transaction.run(_REVOKE, the_id=token_id, now=now):
        raise NotFound
    audit.deleted(transaction, principal.account_id, "personal_token", found, now)


def _read_scopes(fields: StructuredFields, principal: Principal) -> str:
    given = fields.words("scopes", most=_MOST_SCOPES, required=True)
    if given is None:
        return ""
    try:
        scopes = parse_scopes(" ".join(given))
    except UnknownScope as error:
        fields.complain("scopes", f"has an {str(error)[:500]}")
        return ""
    if not scopes:
        fields.complain("scopes", REQUIRED)
    beyond = sorted(scopes - principal.scopes)
    if beyond:
        fields.complain("scopes", f"must be among those of the token that asks: {', '.join(beyond)}")
    return " ".join(sorted(scopes))
