"""users/service.py on both databases."""

from typing import NamedTuple

import pytest
from sqlalchemy import bindparam, select

from doorward.db.query import Query, word
from doorward.db.unit_of_work import Transaction
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import password_matches
from doorward.kit.errors import NotFound, Unauthorized
from doorward.oauth.tokens import authenticate
from doorward.users.passwords import prepare_now
from doorward.users.service import (
    User,
    create_user,
    disable_user,
    enable_user,
    find_user,
    get_user,
    list_users,
    update_user,
)
from doorward.users.tables import users
from tests.support.refusals import errors_of
from tests.support.services import other_account, read, write
from tests.support.world import World

HASH = Query(select(users.c.password_hash).where(users.c.id == bindparam("the_id")), word)


class Created(NamedTuple):
    user: User
    password: str | None


def create(world: World, **fields: object) -> Created:
    body = {"email": "Olga@example.com", "role": "operator", **fields}
    secret = prepare_now(body, make=True)
    return Created(write(world, create_user, body, secret.password_hash), secret.made)


def update(world: World, user_id: int, **body: object) -> User:
    return write(world, update_user, user_id, body, prepare_now(body, make=False).password_hash)


def signs_in(world: World, user_id: int, password: str) -> bool:
    stored = world.database.read_now(lambda tx: tx.one(HASH, the_id=user_id))
    assert stored is not None
    assert stored.startswith("$argon2id$")
    return password_matches(stored, password)


def test_a_user_gets_a_password_that_is_shown_once(world: World) -> None:
    user, password = create(world)
    assert (user.email, user.email_key, user.role, user.site_limited) == (
        "Olga@example.com", "olga@example.com", "operator", False,
    )  # fmt: skip
    assert password is not None
    assert len(password) >= 16
    assert signs_in(world, user.id, password)
    assert password not in repr(prepare_now({"password": password}, make=True))
    assert read(world, get_user, user.id) == user


def test_a_given_password_is_taken_and_not_shown_again(world: World) -> None:
    first, second = "correct horse battery", "another horse, another battery"
    user, made = create(world, password=first)
    assert made is None
    assert signs_in(world, user.id, first)
    update(world, user.id, password=second)
    assert not signs_in(world, user.id, first)
    assert signs_in(world, user.id, second)


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    body = {"email": "", "role": "god", "site_ids": [99], "password": "short", "first_name": 5}
    assert errors_of(lambda: write(world, create_user, body, None)) == {
        "email": ["can't be blank"],
        "role": ["must be one of: owner, admin, operator, viewer"],
        "first_name": ["must be text"],
        "site_ids": ["Not found for this account: 99"],
        "password": ["is too short (at least 12 characters)"],
    }


def test_an_address_signs_in_to_one_account_of_the_installation(world: World) -> None:
    user = create(world).user
    assert errors_of(lambda: create(world, email="olga@EXAMPLE.com")) == {"email": ["is already in use"]}
    other, now = other_account(world), world.clock.now()
    body = {"email": "OLGA@example.com", "role": "owner"}
    assert errors_of(lambda: world.database.write_now(lambda tx: create_user(tx, other, body, None, now))) == {
        "email": ["is already in use"]
    }
    assert errors_of(lambda: update(world, world.owner_id, email="olga@example.com")) == {
        "email": ["is already in use"]
    }
    assert world.database.read_now(lambda tx: find_user(tx, " oLGA@example.com")) == user
    assert world.database.read_now(lambda tx: find_user(tx, "nobody@example.com")) is None


def test_a_limit_to_sites_is_a_limit_also_to_none(world: World) -> None:
    user = create(world, site_ids=[world.site_ids[1]]).user
    assert (user.site_limited, user.site_ids) == (True, (world.site_ids[1],))
    assert read(world, get_user, user.id) == user
    nowhere = update(world, user.id, site_ids=[])
    assert (nowhere.site_limited, nowhere.site_ids) == (True, ())
    everywhere = update(world, user.id, site_ids=None)
    assert (everywhere.site_limited, everywhere.site_ids) == (False, ())
    assert update(world, user.id, role="viewer") == everywhere._replace(role="viewer")


def test_a_disabled_user_is_let_in_no_more_at_once(world: World, clock: FixedClock) -> None:
    user_id, token = world.user("admin")
    now = clock.now()

    def enter(tx: Transaction) -> int:
        return authenticate(tx, token, now).user_id

    assert world.database.read_now(enter) == user_id
    assert write(world, disable_user, user_id).disabled_at == now
    assert write(world, disable_user, user_id).disabled_at == now
    with pytest.raises(Unauthorized):
        world.database.read_now(enter)


def test_an_enabled_user_gets_no_old_token_back(world: World, clock: FixedClock) -> None:
    user_id, token = world.user("admin")
    _, untouched = world.user("viewer")
    write(world, disable_user, user_id)
    assert write(world, enable_user, user_id).disabled_at is None
    with pytest.raises(Unauthorized):
        world.database.read_now(lambda tx: authenticate(tx, token, clock.now()))
    world.database.read_now(lambda tx: authenticate(tx, untouched, clock.now()))


def test_users_are_listed_by_id(world: World) -> None:
    user = create(world, site_ids=world.site_ids).user
    assert [found.id for found in read(world, list_users)] == [world.owner_id, user.id]
    assert read(world, list_users)[1].site_ids == tuple(world.site_ids)


def test_another_accounts_user_is_not_found(world: World) -> None:
    other, now = other_account(world), world.clock.now()
    with pytest.raises(NotFound):
        world.database.read_now(lambda tx: get_user(tx, other, world.owner_id))
    with pytest.raises(NotFound):
        world.database.write_now(lambda tx: update_user(tx, other, world.owner_id, {}, None, now))
    with pytest.raises(NotFound):
        world.database.write_now(lambda tx: disable_user(tx, other, world.owner_id, now))
