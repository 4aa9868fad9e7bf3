"""Which addresses a request to somebody else's choice of target may reach."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.outbound.addresses import may_reach, networks


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.88.99.1"),
        *("198.18.0.1", "192.0.2.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fe80::1%1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "100::1"),
        *("2001:db8::1", "3fff::1", "5f00::1", "2001::1", "64:ff9b:1::1", "::127.0.0.1", "::8.8.8.8"),
        *("", "localhost", "1.2.3", "0x7f.1", "2130706433", "1.2.3.4/32"),
    ],
)
def test_what_is_not_public_is_out_of_reach(address: str) -> None:
    assert not may_reach(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"]
)
def test_what_is_public_can_be_reached(address: str) -> None:
    assert may_reach(address)


@given(st.ip_addresses(v=4))
def test_an_ipv6_address_that_stands_for_an_ipv4_address_is_judged_as_that(address: IPv4Address) -> None:
    for network in (0xFFFF << 32, int(IPv6Address("64:ff9b::"))):
        assert may_reach(str(IPv6Address(network | int(address)))) == may_reach(str(address))
    for network in (
        int(IPv6Address("2002::")) | int(address) << 80,
        int(IPv6Address("2001::")) | ~int(address) & 2**32 - 1,
    ):
        assert not may_reach(str(IPv6Address(network))), "6to4 and Teredo are tunnels to anywhere"


@given(st.ip_addresses(v=4))
def test_nothing_is_reached_that_python_calls_private(address: IPv4Address) -> None:
    if address.is_private or address.is_multicast or address.is_reserved:
        assert not may_reach(str(address))


@given(st.ip_addresses(v=6))
def test_of_ipv6_only_global_unicast_is_reached(address: IPv6Address) -> None:
    if may_reach(str(address)) and address.ipv4_mapped is None and address not in networks(["64:ff9b::/96"])[0]:
        assert address in networks(["2000::/3"])[0]
        assert not address.is_private


def test_an_operator_may_allow_networks_and_nothing_else_with_them() -> None:
    allowed = networks(["10.1.0.0/16", "fd00::/8", "192.168.7.9"])
    assert may_reach("10.1.2.3", allowed)
    assert may_reach("::ffff:10.1.2.3", allowed)
    assert may_reach("fd12::1", allowed)
    assert may_reach("192.168.7.9", allowed)
    assert not may_reach("10.2.0.1", allowed)
    assert not may_reach("192.168.7.10", allowed)
    assert not may_reach("127.0.0.1", allowed)
