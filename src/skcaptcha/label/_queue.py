"""The images that a session still has to show, and their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Literal

from skcaptcha.exceptions import DatasetError
from skcaptcha.label._selection import ImageSelector
from skcaptcha.label._store import LabelStore
from skcaptcha.label._task import Chosen, Guess


class ImageQueue:
    """The unlabeled images of a folder; skipped images come after all others.

    Parameters
    ----------
    store : LabelStore
        Labels of the folder.
    order : sequence of str
        File names, in the order in which the images are shown without a model.
    explore : float
        Fraction of images that are taken in this order although a model can choose uncertain ones.
    """

    def __init__(self, store: LabelStore, order: Sequence[str], explore: float) -> None:
        self._store = store
        self._order = order
        self._selector = ImageSelector(order, explore)

    def is_left(self, filename: str) -> bool:
        """Return whether an image still has to be done, whether or not it was skipped."""
        return not self._store.state(filename).decided

    def is_skipped(self, filename: str) -> bool:
        """Return whether an image was skipped and is still to be done."""
        return self._store.state(filename).mark == "skipped"

    def is_open(self, filename: str) -> bool:
        """Return whether an image is still to be done and was not skipped."""
        return self.is_left(filename) and not self.is_skipped(filename)

    def record(self, filename: str, state: Literal["done", "skipped", "open"]) -> None:
        """Record the state of an image; a listed queue needs it, this one asks the store."""

    def choose(
        self, taken: Set[str], guesses: Mapping[str, Guess], *, at_random: bool = False
    ) -> tuple[str, Chosen] | None:
        """Return the next image that is not taken and how it was chosen; None if none is left."""
        found = self._selector.choose(
            lambda name: name not in taken and self.is_open(name), guesses, at_random=at_random
        )
        if found is not None:
            return found
        # The image that was skipped longest ago comes first.
        skips = {
            name: a.number
            for a in self._store.actions
            if a.did in {"skip", "accept"}
            for name in a.filenames
        }
        skipped = [name for name in self._order if name not in taken and self.is_skipped(name)]
        oldest = min(skipped, key=lambda name: skips.get(name, -1), default=None)
        return None if oldest is None else (oldest, "skipped")


class ListedQueue(ImageQueue):
    """Listed images in the order of the list, with or without labels.

    An image is done once it has been labeled or marked as unreadable in this session.
    """

    def __init__(self, store: LabelStore, listed: Sequence[str]) -> None:
        super().__init__(store, listed, explore=1.0)
        self._states: dict[str, str] = {}

    def is_left(self, filename: str) -> bool:
        return self._states.get(filename) != "done"

    def is_skipped(self, filename: str) -> bool:
        return self._states.get(filename) == "skipped"

    def record(self, filename: str, state: Literal["done", "skipped", "open"]) -> None:
        self._states[filename] = state

    def choose(
        self, taken: Set[str], guesses: Mapping[str, Guess], *, at_random: bool = False
    ) -> tuple[str, Chosen] | None:
        found = super().choose(taken, guesses, at_random=at_random)
        return None if found is None else (found[0], "listed")


def listed_images(
    folder: Path,
    only: Sequence[tuple[str, str] | tuple[str, str, str | None]],
    images: Sequence[str],
) -> dict[str, tuple[str, str | None]]:
    """Return the reason and the suggestion of each listed image.

    Raise DatasetError if the list is empty, or contains an image that is not one of `images`.
    """
    listed: dict[str, tuple[str, str | None]] = {}
    for filename, reason, *suggestion in only:
        listed[filename] = reason, suggestion[0] if suggestion else None
    missing = sorted(set(listed) - set(images))
    if missing:
        raise DatasetError(
            f"{folder}: has no image {missing[0]} ({len(missing)} of the listed images are "
            "missing); list images by their file names"
        )
    if not listed:
        raise DatasetError(f"{folder}: the list of images is empty; list at least one")
    return listed
