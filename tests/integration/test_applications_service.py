"""applications/service.py on both databases: behaviour.md, "OAuth 2.0"."""

import pytest

from doorward.applications.client_secrets import new_client_secret
from doorward.applications.service import (
    Application,
    command_line_application,
    create_application,
    find_application,
    get_application,
    list_applications,
    remove_application,
    secret_hash_of,
    update_application,
)
from doorward.db.unit_of_work import Transaction
from doorward.kit.crypto import password_matches
from doorward.kit.errors import Conflict, NotFound, Unauthorized
from doorward.oauth.tokens import authenticate, create_token
from tests.support.refusals import errors_of
from tests.support.services import other_account, read, write
from tests.support.world import World

CALLBACK = "https://example.com/callback"


SECRET = new_client_secret()


def create(world: World, **body: object) -> Application:
    fields = {"name": "Bookings", "redirect_uris": [CALLBACK], **body}
    return write(world, create_application, fields, SECRET.secret_hash)


def token_of(world: World, application_id: int) -> str:
    return world.database.write_now(
        lambda tx: create_token(
            tx,
            account_id=world.account_id,
            application_id=application_id,
            user_id=world.owner_id,
            scopes="account.role.readonly",
            now=world.clock.now(),
        )
    )


def test_an_application_gets_a_client_id_and_a_secret_that_is_shown_once(world: World) -> None:
    made = create(world, redirect_uris=[CALLBACK, "http://localhost:8765/cb", CALLBACK])
    assert (made.kind, made.is_service, made.redirect_uris, made.webhook_url) == (
        "registered", False, (CALLBACK, "http://localhost:8765/cb"), None,
    )  # fmt: skip
    stored = world.database.read_now(lambda tx: secret_hash_of(tx, made.id))
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert password_matches(stored, SECRET.secret)
    assert world.database.read_now(lambda tx: find_application(tx, made.client_id)) == made
    assert read(world, get_application, made.id) == made
    assert SECRET.secret not in repr(SECRET)


def test_a_public_application_has_no_secret(world: World) -> None:
    made = create(world, public=True)
    assert made.kind == "public"
    assert world.database.read_now(lambda tx: secret_hash_of(tx, made.id)) is None


def test_a_service_needs_no_redirect_but_a_secret(world: World) -> None:
    made = create(world, service=True, redirect_uris=[], webhook_url="http://hooks.example.com/in")
    assert (made.is_service, made.service_user_id) == (True, world.owner_id)
    assert made.webhook_url == "http://hooks.example.com/in"
    assert world.database.read_now(lambda tx: secret_hash_of(tx, made.id)) == SECRET.secret_hash
    assert errors_of(lambda: create(world, service=True, public=True)) == {
        "service": ["can't be public: it needs a secret of its own"]
    }


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    uris = ["http://example.com/cb", 5, CALLBACK]
    body = {"public": "yes", "webhook_url": "ftp://example.com", "redirect_uris": uris}
    assert errors_of(lambda: write(world, create_application, body, None)) == {
        "public": ["must be true or false"],
        "name": ["can't be blank"],
        "redirect_uris": [
            "must begin with https:// (http:// only for localhost, 127.0.0.1 and [::1]): 'http://example.com/cb'",
            "must be text",
        ],
        "webhook_url": ["must begin with https:// or http://: 'ftp://example.com'"],
    }
    assert errors_of(lambda: create(world, redirect_uris=None)) == {"redirect_uris": ["can't be blank"]}
    assert errors_of(lambda: create(world, redirect_uris=[])) == {"redirect_uris": ["can't be blank"]}


def test_only_what_is_given_changes(world: World) -> None:
    made = create(world)
    changed = write(world, update_application, made.id, {"webhook_url": "https://example.com/hook"})
    assert changed == made._replace(webhook_url="https://example.com/hook")
    errors = errors_of(lambda: write(world, update_application, made.id, {"redirect_uris": []}))
    assert errors == {"redirect_uris": ["can't be blank"]}


def test_a_removed_application_is_gone_with_its_tokens_at_once(world: World) -> None:
    made = create(world)
    tokens = [token_of(world, made.id) for _ in range(2)]
    assert write(world, remove_application, made.id) == 2
    for token in tokens:
        with pytest.raises(Unauthorized, match="revoked"):
            world.database.read_now(lambda tx, token=token: authenticate(tx, token, world.clock.now()))  # type: ignore[misc]
    assert world.database.read_now(lambda tx: find_application(tx, made.client_id)) is None
    assert made.id not in [found.id for found in read(world, list_applications)]
    for action in (
        lambda: read(world, get_application, made.id),
        lambda: write(world, remove_application, made.id),
        lambda: write(world, update_application, made.id, {}),
    ):
        with pytest.raises(NotFound):
            action()


def test_the_command_lines_application_is_made_once(world: World) -> None:
    found = write(world, command_line_application)
    assert found.kind == "command_line"
    assert write(world, command_line_application) == found
    assert found in read(world, list_applications)
    with pytest.raises(Conflict):
        write(world, update_application, found.id, {"name": "Mine"})
    write(world, remove_application, found.id)
    assert write(world, command_line_application).id != found.id


def test_another_accounts_application_is_not_found(world: World) -> None:
    other, made, now = other_account(world), create(world), world.clock.now()

    def theirs(tx: Transaction) -> int:
        return command_line_application(tx, other, now).id

    their_id = world.database.write_now(theirs)
    assert their_id not in [found.id for found in read(world, list_applications)]
    for action in (
        lambda: world.database.read_now(lambda tx: get_application(tx, other, made.id)),
        lambda: world.database.write_now(lambda tx: update_application(tx, other, made.id, {}, now)),
        lambda: world.database.write_now(lambda tx: remove_application(tx, other, made.id, now)),
    ):
        with pytest.raises(NotFound):
            action()
