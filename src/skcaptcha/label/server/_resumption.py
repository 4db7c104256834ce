"""Mutual authentication of an open tab and the server that replaces a killed one.

After a server is killed, any program on this machine can use its port. Therefore each start has a
new token, and an open tab accepts it only from a server that knows the key of the killed one.
Neither side sends the key: each signs random numbers that both have chosen.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

_MAX_CHARACTERS = 200


class Resumption:
    """Proves knowledge of the key to tabs, and sends the new token to tabs that prove it, too.

    The signature is HMAC-SHA-256 of the signer, the host and port in the tab's address, and both
    random numbers. The port prevents relaying the response of a server at another port; a random
    number of this start prevents replaying an earlier exchange.

    Parameters
    ----------
    key : str
        Secret that the tab shares with the server it came from.
    token : str
        Token of this start.

    References
    ----------
    Bellare, M. and Rogaway, P., "Entity authentication and key distribution", CRYPTO 1993.
    """

    def __init__(self, key: str, token: str) -> None:
        self._key = key.encode()
        self._token = token
        self._nonce = secrets.token_urlsafe(32)

    def answer(self, request: dict[str, Any], host: str) -> dict[str, str] | None:
        """Answer a request that holds the tab's ``nonce`` and, in the second step, its ``proof``.

        Returns the server's ``nonce`` and ``proof`` to a request without a proof, and the
        ``token`` to one with a valid proof. Returns None if the request is not valid.
        """
        nonce, proof = request.get("nonce"), request.get("proof")
        if not isinstance(nonce, str) or not 0 < len(nonce) <= _MAX_CHARACTERS:
            return None
        if proof is None:
            return {"nonce": self._nonce, "proof": self._sign("server", host, nonce)}
        expected = self._sign("page", host, nonce).encode()
        if isinstance(proof, str) and hmac.compare_digest(proof.encode(errors="replace"), expected):
            return {"token": self._token}
        return None

    def _sign(self, signer: str, host: str, nonce: str) -> str:
        message = "\n".join([signer, host, nonce, self._nonce])
        return hmac.new(self._key, message.encode(errors="replace"), hashlib.sha256).hexdigest()
