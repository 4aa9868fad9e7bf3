"""Who has not proven who they are: one network does not keep everybody else out."""

from contextlib import ExitStack

import pytest

from doorward.controllers.strangers import MOST, MOST_OF_ONE, Strangers
from doorward.link.handshake import HandshakeFailed


def test_one_address_has_its_share_and_no_more() -> None:
    strangers = Strangers()
    with ExitStack() as waiting:
        for _ in range(MOST_OF_ONE):
            waiting.enter_context(strangers.at_the_door("203.0.113.7"))
        with pytest.raises(HandshakeFailed, match="of one address"):
            waiting.enter_context(strangers.at_the_door("203.0.113.7"))
        waiting.enter_context(strangers.at_the_door("203.0.113.8"))
    with strangers.at_the_door("203.0.113.7"):
        assert dict(strangers._waiting) == {"203.0.113.7": 1}
    assert not strangers._waiting, "nothing is kept of who was there"


def test_who_chooses_among_many_addresses_of_one_house_is_one() -> None:
    strangers = Strangers(most_of_one=2)
    with strangers.at_the_door("2001:db8:1:2::1"), strangers.at_the_door("2001:db8:1:2:ffff::9"):
        with pytest.raises(HandshakeFailed), strangers.at_the_door("2001:db8:1:2:3:4:5:6"):
            pass
        with strangers.at_the_door("2001:db8:1:3::1"), strangers.at_the_door(""):
            pass


def test_all_together_are_few() -> None:
    strangers = Strangers()
    with ExitStack() as waiting:
        for number in range(MOST):
            waiting.enter_context(strangers.at_the_door(f"198.51.100.{number}"))
        with pytest.raises(HandshakeFailed, match="too many connections at a time"):
            waiting.enter_context(strangers.at_the_door("203.0.113.7"))
