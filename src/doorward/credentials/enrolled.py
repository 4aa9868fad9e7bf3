"""The live credentials in the database: read, written, retired. The rules are choosing.py's and service.py's."""

from collections.abc import Callable, Collection, Container, Iterator
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, select, update

from doorward.audit import service as audit
from doorward.credentials.choosing import VALUE_IN_USE, Chosen, forget_dead, shown_value
from doorward.credentials.pins import HIDDEN, MEMORISED
from doorward.credentials.tables import credential_types, credentials
from doorward.credentials.types import CredentialType
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Rejected, Transaction, require
from doorward.kit.crypto import Vault
from doorward.kit.errors import Conflict, DoorwardError, Invalid
from doorward.kit.pages import Page
from doorward.webhooks.telling import CREATE, DESTROY, UPDATE, tell_of_credentials

_PART: Final = 500

Sight = Callable[[Collection[int]], Container[int]]
"""Of some people, those whose PINs are to be read; asked once for many."""


def everybodys(person_ids: Collection[int]) -> Container[int]:
    """The sight of the installation itself."""
    return person_ids


def nobodys(_: Collection[int]) -> Container[int]:
    """No PIN is decrypted."""
    return ()


class Credential(NamedTuple):
    """One live credential; `label`, `slug` and `kind` are its type's. `value` is readable, or of a PIN HIDDEN."""

    id: int
    account_id: int
    person_id: int
    credential_type_id: int
    label: str
    slug: str
    kind: str
    value: str
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"Credential(id={self.id}, person_id={self.person_id}, kind={self.kind!r})"

    def logged(self) -> dict[str, object]:
        """What the audit log may know of it: whose and of which type, never the value."""
        return {"person_id": self.person_id, "credential_type_id": self.credential_type_id, "label": self.label}


def _live(*limits: ColumnElement[bool]) -> Select[tuple[int, int, int, int, str, str, str, str, int, int]]:
    return (
        select(
            credentials.c.id,
            credentials.c.account_id,
            credentials.c.person_id,
            credentials.c.credential_type_id,
            credential_types.c.label,
            credential_types.c.slug,
            credential_types.c.kind,
            credentials.c.value,
            credentials.c.created_at,
            credentials.c.updated_at,
        )
        .join(credential_types, credential_types.c.id == credentials.c.credential_type_id)
        .where(credentials.c.account_id == bindparam("account_id"), credentials.c.is_live == 1, *limits)
        .order_by(credentials.c.id)
    )


_ONE: Final = Query(
    _live(credentials.c.id == bindparam("the_id"), credentials.c.person_id == bindparam("the_person")), Credential
)
_OF_TYPE: Final = Query(
    _live(
        credentials.c.person_id == bindparam("the_person"),
        credentials.c.credential_type_id == bindparam("the_type"),
    ),
    Credential,
)
_OF_PEOPLE: Final = Query(_live(one_of(credentials.c.person_id, "person_ids")), Credential)
# What comes before the page is walked past in the index alone.
_listed = credentials.alias("listed")
_PAGE: Final = Query(
    _live(
        credentials.c.id.in_(
            select(_listed.c.id)
            .where(_listed.c.account_id == bindparam("account_id"), _listed.c.is_live == 1)
            .order_by(_listed.c.id)
            .limit(bindparam("limit"))
            .offset(bindparam("offset"))
        )
    ),
    Credential,
)
_AFTER: Final = Query(_live(credentials.c.id > bindparam("cursor")).limit(bindparam("limit")), Credential)
_COUNT: Final = Query(
    select(func.count())
    .select_from(credentials)
    .where(credentials.c.account_id == bindparam("account_id"), credentials.c.is_live == 1),
    number,
)
_WRITTEN: Final = ("account_id", "person_id", "credential_type_id", "value", "lookup", "created_at", "updated_at")
_ADD: Final = Query(
    insert(credentials)
    .values({**{name: bindparam(name) for name in _WRITTEN}, "is_live": 1})
    .returning(credentials.c.id),
    number,
)
_CHANGE: Final = Query[None](
    update(credentials)
    .where(credentials.c.id == bindparam("the_id"))
    .values(value=bindparam("value"), lookup=bindparam("lookup"), updated_at=bindparam("now"))
)
_REMOVE: Final = Query[None](delete(credentials).where(credentials.c.id == bindparam("the_id")))
_RETIRE: Final = Query(
    update(credentials)
    .where(credentials.c.person_id == bindparam("the_person"), credentials.c.is_live == 1)
    .values(is_live=0, updated_at=bindparam("now"))
    .returning(credentials.c.id, credentials.c.account_id),
    lambda credential_id, account_id: (int(credential_id), int(account_id)),
)


def find(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    person_id: int,
    credential_id: int,
    sight: Sight = everybodys,
) -> Credential | None:
    """One credential of a person."""
    found = transaction.one(_ONE, account_id=account_id, the_person=person_id, the_id=credential_id)
    return None if found is None else _seen(vault, [found], sight)[0]


