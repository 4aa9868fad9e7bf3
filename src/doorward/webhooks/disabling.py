"""An endpoint was disabled because of how it answers: the owner is told.

In the audit log, in the log of the process, and in what the API says of the application's webhook.
"""

from doorward.audit import service as audit
from doorward.db.unit_of_work import Transaction
from doorward.webhooks.queue import explained
from doorward.webhooks.sending import Endpoint


def tell_owner(transaction: Transaction, endpoint: Endpoint, reason: str, now: int) -> None:
    """Put it on record, in the transaction that disables the endpoint."""
    of_application = endpoint.application_id is not None
    resource, resource_id = (
        ("application", endpoint.application_id) if of_application else ("notification_rule", endpoint.rule_id)
    )
    after = {"webhook": "disabled", "reason": reason, "text": explained(reason)}
    audit.record(transaction, endpoint.account_id, audit.CHANGED, resource, resource_id, now, after=after)
