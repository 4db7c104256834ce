"""Labeling the images of a folder: what comes next, what is on disk, what the model says."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

from skcaptcha.datasets import load_captchas
from skcaptcha.datasets._odd_labels import doubt_about, odd_labels
from skcaptcha.exceptions import DatasetError
from skcaptcha.label._estimate import estimate_accuracy, random_sample
from skcaptcha.label._learner import FEWEST_LABELS, Learner
from skcaptcha.label._order import Order, shuffled
from skcaptcha.label._pace import Pace
from skcaptcha.label._store import Action, LabelStore, State
from skcaptcha.label._table import check_label
from skcaptcha.label._tabs import Tab, Tabs
from skcaptcha.label._task import Chosen, Estimate, Guess, Progress, Task
from skcaptcha.label._training import Lesson, News, Training, TrainingAside, TrainingHere
from skcaptcha.recipes import Recipe

# A model is fitted anew when there are so many labels more than it has learned from.
_FEWEST_NEW = 5
# So many images are read by each model: enough for what is labeled until the next one.
_POOL, _POOL_PER_LABEL = 300, 0.5
# And so many labeled ones that are no part of the random sample yet, but may be before the next.
_BEYOND, _BEYOND_PER_LABEL = 5, 0.1


class LabelingSession:
    """Label the images of a folder, with a model that learns from it and guesses the rest.

    It is what the labeling page shows; all of it can be called from Python, from any thread.

    Every label is in the folder's labels.csv before `label` returns, as `load_captchas` reads it:
    the folder can be fitted at any moment, and nothing is lost when the process is killed.
    Everything else that is done is kept in labeling.jsonl.

    The first images are drawn at random. From 20 labels on a recipe is chosen and fitted to the
    labels, again and again as they become more, and the images that come next are from the half of
    which it is less sure, but for a share that is still drawn from all.

    Parameters
    ----------
    folder : path-like
        Folder of images. Labels that it has, in labels.csv or labels.txt, count; names are labels
        only with `only`.
    only : sequence of tuples, optional
        Label these images only, in this order, whether they have a label or not: tuples of the
        file name, the reason, and perhaps what the label should be. Nothing is learned then.
    train : bool or "here", default=True
        Whether to learn, in a process that ends with the session. ``"here"``: in the call that
        gives the label from which on it is time to.
    recipe : Recipe, optional
        What to fit. By default one is chosen, and again whenever labels have doubled.
    explore : float in 0..1, default=0.2
        Share of images drawn at random while the others are those that are doubtful.
    growth : float, default=0.15
        A model is fitted anew when labels have become more by this share, and by five at least.
    lease : float, default=120
        Seconds after which an image that a tab was given, and that it does not ask about any
        more, is given to another.
    random_state : int, default=0
        Decides on the random order.

    Attributes
    ----------
    folder : Path
    filenames : tuple of str
        The images, in their natural order, or in that of `only`.

    Raises
    ------
    DatasetError
        If the folder, its labels or `only` cannot be used, or another process labels the folder.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
    >>> from skcaptcha.label import LabelingSession
    >>> images, labels = make_line_captchas(3, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     write_captchas(folder, images, labels)
    ...     with LabelingSession(folder, only=[("00002.png", "is it read rightly?")]) as session:
    ...         task = session.next("a tab")
    ...         session.label(task.filename, "5UFQ", tab="a tab", expected=task.label)
    ...         session.next("a tab"), session.progress().n_left
    ...     load_captchas(folder).target.tolist()[1]
    (None, 0)
    '5UFQ'
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        only: Sequence[tuple[str, str] | tuple[str, str, str | None]] | None = None,
        train: bool | Literal["here"] = True,
        recipe: Recipe | None = None,
        explore: float = 0.2,
        growth: float = 0.15,
        lease: float = 120.0,
        random_state: int = 0,
    ) -> None:
        self.folder = Path(folder)
        images = load_captchas(self.folder, labeled=False).filenames
        self._listed = None if only is None else _listed(self.folder, only, images)
        self.filenames: tuple[str, ...] = tuple(images if self._listed is None else self._listed)
        self._index = {name: k for k, name in enumerate(self.filenames)}
        # Who goes through a list has it in the best order already.
        order = shuffled(images, random_state) if self._listed is None else self.filenames
        self._order = Order(order, explore)
        self._growth = growth
        self._lock = threading.RLock()
        self._store = LabelStore(self.folder, name_labels=only is not None)
        self._n_before = self._store.n_records
        self._tabs = Tabs(lease)
        self._pace = Pace()
        self._gone_through: set[str] = set()  # of those that are listed
        self._put_off: set[str] = set()  # as well
        self._typed: dict[str, str] = {}
        self._guesses: dict[str, Guess] = {}
        self._held_out: Mapping[str, str] = {}
        self._learned_from: Mapping[str, str] = {}  # by the models that gave these
        self._news = News(0)
        self._lesson: Lesson | None = None  # the one that is being taken
        self._n_tried = 0
        self._closed = False
        self._training: Training | None = None
        if train == "here" and only is None:
            self._training = TrainingHere(Learner(self.folder, recipe), self._hear)
        elif train and only is None:
            self._training = TrainingAside(self.folder, recipe, self._hear)
        with self._lock:
            self._learn_if_due()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the training, and let another process label the folder."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        # Not under the lock, for which the last news may be waiting.
        if self._training is not None:
            self._training.close()
        self._store.close()

    def path(self, filename: str) -> Path:
        """Give the path of an image of the session.

        Parameters
        ----------
        filename : str

        Returns
        -------
        path : Path

        Raises
        ------
        KeyError
            If it is none of `filenames`.
        """
        return self.folder / self.filenames[self._index[filename]]

    def next(self, tab: str) -> Task | None:
        """Give the image that a tab is to label: the same one until it is done with it.

        Parameters
        ----------
        tab : str
            Any name; no other tab is given the same image.

        Returns
        -------
        task : Task or None
            None if there is nothing left.
        """
        with self._lock:
            self._store.refresh()
            mine = self._tab(tab)
            self._fill(tab, 1)
            if not mine.held:
                return None
            filename = next(iter(mine.held))
            return self._shown(filename, mine)

    def peek(self, tab: str) -> str | None:
        """Give the image that comes after the present one, so that it can be loaded beforehand.

        Parameters
        ----------
        tab : str

        Returns
        -------
        filename : str or None
            No other tab is given it. None if there is none, or not yet.
        """
        with self._lock:
            mine = self._tab(tab)
            self._fill(tab, 2)
            return list(mine.held)[1] if len(mine.held) > 1 else None

    def task(self, filename: str, tab: str) -> Task:
        """Give any image, to look at it or to correct its label.

        Parameters
        ----------
        filename, tab : str

        Returns
        -------
        task : Task

        Raises
        ------
        KeyError
            If it is none of `filenames`.
        """
        with self._lock:
            self._index[filename]
            self._store.refresh()
            return self._shown(filename, self._tab(tab))

    def previous(self, filename: str, tab: str) -> Task | None:
        """Give the image that a tab saw before another.

        Parameters
        ----------
        filename, tab : str

        Returns
        -------
        task : Task or None
            None if that was the first.
        """
        return self._beside(filename, tab, -1)

    def following(self, filename: str, tab: str) -> Task | None:
        """Give the image that a tab saw after another.

        Parameters
        ----------
        filename, tab : str

        Returns
        -------
        task : Task or None
            None if that was the last; `next` gives what comes then.
        """
        return self._beside(filename, tab, 1)

    def label(
        self,
        filename: str,
        text: str,
        *,
        tab: str,
        expected: str | None = None,
        keystrokes: int | None = None,
        seconds: float | None = None,
    ) -> None:
        """Label an image; when this returns, the label is on disk.

        Parameters
        ----------
        filename, text, tab : str
            Spaces around the text are left out.
        expected : str, optional
            The label that the tab was told that the image has.
        keystrokes, seconds : int, float, optional
            What it took, for the log.

        Raises
        ------
        KeyError
            If it is none of `filenames`.
        ValueError
            If the text is empty, or holds what cannot be seen.
        ConflictError
            If it got another label meanwhile. The same text once more is no conflict.
        DatasetError, OutputError
            If a file cannot be read or written; the label is not given then.
        """
        effort = {"keystrokes": keystrokes, "seconds": seconds}
        with self._lock:
            about = self._about(filename, tab) | {k: v for k, v in effort.items() if v is not None}
            self._store.label(filename, text, tab=tab, expected=expected, about=about)
            self._pace.step(time.monotonic())
            self._done_with(filename)
            self._learn_if_due()

    def doubt(self, filename: str, text: str) -> str | None:
        """Say why a label is probably mistyped: nearly all others are unlike it.

        Parameters
        ----------
        filename, text : str

        Returns
        -------
        sentence : str or None
            None if nothing is unusual, or if the image has this label already.

        Raises
        ------
        ValueError
            If the text is empty, or holds what cannot be seen.
        """
        label = check_label(text)
        with self._lock:
            labels = self._store.labels
            if labels.get(filename) == label:
                return None
            return doubt_about(label, [other for name, other in labels.items() if name != filename])

    def odd_labels(self) -> list[str]:
        """Say which of the labels on disk are unlike the others, and so probably mistyped.

        Returns
        -------
        sentences : list of str
        """
        with self._lock:
            return odd_labels(list(self._store.labels.values()))

    def skip(self, filename: str, *, tab: str) -> None:
        """Leave an image until nothing else is left.

        Parameters
        ----------
        filename, tab : str

        Raises
        ------
        KeyError
            If it is none of `filenames`.
        DatasetError
            If a file cannot be read or written.
        """
        with self._lock:
            self._store.skip(filename, tab=tab, about=self._about(filename, tab))
            self._done_with(filename)
            self._gone_through.discard(filename)
            self._put_off.add(filename)

    def mark_unreadable(self, filename: str, *, tab: str, expected: str | None = None) -> None:
        """Say that an image cannot be read by anybody: it has no label and does not come again.

        Parameters
        ----------
        filename, tab : str
        expected : str, optional
            The label that the tab was told that the image has; it is taken away.

        Raises
        ------
        KeyError
            If it is none of `filenames`.
        ConflictError
            If it got another label meanwhile.
        DatasetError, OutputError
            If a file cannot be read or written.
        """
        with self._lock:
            about = self._about(filename, tab)
            self._store.mark_unreadable(filename, tab=tab, expected=expected, about=about)
            self._done_with(filename)

    def undo(self, tab: str) -> Task | None:
        """Take back what a tab did last, also before a restart.

        Parameters
        ----------
        tab : str

        Returns
        -------
        task : Task or None
            The image, with the text that it was labeled; None if there is nothing to take back.

        Raises
        ------
        ConflictError
            If the image got another label meanwhile.
        DatasetError, OutputError
            If a file cannot be read or written.
        """
        with self._lock:
            mine = self._tab(tab)
            action = next(self._undoable(tab), None)
            if action is None:
                return None
            self._store.undo(action)
            filename = action.filename
            self._gone_through.discard(filename)
            self._put_off.discard(filename)
            if action.after.label is not None:
                self._typed[filename] = action.after.label
            if self._is_open(filename):
                self._tabs.release(filename)
                mine.held = {filename: "revisited", **mine.held}
            return self._shown(filename, mine)

    def progress(self) -> Progress:
        """Say how far the labeling has come.

        Returns
        -------
        progress : Progress
        """
        with self._lock:
            states = [self._store.state(name) for name in self.filenames]
            n_skipped = sum(state.mark == "skipped" for state in states)
            n_unreadable = sum(state.mark == "unreadable" for state in states)
            n_labeled = sum(state.label is not None for state in states)
            if self._listed is not None:
                gone = [self._store.state(name) for name in self._gone_through]
                n_labeled = sum(state.label is not None for state in gone)
                n_skipped = len(self._put_off)
                n_left = len(states) - len(gone)
            else:
                n_left = len(states) - n_labeled - n_unreadable
            pace = self._pace.seconds
            return Progress(
                n_images=len(states),
                n_labeled=n_labeled,
                n_unreadable=n_unreadable,
                n_skipped=n_skipped,
                n_left=n_left,
                labels_per_minute=None if not pace else 60 / pace,
                seconds_left=None if pace is None else pace * n_left,
                estimate=self._estimate(),
                training=self._training_in_words(),
                n_learned=self._news.n_learned,
            )

    def _tab(self, tab: str) -> Tab:
        # A tab that was opened anew goes on where others left before the restart.
        earlier = (
            action.filename
            for action in self._store.actions
            if action.filename in self._index
            and action.number < self._n_before
            and (action.tab == tab or not self._tabs.knows(action.tab))
        )
        return self._tabs.of(tab, time.monotonic(), earlier)

    def _fill(self, tab: str, n: int) -> None:
        """Put images in a tab's hand until there are n."""
        mine = self._tab(tab)
        mine.held = {
            name: why
            for name, why in mine.held.items()
            if self._is_open(name) or (why in {"skipped", "listed"} and self._is_skipped(name))
        }
        while len(mine.held) < n:
            found = self._chosen(tab, set(mine.held))
            if found is None and n == 1:
                # Whoever looks at it in another tab may still label it first, and is told so.
                found = self._tabs.take_from_others(tab, self._is_open)
            if found is None:
                return
            filename, chosen = found
            mine.held[filename] = chosen

    def _chosen(self, tab: str, besides: set[str]) -> tuple[str, Chosen] | None:
        taken = besides | self._tabs.held_by_others(tab, time.monotonic())

        def is_free(name: str) -> bool:
            return name not in taken and self._is_open(name)

        if self._listed is not None:
            first = next(filter(is_free, self.filenames), None)
            if first is not None:
                return first, "listed"
        elif (found := self._order.choose(is_free, self._guesses)) is not None:
            return found
        # The one that was skipped longest ago comes first.
        skips = {a.filename: a.number for a in self._store.actions if a.did == "skip"}
        skipped = [name for name in self.filenames if self._is_skipped(name) and name not in taken]
        oldest = min(skipped, key=lambda name: skips.get(name, -1), default=None)
        return None if oldest is None else (oldest, "listed" if self._listed else "skipped")

    def _is_open(self, filename: str) -> bool:
        if self._listed is not None:
            return filename not in self._gone_through and filename not in self._put_off
        return self._store.state(filename) == State()

    def _is_skipped(self, filename: str) -> bool:
        if self._listed is not None:
            return filename in self._put_off
        return self._store.state(filename).mark == "skipped"

    def _shown(self, filename: str, tab: Tab) -> Task:
        if filename not in tab.seen:
            tab.seen.append(filename)
        state = self._store.state(filename)
        reason, suggestion = ("", None) if self._listed is None else self._listed[filename]
        return Task(
            filename=filename,
            index=self._index[filename],
            label=state.label,
            unreadable=state.mark == "unreadable",
            typed=self._typed.get(filename),
            guess=self._guesses.get(filename),
            chosen=tab.held.get(filename, "revisited"),
            reason=reason,
            suggestion=suggestion,
        )

    def _beside(self, filename: str, tab: str, step: int) -> Task | None:
        with self._lock:
            self._store.refresh()
            mine = self._tab(tab)
            # What was never shown is beyond the last one.
            place = mine.seen.index(filename) if filename in mine.seen else len(mine.seen)
            place += step
            return self._shown(mine.seen[place], mine) if 0 <= place < len(mine.seen) else None

    def _about(self, filename: str, tab: str) -> dict[str, Any]:
        """Say how an image came to be labeled, and what the model had read in it."""
        self._index[filename]
        about: dict[str, Any] = {"chosen": self._tab(tab).held.get(filename, "revisited")}
        guess = self._guesses.get(filename)
        if guess is not None:
            about |= {"guess": guess.text, "confidence": round(guess.confidence, 4)}
        return about

    def _done_with(self, filename: str) -> None:
        self._tabs.release(filename)
        self._typed.pop(filename, None)
        self._put_off.discard(filename)
        self._gone_through.add(filename)

    def _undoable(self, tab: str) -> Iterator[Action]:
        """Give what a tab did, the last first; then what was done before the restart."""
        actions = [a for a in reversed(self._store.actions) if a.filename in self._index]
        yield from (a for a in actions if a.tab == tab)
        yield from (a for a in actions if a.number < self._n_before and not self._tabs.knows(a.tab))

    def _labels(self) -> dict[str, str]:
        labels = self._store.labels
        return {name: labels[name] for name in self.filenames if name in labels}

    def _learn_if_due(self) -> None:
        if self._training is None or self._lesson is not None or self._closed:
            return
        labels = self._labels()
        pool = [name for name in self._order.filenames if self._store.state(name) == State()]
        least = max(_FEWEST_NEW, self._growth * self._n_tried) if pool else 1
        if len(labels) < FEWEST_LABELS or len(labels) < self._n_tried + least:
            return
        self._n_tried = len(labels)
        size = int(_POOL + _POOL_PER_LABEL * len(labels))
        beyond = _BEYOND + int(_BEYOND_PER_LABEL * len(labels))
        sample = random_sample(self._order.filenames, self._store.state, beyond=beyond)
        self._lesson = Lesson(labels, sample, pool[:size])
        self._training.begin(self._lesson)

    def _hear(self, news: News) -> None:
        """Take news of the training."""
        with self._lock:
            if self._closed:
                return
            self._news = news if not news.problem else replace(self._news, problem=news.problem)
            self._guesses |= news.guesses or {}
            if news.held_out is not None and self._lesson is not None:
                self._held_out = news.held_out
                self._learned_from = self._lesson.labels
            if news.done:
                self._lesson = None
                self._learn_if_due()

    def _estimate(self) -> Estimate | None:
        if not self._held_out:
            return None
        sample = random_sample(self._order.filenames, self._store.state)
        # Guesses from before the last lesson are those of models that knew less.
        newer = {k: v for k, v in self._store.guesses.items() if k not in self._learned_from}
        readings = {**newer, **self._held_out}
        return estimate_accuracy(sample, self._store.labels, readings)

    def _training_in_words(self) -> str:
        if self._training is None:
            return "no training"
        if self._lesson is not None:
            n = len(self._lesson.labels)
            if self._news.n_learned == n:
                return f"fitted to {n} labels; looking for a better one"
            return f"learning from {n} labels"
        if self._news.problem:
            return f"could not be fitted to {self._n_tried} labels: {self._news.problem}"
        if self._news.name:
            return f"fitted to {self._news.n_learned} labels ({self._news.name})"
        return f"starts at {FEWEST_LABELS} labels"


def _listed(
    folder: Path,
    only: Sequence[tuple[str, str] | tuple[str, str, str | None]],
    images: Sequence[str],
) -> dict[str, tuple[str, str | None]]:
    """Give reason and suggestion of the images that are listed."""
    listed: dict[str, tuple[str, str | None]] = {}
    for filename, reason, *suggestion in only:
        listed[filename] = reason, suggestion[0] if suggestion else None
    missing = sorted(set(listed) - set(images))
    if missing:
        raise DatasetError(
            f"{folder}: holds no image {missing[0]} ({len(missing)} of those listed are missing); "
            "list its images by their names"
        )
    if not listed:
        raise DatasetError(f"{folder}: no images are listed; there is nothing to label")
    return listed
