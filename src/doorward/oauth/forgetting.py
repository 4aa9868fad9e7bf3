"""What nobody needs any more: codes, tokens and families that have long been dead."""

from typing import Final

from sqlalchemy import Table, and_, bindparam, delete, exists, or_, select
from sqlalchemy.sql.elements import ColumnElement

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.oauth.tables import authorization_codes, refresh_tokens, token_families, tokens

KEPT_MS: Final = 30 * 86_400_000
"""How long the dead are kept: who presents one until then learns that it was revoked or has expired."""
_BATCH: Final = 1000
"""A write must not stand in the way of others for long."""


def _forget(table: Table, *dead: ColumnElement[bool]) -> Query[None]:
    return Query[None](delete(table).where(table.c.id.in_(select(table.c.id).where(*dead).limit(_BATCH))))


def _without(table: Table) -> ColumnElement[bool]:
    return ~exists().where(table.c.family_id == token_families.c.id)


_BEFORE: Final[ColumnElement[int]] = bindparam("before")
_FORGET: Final = (
    _forget(authorization_codes, authorization_codes.c.expires_at < _BEFORE),
    _forget(tokens, or_(tokens.c.expires_at < _BEFORE, tokens.c.revoked_at < _BEFORE)),
    # One that was used is known as such until its family is dead or it would have expired: see refreshing.py.
    _forget(
        refresh_tokens,
        or_(
            refresh_tokens.c.expires_at < _BEFORE,
            refresh_tokens.c.family_id.in_(select(token_families.c.id).where(token_families.c.revoked_at < _BEFORE)),
        ),
    ),
    _forget(
        token_families,
        and_(
            token_families.c.created_at < _BEFORE,
            _without(authorization_codes),
            _without(tokens),
            _without(refresh_tokens),
        ),
    ),
)


def forget_old(transaction: Transaction, now: int) -> int:
    """Remove what has been dead for 30 days, up to a thousand rows of each kind; gives the number of rows."""
    return sum(transaction.run(query, before=now - KEPT_MS) for query in _FORGET)
