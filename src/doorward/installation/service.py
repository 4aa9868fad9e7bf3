"""Which secret key the database was written with, so that a lost or wrong one is noticed."""

from typing import Final

from sqlalchemy import bindparam, insert, select

from doorward.db.query import Query, word
from doorward.db.unit_of_work import Transaction
from doorward.installation.tables import installation
from doorward.kit.crypto import SecretKeyError

_FINGERPRINT: Final = "secret_key_fingerprint"

_ONE: Final = Query(select(installation.c.value).where(installation.c.name == bindparam("the_name")), word)
_ADD: Final = Query[None](insert(installation).values(name=bindparam("name"), value=bindparam("value")))


def key_fingerprint(transaction: Transaction) -> str | None:
    """The fingerprint of the key that this database was written with; None for a new database."""
    return transaction.one(_ONE, the_name=_FINGERPRINT)


def claim_key(transaction: Transaction, fingerprint: str) -> None:
    """Bind a new database to a key. Raises SecretKeyError for one that is bound to another."""
    transaction.serialize("installation")
    known = key_fingerprint(transaction)
    check_key(known, fingerprint)
    if known is None:
        transaction.run(_ADD, name=_FINGERPRINT, value=fingerprint)


def check_key(known: str | None, fingerprint: str) -> None:
    """Raises SecretKeyError if the database is bound to another key than this one."""
    if known not in (None, fingerprint):
        raise SecretKeyError("the secret key is not the one of this database: restore the right one from the backup")