def held(transaction: Transaction, vault: Vault, account_id: int, person_id: int, type_id: int) -> Credential | None:
    """What a person has of a type."""
    found = transaction.one(_OF_TYPE, account_id=account_id, the_person=person_id, the_type=type_id)
    return None if found is None else _shown(vault, found)


def of_people(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    person_ids: Collection[int],
    sight: Sight = everybodys,
) -> list[Credential]:
    """What people have, oldest first."""
    return _seen(vault, transaction.all(_OF_PEOPLE, account_id=account_id, person_ids=str(list(person_ids))), sight)


def page_of_account(
    transaction: Transaction, vault: Vault, account_id: int, page: Page, sight: Sight
) -> tuple[list[Credential], int]:
    """A page of what all people of an account have, oldest first, and how much there is in all."""
    found = transaction.all(_PAGE, account_id=account_id, limit=page.limit, offset=page.offset)
    total = transaction.one(_COUNT, account_id=account_id) or 0
    return _seen(vault, found, sight), total


def all_of_account(transaction: Transaction, vault: Vault, account_id: int, sight: Sight) -> Iterator[list[Credential]]:
    """What all people of an account have, oldest first, a part at a time."""
    cursor = 0
    while found := transaction.all(_AFTER, account_id=account_id, cursor=cursor, limit=_PART):
        yield _seen(vault, found, sight)
        cursor = found[-1].id


def add(transaction: Transaction, wanted: CredentialType, person_id: int, chosen: Chosen, now: int) -> Credential:
    """Write a new credential, whose value `choose` has settled."""
    forget_dead(transaction, wanted.account_id, chosen)
    try:
        credential_id = transaction.one(
            _ADD,
            account_id=wanted.account_id,
            person_id=person_id,
            credential_type_id=wanted.id,
            value=chosen.stored,
            lookup=chosen.lookup,
            created_at=now,
            updated_at=now,
        )
    except Rejected as error:
        raise _refusal(error) from error
    made = Credential(
        require(credential_id),
        wanted.account_id,
        person_id,
        wanted.id,
        wanted.label,
        wanted.slug,
        wanted.kind,
        chosen.value,
        now,
        now,
    )
    audit.record(transaction, made.account_id, audit.CREATED, "credential", made.id, now, after=made.logged())
    tell_of_credentials(transaction, made.account_id, CREATE, [(made.id, person_id)], now)
    return made


def change(transaction: Transaction, found: Credential, chosen: Chosen, now: int) -> Credential:
    """Write another value, which `choose` has settled, into a credential."""
    forget_dead(transaction, found.account_id, chosen)
    try:
        transaction.run(_CHANGE, the_id=found.id, value=chosen.stored, lookup=chosen.lookup, now=now)
    except Rejected as error:
        raise _refusal(error) from error
    after = {**found.logged(), "value": "another"}
    audit.record(transaction, found.account_id, audit.CHANGED, "credential", found.id, now, after=after)
    tell_of_credentials(transaction, found.account_id, UPDATE, [(found.id, found.person_id)], now)
    return found._replace(value=chosen.value, updated_at=now)


def remove(transaction: Transaction, account_id: int, person_id: int, credential_id: int, now: int) -> bool:
    """Remove a person's credential; False if they have no such."""
    found = transaction.one(_ONE, account_id=account_id, the_person=person_id, the_id=credential_id)
    if found is None or not transaction.run(_REMOVE, the_id=credential_id):
        return False
    audit.record(transaction, account_id, audit.DELETED, "credential", credential_id, now, before=found.logged())
    tell_of_credentials(transaction, account_id, DESTROY, [(credential_id, person_id)], now)
    return True


def retire(transaction: Transaction, person_id: int, now: int) -> None:
    """Let a deleted person's credentials open nothing, and stay known until somebody else has them."""
    retired = sorted(transaction.all(_RETIRE, the_person=person_id, now=now))
    if retired:
        told = [(credential_id, person_id) for credential_id, _ in retired]
        tell_of_credentials(transaction, retired[0][1], DESTROY, told, now)


def _seen(vault: Vault, found: list[Credential], sight: Sight) -> list[Credential]:
    """The credentials with their values; of PINs only those that are in sight are decrypted."""
    holders = {each.person_id for each in found if each.kind in MEMORISED}
    in_sight = sight(holders) if holders else ()
    return [
        each._replace(value=HIDDEN)
        if each.kind in MEMORISED and each.person_id not in in_sight
        else _shown(vault, each)
        for each in found
    ]


def _shown(vault: Vault, found: Credential) -> Credential:
    return found._replace(value=shown_value(vault, found.account_id, found.kind, found.value))


def _refusal(error: Rejected) -> DoorwardError:
    """What the database held against it after all; `lock` leaves no room for that unless somebody writes past it."""
    if error.names("lookup"):
        return Invalid({"value": [VALUE_IN_USE]})
    return Conflict()
