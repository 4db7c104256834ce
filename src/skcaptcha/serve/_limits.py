"""Limits of the service, so that no client can exhaust memory or time."""

from __future__ import annotations

from dataclasses import dataclass, fields

from skcaptcha.exceptions import SkcaptchaError

_RANGES: dict[str, tuple[float, float]] = {
    "max_bytes": (1, 2**31),
    "max_total_bytes": (1, 2**40),
    "max_images": (1, 10_000),
    "max_queued": (1, 1_000_000),
    "batch_size": (1, 10_000),
    "batch_wait": (0, 1),
    "timeout": (0.1, 3600),
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a `PredictionServer`.

    Parameters
    ----------
    max_bytes : int, default=33554432
        Maximum size of a request in bytes. The images of a model have a limit of their own, the
        ``max_bytes`` of its `ImageDecoder`.
    max_total_bytes : int, default=268435456
        Maximum size in bytes of all requests together that are not answered yet. Further requests
        are refused, with status 503 and the header ``Retry-After``. It must not be less than
        `max_bytes`.
    max_images : int, default=64
        Maximum number of images in a request.
    max_queued : int, default=256
        Maximum number of images that wait for a model. Further requests are refused at once, with
        status 503 and the header ``Retry-After``.
    batch_size : int, default=64
        Maximum number of images of several requests that are read together.
    batch_wait : float in 0..1, default=0.002
        Maximum time in seconds that an image waits for others to be read with it.
    timeout : float in 0.1..3600, default=30
        Maximum time in seconds for a request to arrive, and again for its images to be read.

    Raises
    ------
    SkcaptchaError
        If a value is out of its range, or a request could never be queued.

    Examples
    --------
    >>> from skcaptcha.serve import Limits
    >>> Limits(max_images=1).max_images
    1
    >>> Limits(timeout=0)
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.SkcaptchaError: timeout: it must be between 0.1 and 3,600, not 0
    """

    max_bytes: int = 2**25
    max_total_bytes: int = 2**28
    max_images: int = 64
    max_queued: int = 256
    batch_size: int = 64
    batch_wait: float = 0.002
    timeout: float = 30.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            (least, most), value = _RANGES[name], getattr(self, name)
            if not least <= value <= most:
                raise SkcaptchaError(
                    f"{name}: it must be between {least:,} and {most:,}, not {value}"
                )
        if self.max_bytes > self.max_total_bytes:
            raise SkcaptchaError(
                f"max_bytes={self.max_bytes}: it must not be more than "
                f"max_total_bytes={self.max_total_bytes}, because one request must fit into memory"
            )
        if self.max_images > self.max_queued:
            raise SkcaptchaError(
                f"max_images={self.max_images}: it must not be more than "
                f"max_queued={self.max_queued}, because all images of a request wait together"
            )
