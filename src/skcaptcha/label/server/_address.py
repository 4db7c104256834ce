"""The address of the labeling page: its port and its secrets.

After a server was killed, the next one uses the same port and key. A tab that is still open then
continues by itself, with the text that was typed.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from skcaptcha._files.atomic import write_atomically
from skcaptcha._files.user_data_folder import user_data_folder
from skcaptcha.exceptions import SkcaptchaError


@dataclass(frozen=True)
class Address:
    """Address of the page of a folder.

    Attributes
    ----------
    port : int
        TCP port on 127.0.0.1.
    token : str
        Secret in the URL; each start has a new one.
    key : str
        Secret by which an open tab and the successor of a killed server recognize each other.
    """

    port: int
    token: str
    key: str

    @property
    def url(self) -> str:
        """URL to open in a browser."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"


def listen(folder: Path, port: int) -> tuple[socket.socket, Address]:
    """Bind a socket to a port of 127.0.0.1 for the page of a folder.

    Port 0 stands for the port of a killed server of this folder or, if there is none, for any free
    port. Raises SkcaptchaError if the port is in use or not permitted.
    """
    previous = _load(folder)
    if previous and port in {0, previous.port}:
        with suppress(OSError):
            return _bound(previous.port), replace(previous, token=secrets.token_urlsafe(32))
    try:
        listener = _bound(port)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "not a port number"
        raise SkcaptchaError(
            f"port {port} cannot be used ({reason}); choose another, or omit --port for a free one"
        ) from error
    token, key = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    return listener, Address(listener.getsockname()[1], token, key)


def remember(folder: Path, address: Address) -> None:
    """Save the port and the key for the next server, in case this one is killed."""
    kept = {"port": address.port, "key": address.key}
    # If they cannot be saved, the next server has another address.
    with suppress(OSError):
        file = _file(folder)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(file, json.dumps(kept).encode())


def forget(folder: Path) -> None:
    """Delete the saved port and key."""
    with suppress(OSError):
        _file(folder).unlink()


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there, another program could bind the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except BaseException:
        listener.close()
        raise
    return listener


def _load(folder: Path) -> Address | None:
    try:
        address = Address(token="", **json.loads(_file(folder).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    is_valid = isinstance(address.port, int) and isinstance(address.key, str)
    return address if is_valid and len(address.key) >= 32 else None


def _file(folder: Path) -> Path:
    name = hashlib.sha256(str(folder.resolve()).encode(errors="surrogateescape")).hexdigest()
    return user_data_folder() / "labeling" / f"{name[:32]}.json"
