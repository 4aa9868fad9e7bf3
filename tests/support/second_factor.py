"""A user's second factor, from the user's side of it."""

import pyotp

from doorward.db.unit_of_work import Transaction
from doorward.signing_in import second_factor
from tests.support.world import World


def secret_of(world: World) -> str:
    def find(transaction: Transaction) -> str | None:
        state = second_factor.state_of(transaction, world.owner_id)
        return second_factor.secret_of(world.vault, world.owner_id, state)

    found = world.database.read_now(find)
    assert found is not None
    return found


def code_at(world: World, secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).generate_otp(world.clock.now() // 30_000 + steps)


def with_second_factor(world: World) -> tuple[str, list[str]]:
    """Give the owner a second factor; its secret and the recovery codes. The present code is spent on it."""
    world.database.write_now(lambda tx: second_factor.begin_enrolment(tx, world.vault, world.owner_id))
    secret = secret_of(world)
    code, now = code_at(world, secret), world.clock.now()
    codes = world.database.write_now(lambda tx: second_factor.confirm(tx, world.vault, world.owner_id, code, now))
    assert codes is not None
    return secret, codes


def second_factor_is_on(world: World) -> bool:
    return world.database.read_now(lambda tx: second_factor.state_of(tx, world.owner_id)).enabled_at is not None
