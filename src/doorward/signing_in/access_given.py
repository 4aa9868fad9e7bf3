"""What has access in a user's name: the applications that they have let in, and their personal access tokens."""

from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, exists, select, update

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.oauth.families import revoke_family, standing
from doorward.oauth.tables import applications, authorization_codes, refresh_tokens, token_families, tokens

_DISCONNECTED: Final = "Disconnected by the user"


class LetIn(NamedTuple):
    """An application that a user has let in, once or several times, and what it may do, from when on."""

    application_id: int
    name: str
    scopes: frozenset[str]
    since: int


class _Consent(NamedTuple):
    application_id: int
    name: str
    scopes: str
    created_at: int


_OWN: Final = and_(token_families.c.user_id == bindparam("the_user"), token_families.c.revoked_at.is_(None))
_CONSENTS: Final = Query(
    select(applications.c.id, applications.c.name, token_families.c.scopes, token_families.c.created_at)
    .join(applications, applications.c.id == token_families.c.application_id)
    .where(
        _OWN,
        applications.c.removed_at.is_(None),
        # One that has run out is good for nothing more, although nobody has revoked it.
        exists().where(
            refresh_tokens.c.family_id == token_families.c.id,
            refresh_tokens.c.used_at.is_(None),
            refresh_tokens.c.expires_at > bindparam("now"),
        )
        | exists().where(
            tokens.c.family_id == token_families.c.id,
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at > bindparam("now"),
        ),
    )
    .order_by(token_families.c.id),
    _Consent,
)
_FAMILIES: Final = Query(
    select(token_families.c.id)
    .where(_OWN, token_families.c.application_id == bindparam("the_application"))
    .order_by(token_families.c.id),
    number,
)
_SPEND_CODES: Final = Query[None](
    update(authorization_codes)
    .where(
        authorization_codes.c.user_id == bindparam("the_user"),
        authorization_codes.c.application_id == bindparam("the_application"),
        authorization_codes.c.used_at.is_(None),
    )
    .values(used_at=bindparam("now"))
)


def applications_let_in(transaction: Transaction, user_id: int, now: int) -> list[LetIn]:
    """The applications that still have access in the user's name, by name."""
    found: dict[int, LetIn] = {}
    for consent in transaction.all(_CONSENTS, the_user=user_id, now=now):
        scopes = frozenset(consent.scopes.split())
        before = found.get(consent.application_id)
        found[consent.application_id] = (
            LetIn(consent.application_id, consent.name, scopes, consent.created_at)
            if before is None
            else before._replace(scopes=before.scopes | scopes)
        )
    return sorted(found.values(), key=lambda each: (each.name.casefold(), each.application_id))


def disconnect(transaction: Transaction, user_id: int, application_id: int, now: int) -> bool:
    """Revoke all that the user has let an application have; False if that is nothing."""
    # Locks as whoever removes the application or disables the user does, and in their order.
    standing(transaction, application_id, user_id)
    which = {"the_user": user_id, "the_application": application_id}
    # First the codes: one that is being exchanged meanwhile is waited for, and its family is then among those found.
    transaction.run(_SPEND_CODES, **which, now=now)
    families = transaction.all(_FAMILIES, **which)
    revoked = [revoke_family(transaction, family_id, _DISCONNECTED, now) for family_id in families]
    return any(revoked)
