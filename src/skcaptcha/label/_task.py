"""What the session says of an image and of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Chosen = Literal["first", "random", "uncertain", "skipped", "listed", "revisited"]


@dataclass(frozen=True)
class Guess:
    """What the model reads in an image whose label it has not seen.

    Attributes
    ----------
    text : str
    confidence : float in 0..1
        How probable it is that all of it is right.
    characters : tuple of (str, float)
        How probable each character is.
    runners_up : tuple of (str, float)
        The next most probable strings and their confidences, best first.
    unfamiliar : bool
        Whether the image does not look like those that the model has learned from.
    """

    text: str
    confidence: float
    characters: tuple[tuple[str, float], ...]
    runners_up: tuple[tuple[str, float], ...]
    unfamiliar: bool


@dataclass(frozen=True)
class Task:
    """An image that somebody is to label, or looks at again.

    Attributes
    ----------
    filename : str
    index : int
        Its place among the session's images, from 0.
    label : str or None
        What it is labeled on disk.
    unreadable : bool
        Whether it is marked so.
    typed : str or None
        The label that was just undone.
    guess : Guess or None
    chosen : str
        ``first``: drawn at random before any model read it. ``random``: drawn at random later.
        ``uncertain``: the model is less sure of it than of others. ``skipped``: was skipped before,
        and nothing else is left. ``listed``: one of those that the session is about.
        ``revisited``: the user went there.
    reason : str
        Why it is listed; empty otherwise.
    suggestion : str or None
        What it may be labeled instead, if it is listed with one.
    """

    filename: str
    index: int
    label: str | None
    unreadable: bool
    typed: str | None
    guess: Guess | None
    chosen: Chosen
    reason: str
    suggestion: str | None


@dataclass(frozen=True)
class Estimate:
    """How much would be read right if labeling stopped now.

    Attributes
    ----------
    accuracy : float in 0..1
        String accuracy.
    low, high : float in 0..1
        The ends of its 95 % interval, by Wilson's score.
    n : int
        On how many images it rests.
    """

    accuracy: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Progress:
    """How far the labeling has come.

    Attributes
    ----------
    n_images, n_labeled, n_unreadable, n_skipped, n_left : int
        What is left is neither labeled nor unreadable; skipped images are. In a session about
        listed images, labeled are those whose label was confirmed or corrected in it.
    labels_per_minute : float or None
        Lately, without the pauses; None: not known yet.
    seconds_left : float or None
        At that rate.
    estimate : Estimate or None
        None: nothing has been learned yet.
    training : str
        What the training does, in words.
    n_learned : int
        From how many labels the guesses are.
    """

    n_images: int
    n_labeled: int
    n_unreadable: int
    n_skipped: int
    n_left: int
    labels_per_minute: float | None
    seconds_left: float | None
    estimate: Estimate | None
    training: str
    n_learned: int
