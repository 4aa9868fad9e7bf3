"""How far an account has come: what is there already counts as done, whoever made it."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, case, exists, or_, select

from doorward.accounts.service import Account, get_account
from doorward.channels.tables import IS_LOCAL, SIMULATED, channels
from doorward.credentials.tables import credential_types, credentials
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import CARD
from doorward.events.tables import events
from doorward.groups.tables import person_groups
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.roles.tables import group_roles, person_roles, role_channels, roles
from doorward.sites.sight import VISIBLE, visible_to
from doorward.sites.tables import sites

STEPS: Final = ("account", "door", "person", "card", "try")
LET_IN: Final = (10, 11, 17, 18, 70)
"""Codes of events that say that a credential has opened a door."""
_FIRST: Final = 500
"""Among so many people, the first there are, somebody with a card is looked for."""


class FirstDoor(NamedTuple):
    """The door that the steps are about: one that the server has itself, if there is one."""

    id: int
    name: str
    site: str
    driver: str
    controller_id: int | None
    is_local: bool

    @property
    def is_real(self) -> bool:
        """Whether it has hardware."""
        return self.driver != SIMULATED


class FirstPerson(NamedTuple):
    """The person that the steps are about, what they have and what they may."""

    id: int
    first_name: str
    last_name: str
    card: str | None
    has_role: bool
    """Whether a role of theirs, or of a group of theirs, names the door."""

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, slots=True)
class Progress:
    """What is there."""

    account: Account
    door: FirstDoor | None
    person: FirstPerson | None
    has_let_in: bool

    @property
    def done(self) -> dict[str, bool]:
        """Of each step, whether there is what it makes."""
        person = self.person
        ready = self.door is not None and person is not None and person.card is not None and person.has_role
        return {
            "account": True,
            "door": self.door is not None,
            "person": person is not None,
            "card": ready,
            "try": self.has_let_in,
        }

    @property
    def next_step(self) -> str:
        """The first that is not done; "" if all are."""
        return next((step for step in STEPS if not self.done[step]), "")

    @property
    def count(self) -> int:
        """How many are done."""
        return sum(self.done.values())


_DOOR: Final = Query(
    select(channels.c.id, channels.c.name, sites.c.name, channels.c.driver, channels.c.controller_id, IS_LOCAL)
    .join(sites, sites.c.id == channels.c.site_id)
    .where(VISIBLE)
    .order_by(case((IS_LOCAL, 0), else_=1), channels.c.two_factor, channels.c.id)
    .limit(1),
    lambda the_id, name, site, driver, controller_id, is_local: FirstDoor(
        the_id, name, site, driver, controller_id, bool(is_local)
    ),
)
_NAMES_DOOR: Final = exists(
    select(role_channels.c.role_id).where(
        role_channels.c.role_id == roles.c.id, role_channels.c.channel_id == bindparam("the_door")
    )
)
_LASTS: Final = roles.c.reservation_id.is_(None)
_BY_ROLE: Final = (
    select(person_roles.c.person_id)
    .join(roles, roles.c.id == person_roles.c.role_id)
    .where(person_roles.c.person_id == people.c.id, _LASTS, _NAMES_DOOR)
)
_BY_GROUP: Final = (
    select(person_groups.c.person_id)
    .join(group_roles, group_roles.c.group_id == person_groups.c.group_id)
    .join(roles, roles.c.id == group_roles.c.role_id)
    .where(person_groups.c.person_id == people.c.id, _LASTS, _NAMES_DOOR)
)
_MAY_OPEN: Final = or_(exists(_BY_ROLE), exists(_BY_GROUP))
_AT_ANY_TIME: Final = or_(
    exists(_BY_ROLE.where(roles.c.shift_id.is_(None))), exists(_BY_GROUP.where(roles.c.shift_id.is_(None)))
)
_CARD: Final = (
    select(credentials.c.value)
    .join(credential_types, credential_types.c.id == credentials.c.credential_type_id)
    .where(credentials.c.person_id == people.c.id, credentials.c.is_live == 1, credential_types.c.kind == CARD)
    .order_by(credentials.c.id)
    .limit(1)
    .scalar_subquery()
)
_LIVING: Final = and_(people.c.account_id == bindparam("account_id"), people.c.deleted_at.is_(None))
_IDS: Final = Query(select(people.c.id).where(_LIVING).order_by(people.c.id).limit(_FIRST), number)
_PEOPLE: Final = select(
    people.c.id,
    people.c.first_name,
    people.c.last_name,
    _CARD.label("card"),
    case((_MAY_OPEN, 1), else_=0).label("may_open"),
)
_NEXT: Final = Query(
    _PEOPLE.where(one_of(people.c.id, "ids"))
    .order_by(
        case((and_(_CARD.is_not(None), _AT_ANY_TIME), 0), (and_(_CARD.is_not(None), _MAY_OPEN), 1), else_=2),
        people.c.id,
    )
    .limit(1),
    lambda the_id, first, last, card, may_open: FirstPerson(the_id, first, last, card, bool(may_open)),
)
_ONE: Final = Query(
    _PEOPLE.where(_LIVING, people.c.id == bindparam("the_person")),
    lambda the_id, first, last, card, may_open: FirstPerson(the_id, first, last, card, bool(may_open)),
)
_LET_IN: Final = Query(
    select(events.c.id)
    .where(events.c.account_id == bindparam("account_id"), one_of(events.c.event_code, "codes"))
    .limit(1),
    number,
)
_OTHER_DOOR: Final = role_channels.alias("other_door")
_ROLE_OF_DOOR: Final = Query(
    select(roles.c.id)
    .where(
        roles.c.account_id == bindparam("account_id"),
        roles.c.shift_id.is_(None),
        _LASTS,
        _NAMES_DOOR,
        ~exists(
            select(_OTHER_DOOR.c.role_id).where(
                _OTHER_DOOR.c.role_id == roles.c.id, _OTHER_DOOR.c.channel_id != bindparam("the_door")
            )
        ),
    )
    .order_by(roles.c.id)
    .limit(1),
    number,
)
_ROLES_NAMED: Final = Query(
    select(roles.c.id).where(roles.c.account_id == bindparam("account_id"), roles.c.name == bindparam("the_name")),
    number,
)


def progress_of(transaction: Transaction, principal: Principal, person_id: int = 0) -> Progress:
    """What is there for the user to see; `person_id`: of this person."""
    account_id = principal.account_id
    account = get_account(transaction, account_id)
    door = first_door(transaction, principal)
    params = {"the_door": 0 if door is None else door.id}
    if person_id:
        person = transaction.one(_ONE, account_id=account_id, the_person=person_id, **params)
    else:
        ids = transaction.all(_IDS, account_id=account_id)
        person = transaction.one(_NEXT, ids=str(ids), **params) if ids else None
    let_in = transaction.one(_LET_IN, account_id=account_id, codes=str(list(LET_IN)))
    return Progress(account, door, person, let_in is not None)


def first_door(transaction: Transaction, principal: Principal) -> FirstDoor | None:
    """The door that the steps are about."""
    return transaction.one(_DOOR, **visible_to(principal))


def role_of_door(transaction: Transaction, principal: Principal, door_id: int) -> int | None:
    """A role that opens this door alone, at any time."""
    return transaction.one(_ROLE_OF_DOOR, account_id=principal.account_id, the_door=door_id)


def is_role(transaction: Transaction, principal: Principal, name: str) -> bool:
    """Whether a role is called so."""
    return transaction.one(_ROLES_NAMED, account_id=principal.account_id, the_name=name) is not None
