"""How an open tab and the server that follows a killed one recognize each other.

After a server is killed, anybody on this machine can take its port. So each start has a token of
its own, and an open tab learns the new one only from a server that knows the key that the killed
one had. Neither side sends the key: each signs random numbers that both have chosen.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

_MAX_CHARACTERS = 200


class Resumption:
    """Tell the token of this start to tabs that prove that they know the key; and prove it first.

    The signature is HMAC-SHA-256 over who signs, the host and port that the tab has in its
    address, and both random numbers. With the port in it, nobody can pass on what a server at
    another port answers; with a number of this start, nobody can repeat what an earlier one saw.

    Parameters
    ----------
    key : str
        What the tab and the server that served it have in common.
    token : str
        The secret of this start.

    References
    ----------
    Bellare, M. and Rogaway, P., "Entity authentication and key distribution", CRYPTO 1993.
    """

    def __init__(self, key: str, token: str) -> None:
        self._key = key.encode()
        self._token = token
        self._nonce = secrets.token_urlsafe(32)

    def answer(self, said: dict[str, Any], host: str) -> dict[str, str] | None:
        """Answer a tab.

        Parameters
        ----------
        said : dict
            ``nonce``, a random number of the tab; and ``proof``, its signature, once it has seen
            the server's.
        host : str
            The host and port of the tab's address.

        Returns
        -------
        answer : dict or None
            Without a proof, the server's ``nonce`` and ``proof``; with a right one, the ``token``;
            None if the tab has no right to it.
        """
        nonce, proof = said.get("nonce"), said.get("proof")
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
