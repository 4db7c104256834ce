"""Which image comes next: one at random, or one of those of which the model is less sure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256

from skcaptcha.label._task import Chosen, Guess


def shuffled(filenames: Iterable[str], random_state: int) -> list[str]:
    """Put images in a random order that stays the same when others come or go.

    Parameters
    ----------
    filenames : iterable of str
    random_state : int

    Returns
    -------
    filenames : list of str

    Examples
    --------
    >>> from skcaptcha.label._order import shuffled
    >>> shuffled(["1.png", "2.png", "3.png"], 0)
    ['1.png', '3.png', '2.png']
    >>> shuffled(["2.png", "3.png"], 0)
    ['3.png', '2.png']
    """
    return sorted(filenames, key=lambda name: _digest(f"{random_state} {name}"))


class Order:
    """Chooses images to label.

    Of every so many images one is the next of a random order. The others are drawn from those that
    the model has read, the less sure half of them.

    Parameters
    ----------
    filenames : sequence of str
        In random order, as `shuffled` gives it.
    explore : float in 0..1
        Share of images drawn at random.

    Examples
    --------
    >>> from skcaptcha.label._order import Order
    >>> Order(["b.png", "a.png"], explore=0.2).choose(lambda filename: True, {})
    ('b.png', 'first')
    """

    def __init__(self, filenames: Sequence[str], explore: float) -> None:
        self.filenames = filenames
        self._explore = explore
        self._due = 0.0

    def choose(
        self, is_free: Callable[[str], bool], guesses: Mapping[str, Guess]
    ) -> tuple[str, Chosen] | None:
        """Choose an image.

        Parameters
        ----------
        is_free : callable
            Whether an image, by its name, may be chosen.
        guesses : mapping of str to Guess
            Of the images that the model has read.

        Returns
        -------
        filename, chosen : str, or None
            The image and why it was chosen; None if none is free.
        """
        if guesses:
            doubtful = self._doubtful(is_free, guesses)
            if doubtful is None:
                return self._at_random(is_free, "random")
            self._due += self._explore
            if self._due < 1:
                return doubtful, "uncertain"
            self._due -= 1
            return self._at_random(is_free, "random")
        return self._at_random(is_free, "first")

    def _at_random(
        self, is_free: Callable[[str], bool], chosen: Chosen
    ) -> tuple[str, Chosen] | None:
        first = next(filter(is_free, self.filenames), None)
        return None if first is None else (first, chosen)

    def _doubtful(self, is_free: Callable[[str], bool], guesses: Mapping[str, Guess]) -> str | None:
        free = sorted(filter(is_free, guesses), key=lambda name: guesses[name].confidence)
        # The least sure ones of all may be beyond what the model can learn; and they are alike.
        more_doubtful = free[: (len(free) + 1) // 2]
        return min(more_doubtful, key=lambda name: _digest(f"doubtful {name}"), default=None)


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogateescape")).digest()
