"""Settle the value of a credential: its normal form, whether it is free, and for a PIN whether it is long enough.

What is free now must be so at the commit: take `lock` first. A value is unique among all the account's types of one
kind, because a reader tells the kind of a credential, not its type.
"""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, func, select

from doorward.credentials.pins import MEMORISED, MOST_HOLDERS, RANDOM, random_pin, shortest_length
from doorward.credentials.tables import IS_MEMORISED, credential_types, credentials
from doorward.credentials.types import CredentialType
from doorward.credentials.values import normal_value
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import PIN
from doorward.kit.crypto import Vault
from doorward.kit.text import InvalidText

VALUE_IN_USE: Final = "value is already in use on your account"

_TRIES: Final = 100

_LIVE_WITH_LOOKUP: Final = Query(
    select(credentials.c.id).where(
        credentials.c.account_id == bindparam("account_id"),
        credentials.c.lookup == bindparam("the_lookup"),
        credentials.c.is_live == 1,
        credentials.c.id != bindparam("but"),
    ),
    number,
)
_WITH_LOOKUP: Final = Query(
    select(credentials.c.id).where(
        credentials.c.account_id == bindparam("account_id"), credentials.c.lookup == bindparam("the_lookup")
    ),
    number,
)
_OTHER_PIN_HOLDERS: Final = Query(
    select(func.count(credentials.c.person_id.distinct()))
    .join(credential_types, credential_types.c.id == credentials.c.credential_type_id)
    .where(
        credentials.c.account_id == bindparam("account_id"),
        IS_MEMORISED,
        credentials.c.is_live == 1,
        credentials.c.person_id != bindparam("but"),
    ),
    number,
)
_FORGET_DEAD: Final = Query[None](
    delete(credentials).where(
        credentials.c.account_id == bindparam("account_id"),
        credentials.c.lookup == bindparam("the_lookup"),
        credentials.c.is_live == 0,
    )
)


class Chosen(NamedTuple):
    """A value that is free: as it will be shown, and as it is stored and found."""

    value: str
    stored: str
    lookup: str

    def __repr__(self) -> str:
        return "Chosen(…)"


def lock(transaction: Transaction, account_id: int) -> None:
    """Keep others from giving out credentials of the account until the commit."""
    transaction.serialize(f"credentials {account_id}")


def lookup(vault: Vault, account_id: int, kind: str, normal: str) -> str:
    """By what a credential is found: a blind index of its normal form.

    A duress PIN is found as the PIN that is typed: so none is anybody's PIN at the same time, nor the other way round.
    """
    typed = PIN if kind in MEMORISED else kind
    return vault.blind_index(f"{account_id}:{typed}", normal)


def stored_value(vault: Vault, account_id: int, kind: str, value: str) -> str:
    """A value as its column holds it: a PIN is encrypted."""
    return vault.encrypt(value, f"credential:{account_id}") if kind in MEMORISED else value


def shown_value(vault: Vault, account_id: int, kind: str, stored: str) -> str:
    """The value again. Raises SecretKeyError if the installation's key is another one."""
    return vault.decrypt(stored, f"credential:{account_id}") if kind in MEMORISED else stored


def choose(
    transaction: Transaction,
    vault: Vault,
    wanted: CredentialType,
    value: str,
    *,
    person_id: int = 0,
    credential_id: int = 0,
) -> Chosen:
    """The value that a person is to have; RANDOM makes a PIN. 0 stands for what does not exist yet.

    Raises InvalidText.
    """
    if wanted.kind in MEMORISED:
        length = _pin_length(transaction, wanted.account_id, person_id)
        if value == RANDOM:
            return _random(transaction, vault, wanted, length)
    elif value == RANDOM:
        raise InvalidText("can be made at random only for a PIN")
    chosen = _chosen(vault, wanted, value)
    if wanted.kind in MEMORISED and len(value) < length.digits:
        raise InvalidText(
            f"is too short: where {length.holders} people have a PIN, it needs at least {length.digits} digits"
        )
    if _is_taken(transaction, wanted.account_id, chosen, credential_id):
        raise InvalidText(VALUE_IN_USE)
    return chosen


def forget_dead(transaction: Transaction, account_id: int, chosen: Chosen) -> None:
    """Take the value from whoever had it and is deleted: it is somebody else's now."""
    transaction.run(_FORGET_DEAD, account_id=account_id, the_lookup=chosen.lookup)


class _Length(NamedTuple):
    holders: int
    digits: int


def _pin_length(transaction: Transaction, account_id: int, person_id: int) -> _Length:
    holders = 1 + (transaction.one(_OTHER_PIN_HOLDERS, account_id=account_id, but=person_id) or 0)
    digits = shortest_length(holders)
    if digits is None:
        raise InvalidText(f"can't be given: at most {MOST_HOLDERS} people of an account can have a PIN")
    return _Length(holders, digits)


def _random(transaction: Transaction, vault: Vault, wanted: CredentialType, length: _Length) -> Chosen:
    """A PIN that nobody has, and if possible nobody has had: whoever left might try theirs."""
    for attempt in range(_TRIES):
        chosen = _chosen(vault, wanted, random_pin(length.digits))
        if attempt < _TRIES // 2:
            found = transaction.one(_WITH_LOOKUP, account_id=wanted.account_id, the_lookup=chosen.lookup)
            if found is None:
                return chosen
        elif not _is_taken(transaction, wanted.account_id, chosen, 0):
            return chosen
    raise InvalidText(f"can't be made at random: too many PINs of {length.digits} digits are in use")


def _chosen(vault: Vault, wanted: CredentialType, value: str) -> Chosen:
    normal = normal_value(wanted.kind, value)
    shown = value.strip()
    return Chosen(
        shown,
        stored_value(vault, wanted.account_id, wanted.kind, shown),
        lookup(vault, wanted.account_id, wanted.kind, normal),
    )


def _is_taken(transaction: Transaction, account_id: int, chosen: Chosen, but: int) -> bool:
    found = transaction.one(_LIVE_WITH_LOOKUP, account_id=account_id, the_lookup=chosen.lookup, but=but)
    return found is not None
