"""How long the driver waits for what. Real seconds: they measure a network, not anybody's rights."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. The defaults suit an ESP8266 on a wireless network."""

    ack_s: float = 5.0
    """A board that has not answered a command after this does not answer."""
    settle_s: float = 30.0
    """After that no answer is believed for so long, unless the board connects anew.

    An answer names the command only by its kind: one that comes late would be taken for that of a later command. The
    firmware's client has a keep-alive of 15 s, so that a broker gives a connection up, and what is under way on it,
    22.5 s after it died.
    """
    after_boot_s: float = 1.0
    """A board that says that it has connected listens to commands only after so long."""
    open_within_s: float = 3.0
    """A release that cannot be sent after this is not sent at all: a door does not open late."""
    fresh_s: float = 0.25
    """A board that was heard so recently need not be asked whether it listens before it is told to release a lock."""
    list_quiet_s: float = 1.0
    """A board that is listing its users and says nothing for so long has listed them all."""
    tick_s: float = 0.5
    """How often it is looked whether something is due."""
    first_retry_s: float = 1.0
    longest_retry_s: float = 60.0
    """The pauses between attempts to reach the broker: doubled each time, from a random point of the upper half on."""
    answer_s: float = 5.0
    """How long the broker may take to answer."""
    keep_alive_s: int = 15
