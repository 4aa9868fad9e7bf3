"""Endpoints: where deliveries go. An application with a webhook URL has one, and so has each action of a rule."""

from typing import Final

from sqlalchemy import bindparam, delete, insert, null, select, update

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.crypto import Vault, new_token
from doorward.webhooks.queue import REMOVED, disable
from doorward.webhooks.sending import Endpoint
from doorward.webhooks.tables import APPLICATION, OWNERS, RULE, endpoints
from doorward.webhooks.telling import TOPIC

WEBHOOK: Final = "webhook"
"""The channel of applications' endpoints."""

OVERLAP_MS: Final = 24 * 3_600_000
"""So long after a secret was replaced the one before it is still good."""

_COLUMNS: Final = tuple(endpoints.c[name] for name in Endpoint._fields)
_of_application = select(*_COLUMNS).where(endpoints.c.application_id == bindparam("the_application"))
_OF_APPLICATION: Final = Query(_of_application, Endpoint)
_TO_CHANGE: Final = Query(_of_application.with_for_update(key_share=True), Endpoint)
_ONE: Final = Query(
    select(*_COLUMNS).where(endpoints.c.account_id == bindparam("account_id"), endpoints.c.id == bindparam("the_id")),
    Endpoint,
)
_OF_RULE: Final = Query(
    select(*_COLUMNS)
    .where(endpoints.c.rule_id == bindparam("the_rule"))
    .order_by(endpoints.c.id)
    .with_for_update(key_share=True),
    Endpoint,
)
_OF_OWNERS: Final = Query(
    select(*_COLUMNS).where(endpoints.c.account_id == bindparam("account_id"), endpoints.c.kind == OWNERS), Endpoint
)
_GIVEN: Final = (
    *("account_id", "kind", "application_id", "rule_id", "channel", "target", "secret", "created_at", "updated_at"),
)
_ADD: Final = Query(
    insert(endpoints)
    .values({name: bindparam(name, type_=endpoints.c[name].type) for name in _GIVEN})
    .returning(endpoints.c.id),
    number,
)
_SET_TARGET: Final = Query[None](
    update(endpoints)
    .where(endpoints.c.id == bindparam("the_id"))
    .values(target=bindparam("the_target"), failing_since=null(), paused_until=null(), updated_at=bindparam("now"))
)
_SET_SECRET: Final = Query[None](
    update(endpoints)
    .where(endpoints.c.id == bindparam("the_id"))
    .values(
        secret=bindparam("the_secret"),
        previous_secret=bindparam("the_previous", type_=endpoints.c.previous_secret.type),
        previous_until=bindparam("the_until", type_=endpoints.c.previous_until.type),
        updated_at=bindparam("now"),
    )
)
_ENABLE: Final = Query[None](
    update(endpoints)
    .where(endpoints.c.id == bindparam("the_id"))
    .values(
        disabled_at=null(),
        disabled_reason=null(),
        failing_since=null(),
        paused_until=null(),
        updated_at=bindparam("now"),
    )
)
_REMOVE: Final = Query[None](delete(endpoints).where(endpoints.c.id == bindparam("the_id")))


def of_application(transaction: Transaction, application_id: int) -> Endpoint | None:
    """The endpoint of an application, which it keeps when its webhook URL is taken away."""
    return transaction.one(_OF_APPLICATION, the_application=application_id)


def to_change(transaction: Transaction, application_id: int) -> Endpoint | None:
    """The same within a write: it stays as it is until the commit."""
    return transaction.one(_TO_CHANGE, the_application=application_id)


def get_endpoint(transaction: Transaction, account_id: int, endpoint_id: int) -> Endpoint | None:
    """One endpoint of an account."""
    return transaction.one(_ONE, account_id=account_id, the_id=endpoint_id)


def set_webhook_url(
    transaction: Transaction, vault: Vault, account_id: int, application_id: int, url: str | None, now: int
) -> str | None:
    """Let an application's webhooks go to a URL, or nowhere; gives the new secret if there is one, to be seen once.

    Another URL keeps the secret, and is told again what the one before had disabled itself for.
    """
    found = to_change(transaction, application_id)
    if url is None:
        if found is not None:
            disable(transaction, found.id, REMOVED, now)
        return None
    if found is None:
        secret = new_token()
        sealed = _sealed(vault, account_id, secret)
        _add(
            transaction,
            account_id,
            APPLICATION,
            now,
            application_id=application_id,
            channel=WEBHOOK,
            target=url,
            secret=sealed,
        )
        return secret
    if found.target != url:
        transaction.run(_SET_TARGET, the_id=found.id, the_target=url, now=now)
    if found.disabled_reason == REMOVED or found.secret is None:
        return rotate_webhook_secret(transaction, vault, found, now, overlap_ms=0)
    if found.target != url:
        enable(transaction, found, now)
    return None


