"""By which names the service is called, and from where."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

from app.config import host_of, names_in

ANY = "*"


class Hosts:
    """The names by which the service may be called.

    A page of somebody else's, whose name was pointed at this machine, would otherwise be of the same origin.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._any = ANY in names

    def knows(self, host: bytes | None) -> bool:
        """Tell whether the header Host names one of them."""
        return self._any or (host is not None and host_of(host.decode("latin-1")) in self._names)


class Callers:
    """Where requests come from, told by the connection or by a proxy that is trusted."""

    def __init__(self, trusted_proxies: str) -> None:
        self._trusted = tuple(ip_network(each) for each in names_in(trusted_proxies))

    def place(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """Give the caller's address, or the network of one household where it is of IPv6.

        Of X-Forwarded-For the last address counts that no trusted proxy has; what stands before it, anybody can write.
        """
        came_from = scope["client"][0] if scope.get("client") else ""
        if self._trusted and self._is_proxy(came_from):
            for each in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
                if _is_address(each.strip()):
                    came_from = each.strip()
                if not self._is_proxy(came_from):
                    break
        return _household(came_from)

    def _is_proxy(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in each for each in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _household(address: str) -> str:
    if not _is_address(address):
        return "nowhere"
    found = ip_address(address)
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Network((found, 64), strict=False))
    return address
