"""Who acts on events as they are recorded, in order. Every process that records says so first: install()."""

from collections.abc import Sequence
from typing import Final

from doorward.db.unit_of_work import Transaction
from doorward.events.following import Follow, Recorded, follow
from doorward.notification_rules.following import follow_events
from doorward.webhooks.telling import tell_of_events


def tell_applications(transaction: Transaction, recorded: Sequence[Recorded], now: int) -> None:
    """Note what applications are to be told (webhooks are below events, and know none)."""
    tell_of_events(transaction, recorded[0].event.account_id, [each.id for each in recorded], now)


FOLLOWERS: Final[tuple[Follow, ...]] = (tell_applications, follow_events)


def install() -> None:
    """Let them follow."""
    follow(*FOLLOWERS)
