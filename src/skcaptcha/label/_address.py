"""The page's address: its port, which comes back after a server that was killed, and its secrets.

So a tab that is still open goes on as soon as the same command runs again, with what was typed.
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

from skcaptcha._files.user_folder import user_folder
from skcaptcha.exceptions import SkcaptchaError


@dataclass(frozen=True)
class Address:
    """Where the page of a folder is.

    Attributes
    ----------
    port : int
    token : str
        The secret that the page's address holds; each start has its own.
    key : str
        What an open tab and the server that follows a killed one recognize each other by.
    """

    port: int
    token: str
    key: str

    @property
    def url(self) -> str:
        """What a browser opens."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"


def listen(folder: Path, port: int) -> tuple[socket.socket, Address]:
    """Take a port of this machine, which no other can reach, for the page of a folder.

    Parameters
    ----------
    folder : Path
    port : int
        0: the one that was left by a server that was killed, else any free one.

    Returns
    -------
    listener : socket
        Bound to 127.0.0.1; it does not listen yet.
    address : Address

    Raises
    ------
    SkcaptchaError
        If the port is taken, or may not be taken.
    """
    left = _left(folder)
    if left and port in {0, left.port}:
        with suppress(OSError):
            return _bound(left.port), replace(left, token=secrets.token_urlsafe(32))
    try:
        listener = _bound(port)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "it is no port"
        raise SkcaptchaError(
            f"port {port} cannot be used ({reason}); name another, or none for a free one"
        ) from error
    token, key = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    return listener, Address(listener.getsockname()[1], token, key)


def remember(folder: Path, address: Address) -> None:
    """Keep the port and the key for the server that may have to follow a killed one.

    Parameters
    ----------
    folder : Path
    address : Address
    """
    # Imported late: model_io loads what the labeling page has no use for.
    from skcaptcha._files.atomic import write_atomically  # noqa: PLC0415

    kept = {"port": address.port, "key": address.key}
    # Without a place for it, the next server has another address.
    with suppress(OSError):
        file = _file(folder)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(file, lambda stream: stream.write(json.dumps(kept).encode()))


def forget(folder: Path) -> None:
    """Let the address be worth nothing from now on.

    Parameters
    ----------
    folder : Path
    """
    with suppress(OSError):
        _file(folder).unlink()


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # where it would share the port with others
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except BaseException:
        listener.close()
        raise
    return listener


def _left(folder: Path) -> Address | None:
    try:
        address = Address(token="", **json.loads(_file(folder).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    sound = isinstance(address.port, int) and isinstance(address.key, str)
    return address if sound and len(address.key) >= 32 else None


def _file(folder: Path) -> Path:
    name = hashlib.sha256(str(folder.resolve()).encode(errors="surrogateescape")).hexdigest()
    return user_folder() / "labeling" / f"{name[:32]}.json"
