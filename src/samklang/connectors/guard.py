"""Connecting only where one may: an administrator's address must not reach the inside of our own network, unless the
installation allows it.

Each name is resolved once and exactly the addresses looked at are connected to, so that a second answer of DNS changes
nothing. Behind a proxy it is the proxy's address that is looked at: names are the proxy's to resolve, in its network.
"""

from __future__ import annotations

import functools
import ipaddress
import socket

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError

from samklang.sync.errors import Unavailable


@functools.cache
def pool_classes(allow_private: bool) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's pools, with connections that look at each address before they connect to it."""

    class PlainConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self, allow_private)

    class TlsConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self, allow_private)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = TlsConnection

    return {"http": PlainPool, "https": TlsPool}


def connect(connection: HTTPConnection, allow_private: bool) -> socket.socket:
    """A connected socket. Raises `Unavailable` ("address_not_allowed"; a proxy's: "proxy_not_allowed")."""
    host, port = connection.host.strip("[]"), connection.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NameResolutionError(host, connection, socket.gaierror(str(error))) from error
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    for address in addresses:
        if not may_connect(address, allow_private):
            code = "proxy_not_allowed" if connection.proxy else "address_not_allowed"
            raise Unavailable(code, f"{host} is {address}", host=host)
    failure: OSError = OSError("no address")
    for address in addresses:
        try:
            return urllib3.util.connection.create_connection(
                (address, port), connection.timeout, connection.source_address, connection.socket_options
            )
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise urllib3.exceptions.ConnectTimeoutError(connection, "timed out") from failure
    raise NewConnectionError(connection, str(failure)) from failure


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def may_connect(address: str, allow_private: bool) -> bool:
    """True for a public address, and for a loopback or private one if allowed.

    Link-local (a cloud's metadata service lives there), multicast, reserved and unspecified addresses: never.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        ip = inner or ip
    if ip.is_loopback:
        return allow_private
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        return False
    return ip.is_global or allow_private


def look_at(host: str, allow_private: bool) -> None:
    """What a proxy is asked for: an address written out is looked at here, a name is the proxy's to resolve.

    Raises `Unavailable` ("address_not_allowed").
    """
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return
    if not may_connect(host, allow_private):
        raise Unavailable("address_not_allowed", host, host=host)
