"""The second factor: codes of an authenticator app (RFC 6238), and recovery codes for when it is lost."""

import hmac
import secrets
from typing import Final, NamedTuple

import pyotp
from sqlalchemy import bindparam, delete, func, insert, null, or_, select, update

from doorward.audit import service as audit
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.crypto import Vault
from doorward.kit.errors import Conflict
from doorward.signing_in.record import account_of
from doorward.signing_in.tables import recovery_codes
from doorward.users.tables import users

ISSUER: Final = "Doorward"
_STEP_MS: Final = 30_000
_WINDOW: Final = (-1, 0, 1)
"""Steps beside the present one whose codes are taken, too: clocks differ."""
_RECOVERY_CODES: Final = 10
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


class SecondFactor(NamedTuple):
    """A user's second factor. `sealed_secret` without `enabled_at`: begun, and no code has confirmed it yet."""

    sealed_secret: str | None
    enabled_at: int | None
    last_step: int | None
    recovery_codes_left: int


_STATE: Final = Query(
    select(
        users.c.totp_secret,
        users.c.totp_enabled_at,
        users.c.totp_last_step,
        select(func.count())
        .where(recovery_codes.c.user_id == users.c.id, recovery_codes.c.used_at.is_(None))
        .scalar_subquery(),
    ).where(users.c.id == bindparam("the_id")),
    SecondFactor,
)
_SET: Final = Query[None](
    update(users)
    .where(users.c.id == bindparam("the_id"))
    .values({name: bindparam(name) for name in ("totp_secret", "totp_enabled_at", "totp_last_step")})
)
_BEGIN: Final = Query[None](
    update(users)
    .where(users.c.id == bindparam("the_id"), users.c.totp_enabled_at.is_(None))
    .values(totp_secret=bindparam("totp_secret"), totp_last_step=null())
)
_ENABLE: Final = Query[None](
    update(users)
    .where(users.c.id == bindparam("the_id"), users.c.totp_enabled_at.is_(None))
    .values(totp_enabled_at=bindparam("now"))
)
# Of two who bring the same code at the same moment, one changes the row and the other finds it changed.
_SPEND_STEP: Final = Query[None](
    update(users)
    .where(
        users.c.id == bindparam("the_id"),
        or_(users.c.totp_last_step.is_(None), users.c.totp_last_step < bindparam("step")),
    )
    .values(totp_last_step=bindparam("step"))
)
_ADD_CODE: Final = Query[None](insert(recovery_codes).values(user_id=bindparam("user_id"), digest=bindparam("digest")))
_SPEND_CODE: Final = Query[None](
    update(recovery_codes)
    .where(
        recovery_codes.c.user_id == bindparam("the_id"),
        recovery_codes.c.digest == bindparam("the_digest"),
        recovery_codes.c.used_at.is_(None),
    )
    .values(used_at=bindparam("now"))
)
_DROP_CODES: Final = Query[None](delete(recovery_codes).where(recovery_codes.c.user_id == bindparam("the_id")))


def state_of(transaction: Transaction, user_id: int) -> SecondFactor:
    """The second factor of a user that exists."""
    return require(transaction.one(_STATE, the_id=user_id))


def begin_enrolment(transaction: Transaction, vault: Vault, user_id: int) -> None:
    """Make a new secret, which counts for nothing until confirm(). Raises Conflict if a second factor is on."""
    sealed = vault.encrypt(pyotp.random_base32(), _context(user_id))
    if not transaction.run(_BEGIN, the_id=user_id, totp_secret=sealed):
        raise Conflict("The second factor is on already.")


def secret_of(vault: Vault, user_id: int, state: SecondFactor) -> str | None:
    """The secret in base32, to be shown while it is enrolled."""
    return None if state.sealed_secret is None else vault.decrypt(state.sealed_secret, _context(user_id))


