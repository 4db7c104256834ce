"""The address that the service listens on."""

from __future__ import annotations

import socket
import sys
from ipaddress import ip_address

from skcaptcha.exceptions import SkcaptchaError

_BACKLOG = 1024
_LAST_PORT = 65535


def listen(host: str, port: int) -> socket.socket:
    """Bind a socket to an address and listen.

    Parameters
    ----------
    host : str
        Name or IP address; ``"0.0.0.0"`` and ``"::"`` are all addresses of the machine.
    port : int
        TCP port; 0 chooses a free one.

    Raises
    ------
    SkcaptchaError
        If the host is unknown, or if the port is in use, not permitted or no port number.
    """
    if not 0 <= port <= _LAST_PORT:
        raise SkcaptchaError(f"port: it must be between 0 and {_LAST_PORT}, not {port}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SkcaptchaError(
            f"host {host!r} is unknown here ({_reason(error)}); use an IP address of this machine, "
            "such as 127.0.0.1"
        ) from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # there, another program could bind the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise SkcaptchaError(
            f"port {port} of {host} cannot be used ({_reason(error)}); choose another --port or "
            "--host, or port 0 for a free one"
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL of a socket; one that listens on all addresses is reached by 127.0.0.1."""
    host, port = listener.getsockname()[:2]
    address = ip_address(host.partition("%")[0])
    if address.is_unspecified:
        host = "[::1]" if address.version == 6 else "127.0.0.1"
    elif address.version == 6:
        host = f"[{host}]"
    return f"http://{host}:{port}"


def is_local(listener: socket.socket) -> bool:
    """Return whether only programs on this machine can connect to a socket."""
    return ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
