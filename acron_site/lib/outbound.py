"""Where an address that a tenant supplied may lead: public servers, and what the operator lists besides."""

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NoReturn
from urllib.parse import urlsplit

from acron_site.lib.errors import InvalidRequestError

LONGEST_URL = 300  # an address is shown whole in the audit log, whose texts end there

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# `is_global` is true of these in some or all versions of Python
_NEVER_PUBLIC_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # "this" network: Linux takes it for loopback
            "100.64.0.0/10",  # behind a carrier's NAT; Alibaba's metadata
            "168.63.129.16/32",  # Azure's own, reached from inside of its machines only
            "169.254.0.0/16",  # link-local: the metadata of most clouds
            "192.0.0.0/24",  # for protocols; Oracle's metadata
            "192.88.99.0/24",  # relays of 6to4
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")  # all that was ever given out; not loopback, link-local, site-local, unique local
_NEVER_PUBLIC_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # for protocols: Teredo, which wraps IPv4, and ORCHID
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which wraps IPv4 and is gone from the public network
            "3fff::/20",  # documentation
        ),
    )
)
# DNS64 gives the servers of IPv4 to networks without it under this prefix. That of one's own, 64:ff9b:1::/48, does not
# say where in it the inner address lies.
_NAT64 = IPv6Network("64:ff9b::/96")
_LOW_32_BITS = 0xFFFF_FFFF

_URL = re.compile(
    r"(?P<scheme>[a-z]{1,16})://(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[a-z0-9._~!$&'()*+,;=:-]*)*)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# how the C library reads a number that stands for an address: decimal, octal, hexadecimal
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_INNER_ENDINGS = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa")
_HIGHEST_PORT = 65_535

_FORM = (
    "write it as https://host/path, in letters, digits and hyphens: no user name, query, fragment, escapes or spaces; "
    "names of other scripts as xn--..."
)


@dataclass(frozen=True, slots=True)
class Reach:
    """The public network, and what the operator adds to it. `own_host` is the gateway's, which must not call itself."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    own_host: str = ""

    def admits(self, address: Address) -> bool:
        """Whether a connection to it may be made. To be asked for the very address that is connected to."""
        return is_public(address) or self._lists_address(address)

    def lists(self, host: str) -> bool:
        """Whether the operator names this host: then it is the operator's word, wherever it leads."""
        literal = _literal(host)
        return host in self.names if literal is None else self._lists_address(literal)

    def _lists_address(self, address: Address) -> bool:
        inner = _unwrapped(address)
        return any(inner in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A tenant's address in its one spelling, without a slash at the end. `is_listed`: the operator names its host."""

    url: str
    is_listed: bool


def reach_from(listed: str, *, public_url: str = "") -> Reach:
    """The operator's list: names, addresses, networks, with commas between. Raises ValueError for what is none."""
    names: set[str] = set()
    networks: list[Network] = []
    for entry in filter(None, (part.strip().lower() for part in listed.split(","))):
        try:
            networks.append(ipaddress.ip_network(entry))
        except ValueError as error:
            if "/" in entry or not _is_name(entry):
                raise ValueError(
                    f"{entry!r} is neither the name of a host nor a network such as 10.1.0.0/16 ({error})"
                ) from None
            names.add(entry)
    return Reach(frozenset(names), tuple(networks), urlsplit(public_url).hostname or "")


def is_public(address: Address) -> bool:
    """Whether it belongs to the public network, whatever it is wrapped in."""
    inner = _unwrapped(address)
    if isinstance(inner, IPv4Address):
        return inner.is_global and not any(inner in network for network in _NEVER_PUBLIC_V4)
    return inner in _PUBLIC_V6 and inner.is_global and not any(inner in network for network in _NEVER_PUBLIC_V6)


def check_url(url: str, *, reach: Reach, param: str = "base_url") -> Endpoint:
    """The address, if it is spelled plainly and may be called. Raises InvalidRequestError, which says what to change.

    A name may lead anywhere, and elsewhere tomorrow: `Reach.admits` is asked again for each connection.
    """
    if len(url) > LONGEST_URL:
        _refuse(param, f"it is longer than {LONGEST_URL} characters")
    parts = _URL.fullmatch(url)  # every odd spelling fails here, so that no two parsers can read it differently
    if parts is None or ".." in parts["path"].split("/"):
        _refuse(param, _FORM)
    host, scheme = parts["host"].lower().strip("[]"), parts["scheme"].lower()
    is_listed = reach.lists(host)
    if not is_listed:
        _require_public(host, reach, param)
    if scheme != "https" and not (scheme == "http" and is_listed):
        _refuse(param, "it must begin with https://; http:// is for hosts that the operator lists")
    if not 0 < int(parts["port"] or 443) <= _HIGHEST_PORT:
        _refuse(param, f"the port must be a number from 1 to {_HIGHEST_PORT}")
    port = f":{int(parts['port'])}" if parts["port"] else ""
    shown = parts["host"].lower()
    return Endpoint(f"{scheme}://{shown}{port}{parts['path'].rstrip('/')}", is_listed)


def _require_public(host: str, reach: Reach, param: str) -> None:
    literal = _literal(host)
    if literal is None and not _is_name(host):
        _refuse(param, f"{host[:80]!r} is no name of a host, nor an address in its usual spelling; {_FORM}")
    is_inside = "." not in host or host.endswith(tuple(f".{ending}" for ending in _INNER_ENDINGS))
    if is_inside if literal is None else not is_public(literal):
        _refuse(param, f"{host} is not in the public network; the operator can list it (providers.private_hosts)")
    if host == reach.own_host:
        _refuse(param, f"{host} is this gateway itself; enter the address of a provider")


def _literal(host: str) -> Address | None:
    """An address in its usual spelling: four decimal numbers without leading zeros, or IPv6 without a zone."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    labels = host.split(".")
    # what ends in a number is read as an address by some: 2130706433, 127.1, 0x7f.1
    return all(map(_LABEL.fullmatch, labels)) and _NUMBER.fullmatch(labels[-1]) is None


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that a connection to this one reaches, where there is one inside."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & _LOW_32_BITS) if address in _NAT64 else address


def _refuse(param: str, why: str) -> NoReturn:
    raise InvalidRequestError(f"{param}: {why}", param=param)
