"""Mutual authentication of an open tab and the server that replaces a killed one.

After a server is killed, any program on this machine can use its port. Therefore each start has a
new token, and an open tab accepts it only from a server that knows the key of the killed one.
Neither side sends the key: each signs random numbers that both have chosen.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class _Request(BaseModel):
    """A random number of the tab and, in the second step, its signature."""

    model_config = ConfigDict(strict=True)

    nonce: Annotated[str, Field(min_length=1, max_length=200)]
    proof: str | None = None


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

    def answer(self, content: bytes, host: str) -> dict[str, str] | None:
        """Answer the content of a request; None if it is not valid.

        A request without a proof gets the server's ``nonce`` and ``proof``; one with a valid proof
        gets the ``token``.
        """
        try:
            request = _Request.model_validate_json(content)
        except ValidationError:
            return None
        if request.proof is None:
            return {"nonce": self._nonce, "proof": self._sign("server", host, request.nonce)}
        expected = self._sign("page", host, request.nonce)
        if hmac.compare_digest(request.proof.encode(), expected.encode()):
            return {"token": self._token}
        return None

    def _sign(self, signer: str, host: str, nonce: str) -> str:
        message = "\n".join([signer, host, nonce, self._nonce])
        return hmac.new(self._key, message.encode(), hashlib.sha256).hexdigest()
