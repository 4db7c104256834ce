"""How many bytes of uploads the service holds in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class TooManyBytesError(Exception):
    """The requests together would hold more bytes than allowed."""


class HeldBytes:
    """Counts the bytes of all requests that are not answered yet.

    Parameters
    ----------
    limit : int
        Maximum number of bytes.

    Examples
    --------
    >>> from skcaptcha.serve._held_bytes import HeldBytes
    >>> held = HeldBytes(100)
    >>> with held.by_request() as request:
    ...     request.add(60)
    ...     held.n_free
    40
    >>> held.n_free
    100
    """

    def __init__(self, limit: int) -> None:
        self.n_free = limit

    @contextmanager
    def by_request(self) -> Iterator[RequestBytes]:
        """Return the counter of a request; at the end of the context, it holds nothing."""
        request = RequestBytes(self)
        try:
            yield request
        finally:
            self.n_free += request.n


class RequestBytes:
    """Counts the bytes that one request holds."""

    def __init__(self, together: HeldBytes) -> None:
        self.n = 0
        self._together = together

    def check(self, n: int) -> None:
        """Raise TooManyBytesError if there is no space for n more bytes."""
        if n > self._together.n_free:
            raise TooManyBytesError

    def add(self, n: int) -> None:
        """Count n more bytes. Raise TooManyBytesError if there is no space for them."""
        self.check(n)
        self._together.n_free -= n
        self.n += n
