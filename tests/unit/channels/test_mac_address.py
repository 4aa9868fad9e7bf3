"""channels/channel.py: an address for a door that has no network card of its own."""

import re

from doorward.channels.channel import new_mac_address


def test_a_made_address_is_locally_administered_of_one_station_and_new_each_time() -> None:
    made = {new_mac_address() for _ in range(500)}
    assert len(made) == 500
    for address in made:
        assert re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", address)
        first = int(address[:2], 16)
        assert first & 0b10, "locally administered"
        assert not first & 0b1, "not a group's"
