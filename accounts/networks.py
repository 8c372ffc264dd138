"""Which addresses a key may be used from."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from accounts.principal import Principal
from acron_site.lib.errors import AddressNotAllowedError, InvalidRequestError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_NETWORKS = 50
_LONGEST_TEXT = 64


def are_limited(principal: Principal) -> bool:
    return principal.rules is not None and bool(principal.rules.networks)


def admits(principal: Principal, address: str | None) -> bool:
    """Whether the principal may be used from there. An address that is not known is in no network."""
    if principal.rules is None or not principal.rules.networks:  # said in full, so that the type is known below
        return True
    found = read_address(address)
    return found is not None and any(found in network for network in _parsed(principal.rules.networks))


def require(principal: Principal, address: str | None) -> None:
    """Raises AddressNotAllowedError, which names the caller's address."""
    if not admits(principal, address):
        raise AddressNotAllowedError(
            f"this API key may not be used from {read_address(address) or 'an address that is not known'}; "
            "call from one of its allowed networks, or change to a key without them under /keys"
        )


def read_address(text: str | None) -> Address | None:
    """An IPv4 address that came over an IPv6 socket is the IPv4 address it is."""
    try:
        address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def checked(texts: Iterable[str]) -> tuple[str, ...]:
    """Networks in CIDR notation, each once; a single address becomes a network of one. Raises InvalidRequestError."""
    networks = tuple(dict.fromkeys(_checked(text.strip()) for text in texts if text.strip()))
    if len(networks) > MOST_NETWORKS:
        raise InvalidRequestError(
            f"a key takes {MOST_NETWORKS} networks at most, these are {len(networks)}; join some into larger ones",
            param="allowed_networks",
        )
    return networks


def _checked(text: str) -> str:
    try:
        network = ip_network(_without_zone(text))
    except ValueError:
        raise InvalidRequestError(_complaint(text), param="allowed_networks") from None
    return str(_without_mapping(network))


def _without_zone(text: str) -> str:
    """A zone (fe80::1%eth0) names an interface of one machine, so it cannot be part of a network."""
    if "%" in text:
        raise ValueError(text)
    return text


def _without_mapping(network: Network) -> Network:
    """A network of IPv4 addresses written the IPv6 way would never meet a caller, see `read_address`."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < 96:  # noqa: PLR2004 - the mapped part of an IPv6 address is 96 bits
        return network
    return IPv4Network((mapped, network.prefixlen - 96))


def _complaint(text: str) -> str:
    try:
        # host bits are set: most probably this whole network was meant, but that is for its owner to say
        whole = ip_network(_without_zone(text), strict=False)
    except ValueError:
        return f"{text[:_LONGEST_TEXT]!r} is no network; write it like 203.0.113.0/24, 203.0.113.7 or 2001:db8::/32"
    return f"{text!r} has bits set behind its prefix; write {whole} for the network, or leave out the prefix"


@lru_cache(maxsize=4096)
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(ip_network, networks))
