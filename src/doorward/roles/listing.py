"""The list of roles, as `GET /api/3/roles` shows it."""

from functools import lru_cache
from typing import Final

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, bindparam, exists, or_, select

from doorward.channels.tables import channels
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.timestamps import format_instant
from doorward.roles.tables import role_channels, roles
from doorward.users.tables import user_sites


class Role(Struct, frozen=True, gc=False):
    """A role on the wire: these fields in this order (contract, list roles)."""

    id: int
    name: str
    shift_id: int | None
    notes: str | None
    created_at: str
    updated_at: str


@lru_cache(maxsize=4096)
def _role(
    role_id: int,
    name: str,
    shift_id: int | None,
    notes: str | None,
    created_at: int,
    updated_at: int,
) -> Role:
    return Role(
        role_id,
        name,
        shift_id,
        notes,
        format_instant(created_at),
        format_instant(updated_at),
    )


def _listing(*limits: ColumnElement[bool]) -> Query[Role]:
    statement: Select[tuple[int, str, int | None, str | None, int, int]] = (
        select(
            roles.c.id,
            roles.c.name,
            roles.c.shift_id,
            roles.c.notes,
            roles.c.created_at,
            roles.c.updated_at,
        )
        .where(
            roles.c.account_id == bindparam("account_id"),
            # The role of a reservation that has ended is gone, also before it is swept.
            or_(roles.c.expires_at.is_(None), roles.c.expires_at > bindparam("now")),
            *limits,
        )
        .order_by(roles.c.name_key, roles.c.id)
    )
    return Query(statement, _role)


_ALL: Final = _listing()
_AT_SITES_OF_USER: Final = _listing(
    exists(
        select(role_channels.c.role_id)
        .join(channels, channels.c.id == role_channels.c.channel_id)
        .join(user_sites, user_sites.c.site_id == channels.c.site_id)
        .where(
            role_channels.c.role_id == roles.c.id,
            user_sites.c.user_id == bindparam("user_id"),
        )
    )
)


def list_roles(
    transaction: Transaction,
    *,
    account_id: int,
    user_id: int,
    site_limited: bool,
    now: int,
) -> list[Role]:
    """Every role that the user may see, by name without regard to case and then by id.

    A user limited to sites sees the roles that name a channel there.
    """
    if site_limited:
        return transaction.all(_AT_SITES_OF_USER, account_id=account_id, now=now, user_id=user_id)
    return transaction.all(_ALL, account_id=account_id, now=now)
