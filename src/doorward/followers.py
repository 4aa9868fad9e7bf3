"""Who acts on events as they are recorded, in order. Every process that records says so first: install()."""

from typing import Final

from doorward.alarms.raising import raise_alarms
from doorward.events.following import Follow, follow
from doorward.notification_rules.following import follow_events

FOLLOWERS: Final[tuple[Follow, ...]] = (follow_events, raise_alarms)


def install() -> None:
    """Let them follow."""
    follow(*FOLLOWERS)
