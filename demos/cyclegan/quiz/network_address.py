"""Under which address other devices reach this app; no other host is asked."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

# Set aside for documentation (RFC 5737): no host has it. "Connecting" a datagram socket only looks up a route.
NOWHERE = ("192.0.2.1", 9)
PATIENCE = 0.5  # seconds for a connection to oneself
_ADDRESS = re.compile(r"https?://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]{1,253})(:\d{1,5})?(/[A-Za-z0-9._~%-]+)*/?")


@dataclass(frozen=True)
class Reach:
    """Where other devices find the app.

    Attributes:
        base: Address with a slash at the end; for a phone only where nothing is `missing`.
        missing: "" if they do; "network" where this machine has no address in one, "host" where the app listens to
            this machine alone.
    """

    base: str
    missing: str = ""


def network_address() -> str | None:
    """Return the address of this machine in its network, or None; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if is_own(address) else address


def listens(address: str, port: int) -> bool:
    """Return whether this machine takes connections at one of its own addresses."""
    try:
        with socket.create_connection((address, port), PATIENCE):
            return True
    except OSError:
        return False


def is_own(host: str) -> bool:
    """Return whether a host's name or address means, to any device, that device itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def reach(
    page: str,
    own_address: Callable[[], str | None] = network_address,
    takes: Callable[[str, int], bool] = listens,
) -> Reach:
    """Return where other devices find the app.

    A page that was opened under a public name or an address in the network can be opened by others under the same;
    so behind a proxy, on a Space and through a tunnel. One that was opened on ``localhost`` is looked for under the
    address of this machine.

    Args:
        page: Where a browser on this or another machine has opened the app, without a query.
        own_address: Gives the address of this machine.
        takes: Whether it takes connections at an address and port.

    Raises:
        ValueError: If this is no address of a page.
    """
    if len(page) > 300 or not _ADDRESS.fullmatch(page):
        raise ValueError(f"{page[:80]!r} is no address of a page; give one that begins with http:// or https://.")
    parts = urlsplit(page.rstrip("/") + "/")
    if not is_own(parts.hostname or ""):
        return Reach(parts.geturl())
    address = own_address()
    if address is None:
        return Reach(parts.geturl(), "network")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if not takes(address, port):
        return Reach(parts.geturl(), "host")
    return Reach(parts._replace(netloc=f"{address}:{port}").geturl())