def confirm(transaction: Transaction, vault: Vault, user_id: int, code: str, now: int) -> list[str] | None:
    """Turn the second factor on with a code that shows that the app has the secret; gives the recovery codes.

    None for a wrong code.
    """
    state = state_of(transaction, user_id)
    if state.enabled_at is not None or not _redeem_step(transaction, vault, user_id, state, code, now):
        return None
    if not transaction.run(_ENABLE, the_id=user_id, now=now):
        return None
    _log(transaction, user_id, now, on=True)
    return _new_codes(transaction, vault, user_id)


def redeem(transaction: Transaction, vault: Vault, user_id: int, code: str, now: int) -> bool:
    """Whether the code is right: the app's, or one of the recovery codes. Each is right once."""
    state = state_of(transaction, user_id)
    if state.enabled_at is None:
        return False
    if _redeem_step(transaction, vault, user_id, state, code, now):
        return True
    if not transaction.run(_SPEND_CODE, the_id=user_id, the_digest=_digest(vault, user_id, code), now=now):
        return False
    left = state_of(transaction, user_id).recovery_codes_left
    audit.record(
        transaction, account_of(transaction, user_id), audit.CHANGED, "user", user_id, now,
        before={"recovery_codes_left": left + 1}, after={"recovery_code": "used", "recovery_codes_left": left},
    )  # fmt: skip
    return True


def renew_recovery_codes(transaction: Transaction, vault: Vault, user_id: int, now: int) -> list[str]:
    """New recovery codes; those from before are good no longer. Raises Conflict without a second factor."""
    if state_of(transaction, user_id).enabled_at is None:
        raise Conflict("The second factor is off.")
    audit.record(
        transaction, account_of(transaction, user_id), audit.CHANGED, "user", user_id, now,
        after={"recovery_codes": "renewed"},
    )  # fmt: skip
    return _new_codes(transaction, vault, user_id)


def turn_off(transaction: Transaction, user_id: int, now: int) -> bool:
    """Remove the second factor and its recovery codes; False if there was none. Who may, is the caller's business."""
    was_on = state_of(transaction, user_id).enabled_at is not None
    transaction.run(_SET, the_id=user_id, totp_secret=None, totp_enabled_at=None, totp_last_step=None)
    transaction.run(_DROP_CODES, the_id=user_id)
    if was_on:
        _log(transaction, user_id, now, on=False)
    return was_on


def enrolment_uri(secret: str, email: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def _redeem_step(
    transaction: Transaction, vault: Vault, user_id: int, state: SecondFactor, code: str, now: int
) -> bool:
    secret = secret_of(vault, user_id, state)
    digits = "".join(code.split())
    if secret is None or len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return False
    one_time, present = pyotp.TOTP(secret), now // _STEP_MS
    matching = [
        present + offset for offset in _WINDOW if hmac.compare_digest(one_time.generate_otp(present + offset), digits)
    ]
    return any(transaction.run(_SPEND_STEP, the_id=user_id, step=step) for step in matching)


def _new_codes(transaction: Transaction, vault: Vault, user_id: int) -> list[str]:
    made = [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3)) for _ in range(_RECOVERY_CODES)
    ]
    transaction.run(_DROP_CODES, the_id=user_id)
    digests = [_digest(vault, user_id, code) for code in made]
    transaction.run_many(_ADD_CODE, [{"user_id": user_id, "digest": digest} for digest in digests])
    return made


def _digest(vault: Vault, user_id: int, code: str) -> str:
    """A keyed digest is enough: a code has 59 random bits, and attempts are throttled."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return vault.blind_index(f"recovery code of {user_id}", plain)


def _log(transaction: Transaction, user_id: int, now: int, *, on: bool) -> None:
    audit.record(
        transaction,
        account_of(transaction, user_id),
        audit.CHANGED,
        "user",
        user_id,
        now,
        before={"two_factor": not on},
        after={"two_factor": on},
    )


def _context(user_id: int) -> str:
    return f"second factor of {user_id}"