def remove_webhook(transaction: Transaction, application_id: int, now: int) -> None:
    """Tell an application nothing more: it was removed."""
    found = to_change(transaction, application_id)
    if found is not None:
        disable(transaction, found.id, REMOVED, now)


def rotate_webhook_secret(
    transaction: Transaction, vault: Vault, endpoint: Endpoint, now: int, *, overlap_ms: int = OVERLAP_MS
) -> str:
    """A new secret for an application's endpoint, to be seen once; the one before it is good for as long as said.

    One that was removed, or never had a secret, is told from now on.
    """
    secret = new_token()
    overlaps = overlap_ms > 0 and endpoint.secret is not None
    transaction.run(
        _SET_SECRET,
        the_id=endpoint.id,
        the_secret=_sealed(vault, endpoint.account_id, secret),
        the_previous=endpoint.secret if overlaps else None,
        the_until=now + overlap_ms if overlaps else None,
        now=now,
    )
    if endpoint.disabled_reason == REMOVED or endpoint.secret is None:
        enable(transaction, endpoint, now)
    return secret


def enable(transaction: Transaction, endpoint: Endpoint, now: int) -> None:
    """Tell an endpoint again, as if it had never failed; what it was not told meanwhile it is not told now."""
    transaction.run(_ENABLE, the_id=endpoint.id, now=now)
    transaction.signal(TOPIC)


def secrets_of(vault: Vault, endpoint: Endpoint, now: int) -> tuple[str, ...]:
    """The secrets that are good, the newest first. Raises SecretKeyError where the installation's key is another."""
    sealed = [endpoint.secret]
    if endpoint.previous_until is not None and endpoint.previous_until > now:
        sealed.append(endpoint.previous_secret)
    return tuple(vault.decrypt(each, _context(endpoint.account_id)) for each in sealed if each is not None)


def add_for_rule(
    transaction: Transaction, account_id: int, rule_id: int, channel: str, target: str, now: int, secret: str | None
) -> int:
    """An endpoint for an action of a rule; gives its id. It goes with the rule, and its deliveries with it.

    `secret` is encrypted, by new_secret().
    """
    return _add(transaction, account_id, RULE, now, rule_id=rule_id, channel=channel, target=target, secret=secret)


def for_owners(transaction: Transaction, account_id: int, channel: str, now: int) -> Endpoint:
    """The endpoint by which an account's owners are told of its other endpoints; it is made with the first message.

    One that had given up is told again.
    """
    transaction.serialize(f"owners' endpoint {account_id}")
    found = transaction.one(_OF_OWNERS, account_id=account_id)
    if found is None:
        _add(transaction, account_id, OWNERS, now, channel=channel, target="")
        return require(transaction.one(_OF_OWNERS, account_id=account_id))
    if found.disabled_at is not None:
        enable(transaction, found, now)
    return found


def of_rule(transaction: Transaction, rule_id: int) -> list[Endpoint]:
    """The endpoints of a rule's actions, in the order in which they were added. For use within a write."""
    return transaction.all(_OF_RULE, the_rule=rule_id)


def remove_endpoint(transaction: Transaction, endpoint: Endpoint) -> None:
    """Remove an endpoint of a rule, with what was to be told to it."""
    transaction.run(_REMOVE, the_id=endpoint.id)


def set_target(transaction: Transaction, endpoint: Endpoint, target: str, now: int) -> None:
    """Let an endpoint lead somewhere else."""
    transaction.run(_SET_TARGET, the_id=endpoint.id, the_target=target, now=now)


def new_secret(vault: Vault, account_id: int) -> tuple[str, str]:
    """A new secret, to be seen once, and encrypted as an endpoint of the account keeps it."""
    secret = new_token()
    return secret, _sealed(vault, account_id, secret)


def set_secret(transaction: Transaction, endpoint: Endpoint, sealed: str, now: int) -> None:
    """Sign with another secret from now on; the one before it is good for OVERLAP_MS."""
    transaction.run(
        _SET_SECRET,
        the_id=endpoint.id,
        the_secret=sealed,
        the_previous=endpoint.secret,
        the_until=None if endpoint.secret is None else now + OVERLAP_MS,
        now=now,
    )


def _add(transaction: Transaction, account_id: int, kind: str, now: int, **more: str | int | None) -> int:
    values = {**dict.fromkeys(_GIVEN), "account_id": account_id, "kind": kind, "created_at": now, "updated_at": now}
    return require(transaction.one(_ADD, **{**values, **more}))


def _sealed(vault: Vault, account_id: int, secret: str) -> str:
    return vault.encrypt(secret, _context(account_id))


def _context(account_id: int) -> str:
    return f"webhook secret of account {account_id}"
