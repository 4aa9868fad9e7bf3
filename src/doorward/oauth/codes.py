"""Authorization codes: what a browser carries from the consent to the application (RFC 6749, 4.1)."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.crypto import new_token, token_digest
from doorward.oauth.families import Grant, revoke_family
from doorward.oauth.tables import authorization_codes as codes

CODE_MS: Final = 600_000


class Code(NamedTuple):
    """A code as it is stored. `family_id` is what it was exchanged for."""

    id: int
    account_id: int
    application_id: int
    user_id: int
    scopes: str
    redirect_uri: str
    code_challenge: str | None
    expires_at: int
    used_at: int | None
    family_id: int | None

    @property
    def grant(self) -> Grant:
        """What was consented to."""
        return Grant(self.account_id, self.application_id, self.user_id, self.scopes)


_FIND: Final = Query(
    select(*(codes.c[name] for name in Code._fields))
    .where(codes.c.digest == bindparam("the_digest"))
    .with_for_update(),
    Code,
)
_ADD: Final = Query[None](
    insert(codes).values(
        {
            name: bindparam(name)
            for name in (
                *("digest", "account_id", "application_id", "user_id", "scopes"),
                *("redirect_uri", "code_challenge", "expires_at", "created_at"),
            )
        }
    )
)
_USE: Final = Query[None](
    update(codes)
    .where(codes.c.id == bindparam("the_id"))
    .values(used_at=bindparam("now"), family_id=bindparam("family"))
)


def add_code(transaction: Transaction, grant: Grant, *, redirect_uri: str, code_challenge: str | None, now: int) -> str:
    """A new code, good for ten minutes and one use; the only time it can be seen."""
    code = new_token()
    transaction.run(
        _ADD,
        digest=token_digest(code),
        **grant._asdict(),
        redirect_uri=redirect_uri,
        code_challenge=code_challenge,
        expires_at=now + CODE_MS,
        created_at=now,
    )
    return code


def present_code(transaction: Transaction, code: str, application_id: int, now: int) -> Code | None:
    """The code, if this application may exchange it now; it is locked until the end of the transaction.

    One that has been exchanged before has leaked or is being tried out: what it was exchanged for is revoked (RFC 6749,
    4.1.2). One of another application is left as it is.
    """
    found = transaction.one(_FIND, the_digest=token_digest(code))
    if found is None or found.application_id != application_id:
        return None
    if found.used_at is not None:
        if found.family_id is not None:
            revoke_family(transaction, found.family_id, "An authorization code was used twice", now)
        return None
    return found if found.expires_at > now else None


def use_code(transaction: Transaction, code_id: int, family_id: int, now: int) -> None:
    """Note what the code was exchanged for: it is good for nothing more."""
    transaction.run(_USE, the_id=code_id, family=family_id, now=now)
