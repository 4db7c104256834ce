"""Choosing the next image to label: at random, or by uncertainty sampling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256

from skcaptcha.label._task import Chosen, Guess


def shuffled(filenames: Iterable[str], random_state: int) -> list[str]:
    """Put images in a random order that does not change when other images are added or removed.

    Examples
    --------
    >>> from skcaptcha.label._selection import shuffled
    >>> shuffled(["1.png", "2.png", "3.png"], 0)
    ['1.png', '3.png', '2.png']
    >>> shuffled(["2.png", "3.png"], 0)
    ['3.png', '2.png']
    """
    return sorted(filenames, key=lambda name: _digest(f"{random_state} {name}"))


class ImageSelector:
    """Chooses images to label.

    A fraction `explore` of the images are the next ones of a random order (`filenames`). The
    others are drawn from the half of the images with the lower confidences, unless `at_random` is
    True.
    """

    def __init__(self, filenames: Sequence[str], explore: float) -> None:
        self._filenames = filenames
        self._explore = explore
        self._due = 0.0

    def choose(
        self,
        is_free: Callable[[str], bool],
        guesses: Mapping[str, Guess],
        *,
        at_random: bool = False,
    ) -> tuple[str, Chosen] | None:
        """Return the next free image and how it was chosen, or None if no image is free."""
        free = sorted(filter(is_free, guesses), key=lambda name: guesses[name].confidence)
        # Images with the lowest confidences are similar and may be too hard to learn.
        lower_half = free[: (len(free) + 1) // 2]
        if lower_half:
            self._due += 1 if at_random else self._explore
            if self._due < 1:
                return min(lower_half, key=lambda name: _digest(f"doubtful {name}")), "uncertain"
            self._due -= 1
        first = next(filter(is_free, self._filenames), None)
        return None if first is None else (first, "random" if guesses else "first")


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogateescape")).digest()
