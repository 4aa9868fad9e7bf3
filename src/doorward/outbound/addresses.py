"""Which addresses a request may reach whose target somebody else has chosen (behaviour.md, "SSRF guard").

Only what is public: by the IANA registries of special addresses (RFC 6890), spelled out here, because what Python calls
global differs between its versions. An operator may allow networks of their own.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

_NEVER_V4: Final = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
            "100.64.0.0/10",  # shared by carriers; some clouds keep their metadata here
            "169.254.0.0/16",  # link-local; most clouds keep their metadata here
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
            *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            "168.63.129.16/32",  # a cloud's own service, under an address that looks public
            *("224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
_PUBLIC_V6: Final = IPv6Network("2000::/3")
_NEVER_V6: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # for protocols: Teredo, benchmarks, ORCHID
            "2001:db8::/32",
            "2002::/16",  # 6to4: any IPv4 address may be inside
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")


def networks(allow: Iterable[str]) -> tuple[Network, ...]:
    """Networks in CIDR form as such. Raises ValueError."""
    return tuple(ip_network(each, strict=False) for each in allow)


def may_reach(address: str, allowed: Iterable[Network] = ()) -> bool:
    """Whether a request may go to an IP address: it is public, or within one of the allowed networks.

    An IPv6 address that stands for an IPv4 address (RFC 4291, 2.5.5.2; RFC 6052) is judged as that one.
    """
    try:
        found = _meant(ip_address(address))
    except ValueError:
        return False
    if any(found in network for network in allowed):
        return True
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _NEVER_V4)
    return found in _PUBLIC_V6 and not any(found in network for network in _NEVER_V6)


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
