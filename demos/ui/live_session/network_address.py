"""The address under which other devices reach this app; no other host is asked."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

# Reserved for documentation (RFC 5737): no host has it. "Connecting" a datagram socket only looks up a route.
RESERVED_ADDRESS = ("192.0.2.1", 9)
TIMEOUT = 0.5  # seconds for a connection to this machine
_URL = re.compile(r"https?://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]{1,253})(:\d{1,5})?(/[A-Za-z0-9._~%-]+)*/?")


@dataclass(frozen=True)
class ReachableAddress:
    """The address of the app for other devices, or what keeps them from it."""

    base: str  # with a slash at the end
    missing: str = ""  # "network" without an address in one, "host" where the app listens to this machine alone


def local_network_address() -> str | None:
    """Return the address of this machine in its network, or None; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(RESERVED_ADDRESS)
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if _is_loopback(address) else address


def accepts_connections(address: str, port: int) -> bool:
    """Return whether this machine accepts TCP connections at one of its own addresses."""
    try:
        with socket.create_connection((address, port), TIMEOUT):
            return True
    except OSError:
        return False


def reachable_address(
    page: str,
    own_address: Callable[[], str | None] = local_network_address,
    accepts: Callable[[str, int], bool] = accepts_connections,
) -> ReachableAddress:
    """Return the address of the app for other devices.

    A public name or an address in the network, also of a proxy, a Space or a tunnel, is the same for everybody. In the
    place of ``localhost`` the address of this machine is looked up.
    """
    if len(page) > 300 or not _URL.fullmatch(page):
        raise ValueError(f"{page[:80]!r} is no address of a page; give one that begins with http:// or https://.")
    parts = urlsplit(page.rstrip("/") + "/")
    if not _is_loopback(parts.hostname or ""):
        return ReachableAddress(parts.geturl())
    address = own_address()
    if address is None:
        return ReachableAddress(parts.geturl(), "network")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if not accepts(address, port):
        return ReachableAddress(parts.geturl(), "host")
    return ReachableAddress(parts._replace(netloc=f"{address}:{port}").geturl())


def _is_loopback(host: str) -> bool:
    """Return whether a host's name or address means, to any device, that device itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
