"""Credentials that nobody has been admitted with for some time, or ever, as far as the record goes back.

An event says whose credential it was and of which kind, and of what is held to a reader the number. A person has at
most one of each type, so that the number decides only where they have several of one kind.
"""

from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, and_, bindparam, case, func, or_, select

from doorward.credentials.tables import credential_types, credentials
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import ADMIT_CODES, CARD, DURESS, PIN, EventCode
from doorward.events.tables import events
from doorward.kit.pages import Page
from doorward.people.tables import people
from doorward.reports.codes import with_code


class UnusedCredential(NamedTuple):
    """A live credential of somebody, without its value. `last_used_at` None: never. Instants are milliseconds UTC."""

    id: int
    credential_type_id: int
    label: str
    kind: str
    person_id: int
    person_name: str
    created_at: int
    last_used_at: int | None


_others = credentials.alias("others")
_their_types = credential_types.alias("their_types")
_IS_ONLY_ONE: Final = ~(
    select(_others.c.id)
    .join(_their_types, _their_types.c.id == _others.c.credential_type_id)
    .where(
        _others.c.person_id == credentials.c.person_id,
        _others.c.is_live == 1,
        _others.c.id != credentials.c.id,
        _their_types.c.kind == credential_types.c.kind,
    )
    .correlate(credentials, credential_types)
    .exists()
)
_HAS_ITS_NUMBER: Final = func.ltrim(events.c.credential, "0") == func.ltrim(credentials.c.value, "0")


_KIND: Final = credential_types.c.kind
_BY_ITS_KIND: Final = or_(
    events.c.event_code == case({kind: int(code) for kind, code in ADMIT_CODES.items()}, value=_KIND),
    and_(_KIND == CARD, with_code({EventCode.ADMIT_TWO_FACTORS})),
)
_AT_UNLOCKED: Final = with_code({EventCode.ADMIT_UNLOCKED})
_TYPED: Final = or_(
    with_code({EventCode.ADMIT_PIN, EventCode.ADMIT_TWO_FACTORS}), and_(_AT_UNLOCKED, events.c.credential.is_(None))
)
_HELD: Final = or_(and_(_BY_ITS_KIND, or_(_IS_ONLY_ONE, _HAS_ITS_NUMBER)), and_(_AT_UNLOCKED, _HAS_ITS_NUMBER))
_LAST_USED: Final = (
    select(events.c.occurred_at)
    .where(
        events.c.person_id == credentials.c.person_id,
        or_(
            and_(_KIND == PIN, _TYPED),
            and_(_KIND == DURESS, with_code({EventCode.DURESS})),
            and_(_KIND != PIN, _KIND != DURESS, _HELD),
        ),
    )
    .order_by(events.c.occurred_at.desc(), events.c.id.desc())
    .limit(1)
    .correlate(credentials, credential_types)
    .scalar_subquery()
)
_found = (
    select(
        credentials.c.id.label("id"),
        credential_types.c.id.label("type_id"),
        credential_types.c.label,
        _KIND,
        people.c.id.label("person_id"),
        people.c.first_name,
        people.c.last_name,
        credentials.c.created_at,
        _LAST_USED.label("last_used_at"),
    )
    .select_from(
        credentials.join(credential_types, credential_types.c.id == credentials.c.credential_type_id).join(
            people, people.c.id == credentials.c.person_id
        )
    )
    .where(
        credentials.c.account_id == bindparam("account_id"),
        credentials.c.is_live == 1,
        people.c.deleted_at.is_(None),
        credentials.c.created_at < bindparam("before", type_=BigInteger()),
    )
    .subquery("found")
)
_UNUSED: Final = func.coalesce(_found.c.last_used_at, -1) < bindparam("used_before", type_=BigInteger())


def _row(*values: Any) -> UnusedCredential:
    the_id, type_id, label, kind, person_id, first, last, created_at, last_used_at = values
    name = f"{first} {last}".strip()
    return UnusedCredential(the_id, type_id, label, kind, person_id, name, created_at, last_used_at)


_PAGE: Final = Query(
    select(*_found.c).where(_UNUSED).order_by(_found.c.id).limit(bindparam("limit")).offset(bindparam("offset")), _row
)
_COUNT: Final = Query(select(func.count()).select_from(_found).where(_UNUSED), number)


def unused_credentials(
    transaction: Transaction, account_id: int, page: Page, *, before: int, never: bool = False
) -> tuple[list[UnusedCredential], int]:
    """A page of those that there were before an instant and that were not used since, oldest first; and how many.

    `never`: only those that were not used before it, either.
    """
    params = {"account_id": account_id, "before": before, "used_before": 0 if never else before}
    found = transaction.all(_PAGE, limit=page.limit, offset=page.offset, **params)
    if page.offset == 0 and len(found) < page.limit:
        return found, len(found)
    return found, transaction.one(_COUNT, **params) or 0
