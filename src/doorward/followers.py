"""Who acts on events as they are recorded, in order. Every process that records says so first: install()."""

from typing import Final

from doorward.events.following import Follow, follow

FOLLOWERS: Final[tuple[Follow, ...]] = ()


def install() -> None:
    """Let them follow."""
    follow(*FOLLOWERS)
