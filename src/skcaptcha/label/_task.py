"""What a labeling session returns: an image to label, the model's guess, and the progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Chosen = Literal["first", "random", "uncertain", "skipped", "sure", "listed", "revisited"]


@dataclass(frozen=True)
class Guess:
    """The model's reading of an image that it was not trained on.

    Attributes
    ----------
    text : str
        The most probable string.
    confidence : float in [0, 1]
        Probability that the whole text is right.
    characters : tuple of (str, float)
        Each character and its probability.
    runners_up : tuple of (str, float)
        The next most probable strings and their probabilities, best first.
    unfamiliar : bool
        Whether the image differs from the training images.
    """

    text: str
    confidence: float
    characters: tuple[tuple[str, float], ...]
    runners_up: tuple[tuple[str, float], ...]
    unfamiliar: bool


@dataclass(frozen=True)
class Task:
    """An image to label, or to look at again.

    Attributes
    ----------
    filename : str
        Name of the image file.
    index : int
        Position among the images of the session, from 0.
    label : str or None
        Label on disk.
    accepted : bool
        Whether the label is a reading that was accepted with a page.
    unreadable : bool
        Whether the image is marked as unreadable.
    typed : str or None
        Label that was just undone.
    guess : Guess or None
        The model's guess.
    chosen : str
        How the image was chosen. ``first``: at random, before there was a model. ``random``: at
        random, later. ``uncertain``: among the images with the lowest confidences. ``skipped``:
        skipped before, and no other images are left. ``sure``: its reading can be accepted with
        others. ``listed``: one of the images that were
        passed as ``only``. ``revisited``: the user went back to it.
    reason : str
        Reason why it is listed; empty otherwise.
    suggestion : str or None
        Label that is suggested for a listed image.
    """

    filename: str
    index: int
    label: str | None
    accepted: bool
    unreadable: bool
    typed: str | None
    guess: Guess | None
    chosen: Chosen
    reason: str
    suggestion: str | None


@dataclass(frozen=True)
class Estimate:
    """Estimated string accuracy of a model fitted to the labels so far.

    Attributes
    ----------
    accuracy : float in [0, 1]
        Estimated string accuracy.
    low, high : float in [0, 1]
        Bounds of its 95 % Wilson interval.
    n : int
        Number of images that the estimate is based on.
    """

    accuracy: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Acceptance:
    """Whether readings may be accepted a page at a time.

    They may from a confidence on at which their estimated accuracy is at least 99.5 %.

    Attributes
    ----------
    threshold : float in [0, 1], or None
        This confidence; None if the labels do not support any.
    n, n_right : int
        Labeled images with this confidence or a higher one, read by models that were not trained
        on them, and how many of them were read correctly. Without a threshold, those at the
        confidence that comes nearest to one.
    n_needed : int
        Number of images that is enough for 99.5 % with so many errors.
    """

    threshold: float | None
    n: int
    n_right: int
    n_needed: int

    @property
    def accuracy(self) -> float:
        """Estimated accuracy from this confidence on (Krichevsky and Trofimov)."""
        return (self.n_right + 0.5) / (self.n + 1)


@dataclass(frozen=True)
class Grid:
    """Images whose readings can be accepted together.

    Attributes
    ----------
    page : str
        Name of the page, to accept it with.
    tasks : tuple of Task
        The images with their guesses.
    acceptance : Acceptance or None
        How sure the readings are; None if an accepted page was undone.
    """

    page: str
    tasks: tuple[Task, ...]
    acceptance: Acceptance | None


@dataclass(frozen=True)
class Progress:
    """Progress of a labeling session.

    Attributes
    ----------
    n_images, n_labeled, n_accepted, n_unreadable, n_skipped, n_left : int
        Numbers of images. Images that are neither labeled nor unreadable are left; skipped images
        are among them. Accepted readings are among the labels. In a session with ``only``, images
        count as labeled when their label was confirmed or corrected in the session.
    labels_per_minute : float or None
        Recent pace without pauses; None if it is not known yet.
    seconds_left : float or None
        Remaining time at this pace.
    estimate : Estimate or None
        Estimated accuracy; None if no model was fitted yet.
    acceptance : Acceptance or None
        Whether readings may be accepted a page at a time; None if no model was fitted yet.
    n_acceptable : int
        Number of unlabeled images whose readings may be accepted now.
    training : str
        Description of what the training is doing.
    n_learned : int
        Number of labels that the guessing model was trained on.
    """

    n_images: int
    n_labeled: int
    n_accepted: int
    n_unreadable: int
    n_skipped: int
    n_left: int
    labels_per_minute: float | None
    seconds_left: float | None
    estimate: Estimate | None
    acceptance: Acceptance | None
    n_acceptable: int
    training: str
    n_learned: int
