"""The webhook of an application: its secret, its state, a test; with the rules of who changes an application."""

from typing import NamedTuple

from doorward.applications.service import get_application, to_edit
from doorward.audit import service as audit
from doorward.db.unit_of_work import Transaction
from doorward.kit.crypto import Vault
from doorward.kit.errors import Conflict, NotFound
from doorward.oauth.principal import Principal
from doorward.webhooks import endpoints
from doorward.webhooks.endpoints import OVERLAP_MS
from doorward.webhooks.queue import REMOVED
from doorward.webhooks.sending import Endpoint

_NO_WEBHOOK = "The application has no webhook URL"


class NewSecret(NamedTuple):
    """A new secret, to be seen once, and until when the one before it is good, too."""

    secret: str
    previous_until: int | None

    def __repr__(self) -> str:
        return "NewSecret()"


def get_webhook(transaction: Transaction, account_id: int, application_id: int) -> Endpoint:
    """Where an application's webhooks go, and how that works. Raises NotFound."""
    get_application(transaction, account_id, application_id)
    found = endpoints.of_application(transaction, application_id)
    if found is None or found.disabled_reason == REMOVED:
        raise NotFound(_NO_WEBHOOK)
    return found


def rotate_webhook_secret(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    application_id: int,
    now: int,
    by: Principal | None = None,
    *,
    at_once: bool = False,
) -> NewSecret:
    """Replace what webhooks are signed with; the secret before is good for another day, unless it must not be.

    One that never had a secret is told from now on. Raises NotFound, Forbidden or Conflict.
    """
    found = _to_change(transaction, account_id, application_id, by)
    overlap_ms = 0 if at_once else OVERLAP_MS
    secret = endpoints.rotate_webhook_secret(transaction, vault, found, now, overlap_ms=overlap_ms)
    after = {"webhook_secret": "rotated at once" if at_once else "rotated"}
    audit.record(transaction, account_id, audit.CHANGED, "application", application_id, now, after=after)
    return NewSecret(secret, now + overlap_ms if overlap_ms and found.secret is not None else None)


def enable_webhook(
    transaction: Transaction, account_id: int, application_id: int, now: int, by: Principal | None = None
) -> Endpoint:
    """Tell an application again that was told nothing more; what it has missed it is not told.

    Raises NotFound, Forbidden, or Conflict for one without a secret.
    """
    found = _to_change(transaction, account_id, application_id, by)
    if found.secret is None:
        raise Conflict("The webhook has no secret yet: make one")
    if found.disabled_at is not None:
        endpoints.enable(transaction, found, now)
        after = {"webhook": "enabled"}
        audit.record(transaction, account_id, audit.CHANGED, "application", application_id, now, after=after)
    return get_webhook(transaction, account_id, application_id)


def webhook_to_test(
    transaction: Transaction, account_id: int, application_id: int, by: Principal | None = None
) -> Endpoint:
    """The endpoint to which a test is to be sent. Raises NotFound, Forbidden or Conflict."""
    return _to_change(transaction, account_id, application_id, by)


def _to_change(transaction: Transaction, account_id: int, application_id: int, by: Principal | None) -> Endpoint:
    to_edit(transaction, account_id, application_id, by)
    found = endpoints.to_change(transaction, application_id)
    if found is None or found.disabled_reason == REMOVED:
        raise Conflict(_NO_WEBHOOK)
    return found
