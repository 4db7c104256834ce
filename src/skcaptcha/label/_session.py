"""A labeling session: which image comes next, and what each action does."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Self
from uuid import uuid4

from skcaptcha.datasets import load_captchas
from skcaptcha.datasets._unusual_labels import describe_unusual_label, describe_unusual_labels
from skcaptcha.label._pace import Pace
from skcaptcha.label._queue import ImageQueue, ListedQueue, listed_images
from skcaptcha.label._selection import shuffled
from skcaptcha.label._store import Action, LabelStore
from skcaptcha.label._tabs import Tab, Tabs
from skcaptcha.label._task import Acceptance, Grid, Guess, Progress, Task
from skcaptcha.label.training import Learner, TrainingScheduler
from skcaptcha.recipes import Recipe

_IMAGES_ON_PAGE = 20


class LabelingSession:
    """Label the images of a folder while a model learns from the labels and suggests others.

    The labeling page shows a session. All methods can be called from Python, in any thread.

    Every label is in the folder's labels.csv before `label` returns, as `load_captchas` reads it:
    you can fit a model to the folder at any moment, and nothing is lost if the process is killed.
    All other actions are kept in labeling.jsonl.

    The first images are drawn at random. From 20 labels on, a recipe is chosen and fitted to the
    labels, repeatedly as labels are added. The next images are then drawn from the half with the
    lower confidences, except for a fraction that is still drawn from all images. Once a model
    reads 95 % of the random sample, all images are drawn at random again. From about 100 labels on,
    readings that are probably right in 99.5 % of images can be accepted a page at a time (`grid`).

    Parameters
    ----------
    folder : path-like
        Folder of images. Its file of labels is used; file names are labels only with
        `only`.
    only : sequence of tuples, optional
        Images to go through in this order, with or without labels: tuples of the file name, the
        reason, and optionally a suggested label. No model is trained then.
    train : bool or "here", default=True
        Whether to train models, in a process that ends with the session. ``"here"`` trains in the
        call that adds the label, which then takes longer.
    fold_case : bool, default=False
        Whether upper and lower case are the same. Each label is then stored in the case that most
        letters of the other labels have. Labels that the folder has already are not changed.
    recipe : Recipe, optional
        Recipe to fit. By default, one is chosen, and chosen again when the number of labels has
        doubled.
    explore : float in [0, 1], default=0.2
        Fraction of images drawn at random when a model can choose uncertain ones.
    growth : float, default=0.15
        A model is fitted again when the number of labels has grown by this fraction, and by at
        least five.
    lease : float, default=120
        Seconds without a request after which an image that a tab holds can go to another tab.
    random_state : int, default=0
        Seed of the random order.

    Attributes
    ----------
    folder : Path
        Folder of images.
    filenames : tuple of str
        Names of the images in natural order, or in the order of `only`.

    Raises
    ------
    DatasetError
        If the folder, its labels, or `only` cannot be used, or another process is labeling the
        folder.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
    >>> from skcaptcha.label import LabelingSession
    >>> images, labels = make_line_captchas(3, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     write_captchas(folder, images, labels)
    ...     with LabelingSession(folder, only=[("00002.png", "is it read correctly?")]) as session:
    ...         task = session.next("a tab")
    ...         stored = session.label(task.filename, "5UFQ", tab="a tab", expected=task.label)
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
        fold_case: bool = False,
        recipe: Recipe | None = None,
        explore: float = 0.2,
        growth: float = 0.15,
        lease: float = 120.0,
        random_state: int = 0,
    ) -> None:
        self.folder = Path(folder)
        images = load_captchas(self.folder, labeled=False).filenames
        self._images = frozenset(images)
        self._listed = {} if only is None else listed_images(self.folder, only, images)
        self.filenames: tuple[str, ...] = tuple(images if only is None else self._listed)
        self._index = {name: k for k, name in enumerate(self.filenames)}
        order = shuffled(images, random_state)
        self._lock = threading.RLock()
        self._store = LabelStore(self.folder, name_labels=only is not None, fold_case=fold_case)
        self._n_before = self._store.n_records
        self._queue = (
            ImageQueue(self._store, order, explore)
            if only is None
            else ListedQueue(self._store, self.filenames)
        )
        self._tabs = Tabs(lease)
        self._pace = Pace()
        self._typed: dict[str, str] = {}
        self._closed = False
        self._training: TrainingScheduler | None = None
        if train and only is None:
            self._training = TrainingScheduler(
                self._store,
                order,
                growth,
                self._lock,
                learner=Learner(self.folder, recipe),
                inline=train == "here",
            )
            with self._lock:
                self._training.start_if_due()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop training, and let other processes label the folder."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        if self._training is not None:
            self._training.close()
        self._store.close()

    def path(self, filename: str) -> Path:
        """Return the path of an image.

        Parameters
        ----------
        filename : str
            Name of the image.

        Returns
        -------
        path : Path
            Path of the image.

        Raises
        ------
        KeyError
            If it is not one of `filenames`.
        """
        return self.folder / self.filenames[self._index[filename]]

    def next(self, tab: str) -> Task | None:
        """Return the image to label next: the same one until the tab is done with it.

        Parameters
        ----------
        tab : str
            Any name. No other tab gets the same image.

        Returns
        -------
        task : Task or None
            None if no images are left.
        """
        with self._lock:
            self._store.refresh()
            self._tab(tab).grid = {}
            mine = self._reserve(tab, 1)
            return self._show(next(iter(mine.held)), mine) if mine.held else None

    def peek(self, tab: str) -> str | None:
        """Return the image after the current one, so that it can be loaded in advance.

        Parameters
        ----------
        tab : str
            Name of the tab. No other tab gets the same image.

        Returns
        -------
        filename : str or None
            None if no other image is left.
        """
        with self._lock:
            held = [*self._reserve(tab, 2).held]
            return held[1] if len(held) > 1 else None

    def task(self, filename: str, tab: str) -> Task:
        """Return any image, to look at it or to correct its label.

        Parameters
        ----------
        filename, tab : str
            Names of the image and of the tab.

        Returns
        -------
        task : Task
            The image.

        Raises
        ------
        KeyError
            If it is not one of `filenames`.
        """
        with self._lock:
            self._index[filename]
            self._store.refresh()
            return self._show(filename, self._tab(tab))

    def previous(self, filename: str, tab: str) -> Task | None:
        """Return the image that a tab showed before another one.

        Parameters
        ----------
        filename, tab : str
            Names of the other image and of the tab.

        Returns
        -------
        task : Task or None
            None if the other image was the first.
        """
        return self._neighbor(filename, tab, -1)

    def following(self, filename: str, tab: str) -> Task | None:
        """Return the image that a tab showed after another one.

        Parameters
        ----------
        filename, tab : str
            Names of the other image and of the tab.

        Returns
        -------
        task : Task or None
            None if the other image was the last; `next` returns a new one.
        """
        return self._neighbor(filename, tab, 1)

    def label(
        self,
        filename: str,
        text: str,
        *,
        tab: str,
        expected: str | None = None,
        keystrokes: int | None = None,
        seconds: float | None = None,
    ) -> str:
        """Label an image. When this returns, the label is on disk.

        Parameters
        ----------
        filename, text, tab : str
            Name of the image, its label, and name of the tab. Surrounding spaces of the label are
            removed.
        expected : str, optional
            The label that the tab has shown for the image.
        keystrokes, seconds : int, float, optional
            Effort, for the log.

        Returns
        -------
        label : str
            The label on disk.

        Raises
        ------
        KeyError
            If it is not one of `filenames`.
        ValueError
            If the text is empty or contains invisible characters.
        LabelConflictError
            If the image got another label in the meantime. The same label is not a conflict.
        DatasetError, OutputError
            If a file cannot be read or written. The image is not labeled then.
        """
        effort = {"keystrokes": keystrokes, "seconds": seconds}
        with self._lock:
            details = self._details(filename, tab)
            details |= {key: value for key, value in effort.items() if value is not None}
            label = self._store.label(filename, text, tab=tab, expected=expected, **details)
            self._pace.step(time.monotonic())
            self._finish(filename, "done")
            if self._training is not None:
                self._training.start_if_due()
            return label

    def grid(self, tab: str) -> Grid | None:
        """Return images whose readings can be accepted together.

        The readings of labeled images, by models that were not trained on them, show from which
        confidence on 99.5 % are right. Images with such confidences are taken from the end of the
        random order. The images at its start remain a random sample, and `Progress.estimate` stays
        right.

        Parameters
        ----------
        tab : str
            Name of the tab. No other tab gets the same images, until `next` is called.

        Returns
        -------
        grid : Grid or None
            Up to 20 images. None if there are none, or too few labels to know.

        Raises
        ------
        DatasetError
            If accepted readings cannot be marked in labels.csv.
        """
        with self._lock:
            self._store.refresh()
            self._store.check_sources()
            mine = self._tab(tab)
            mine.grid = {}
            if self._training is None:
                return None
            taken = self._tabs.held_by_others(tab, time.monotonic()) | mine.held.keys()
            sure = dict(islice(self._training.sure(taken).items(), _IMAGES_ON_PAGE))
            acceptance = self._training.acceptance()
            return self._grid(sure, mine, acceptance) if sure else None

    def accept(
        self,
        readings: Mapping[str, str],
        *,
        tab: str,
        page: str,
        corrections: Mapping[str, str | None] | None = None,
        keystrokes: int | None = None,
        seconds: float | None = None,
    ) -> None:
        """Accept the readings of a page. When this returns, all of them are on disk.

        The column ``source`` of labels.csv is then ``accepted`` for them, and ``typed`` for all
        other labels. Models are not trained on accepted readings.

        Parameters
        ----------
        readings : mapping of str to str
            Readings by file name, as `grid` has returned them.
        tab, page : str
            Names of the tab and of the page. To accept a page again changes nothing.
        corrections : mapping of str to (str or None), optional
            Labels that were typed because the readings are wrong. Images with None get no label;
            they are shown again when no other images are left.
        keystrokes, seconds : int, float, optional
            Effort, for the log.

        Raises
        ------
        KeyError
            If an image is not one of `filenames`.
        ValueError
            If a text is empty or contains invisible characters, or there is no image.
        LabelConflictError
            If an image was labeled or marked as unreadable in the meantime. No image is labeled
            then, and none if a file cannot be written.
        DatasetError, OutputError
            If a file cannot be read or written.
        """
        corrections = corrections or {}
        effort = {"keystrokes": keystrokes, "seconds": seconds}
        names = list({**readings, **corrections})
        if not names:
            raise ValueError("the page has no images; pass their readings")
        with self._lock:
            mine = self._tab(tab)
            self._store.accept(
                readings,
                tab=tab,
                page=page,
                corrections=corrections,
                images={name: self._guessed(name, mine.grid.get(name)) for name in names},
                **{key: value for key, value in effort.items() if value is not None},
            )
            self._pace.step(time.monotonic(), len(names))
            mine.grid = {}
            for name in names:
                self._finish(name, "done")
            # The images that this tab still holds are shown after those of the page.
            mine.seen = [name for name in mine.seen if name not in {*names, *mine.held}] + names
            if self._training is not None:
                self._training.start_if_due()

    def doubt(self, filename: str, text: str) -> str | None:
        """Explain why a label is probably mistyped.

        From 20 other labels on, it is if it differs from nearly all others in length, case, or
        alphabet, or if no other label has its length.

        Parameters
        ----------
        filename, text : str
            Name of the image and its label.

        Returns
        -------
        sentence : str or None
            None if the label is not unusual, or if the image already has it.

        Raises
        ------
        ValueError
            If the text is empty or contains invisible characters.
        """
        with self._lock:
            label = self._store.checked(filename, text)
            labels = self._store.folded_labels()
            if self._store.labels.get(filename) == label:
                return None
            return describe_unusual_label(
                label, [other for name, other in labels.items() if name != filename]
            )

    def describe_unusual_labels(self) -> list[str]:
        """List the labels on disk that differ from the others and are probably mistyped.

        Returns
        -------
        sentences : list of str
            One sentence for each kind of difference.
        """
        with self._lock:
            return describe_unusual_labels(list(self._store.folded_labels().values()))

    def skip(self, filename: str, *, tab: str) -> None:
        """Postpone an image until no other images are left.

        Parameters
        ----------
        filename, tab : str
            Names of the image and of the tab.

        Raises
        ------
        KeyError
            If it is not one of `filenames`.
        DatasetError
            If a file cannot be read or written.
        """
        with self._lock:
            self._store.skip(filename, tab=tab, **self._details(filename, tab))
            self._finish(filename, "skipped")

    def mark_unreadable(self, filename: str, *, tab: str, expected: str | None = None) -> None:
        """Mark an image that people cannot read: it gets no label and is not shown again.

        Parameters
        ----------
        filename, tab : str
            Names of the image and of the tab.
        expected : str, optional
            The label that the tab has shown for the image; it is removed.

        Raises
        ------
        KeyError
            If it is not one of `filenames`.
        LabelConflictError
            If the image got another label in the meantime.
        DatasetError, OutputError
            If a file cannot be read or written.
        """
        with self._lock:
            details = self._details(filename, tab)
            self._store.mark_unreadable(filename, tab=tab, expected=expected, **details)
            self._finish(filename, "done")

    def undo(self, tab: str) -> Task | Grid | None:
        """Undo the last action of a tab, also from before a restart; a page is one action.

        Parameters
        ----------
        tab : str
            Name of the tab.

        Returns
        -------
        undone : Task, Grid or None
            The image, or the images of the page, with the labels that were undone. None if there is
            no action to undo.

        Raises
        ------
        LabelConflictError
            If the image got another label in the meantime.
        DatasetError, OutputError
            If a file cannot be read or written.
        """
        with self._lock:
            mine = self._tab(tab)
            own = [a for a in self._store.actions if a.tab == tab and self._has(a)]
            undoable = own or [*self._earlier_actions()]
            if not undoable:
                return None
            action = undoable[-1]
            self._store.undo(action)
            for change in action.changes:
                self._queue.record(change.filename, "open")
                if change.after.label is not None:
                    self._typed[change.filename] = change.after.label
            mine.grid = {}
            names = [name for name in action.filenames if name in self._index]
            if action.did == "accept" and self._guesses.keys() >= set(names):
                opened = [name for name in names if self._queue.is_open(name)]
                for name in opened:
                    self._tabs.release(name)
                return self._grid({name: self._guesses[name] for name in opened}, mine, None)
            filename = names[0]
            if self._queue.is_open(filename):
                self._tabs.release(filename)
                mine.held = {filename: "revisited", **mine.held}
            return self._show(filename, mine)

    def progress(self) -> Progress:
        """Return the numbers of images, the pace, and the state of the training.

        Returns
        -------
        progress : Progress
            Progress of the session.
        """
        with self._lock:
            left = {name for name in self.filenames if self._queue.is_left(name)}
            done = [self._store.state(name) for name in self.filenames if name not in left]
            pace = self._pace.seconds
            training = self._training
            return Progress(
                n_images=len(self.filenames),
                n_labeled=sum(state.label is not None for state in done),
                n_accepted=sum(state.accepted for state in done),
                n_unreadable=sum(state.mark == "unreadable" for state in done),
                n_skipped=sum(map(self._queue.is_skipped, left)),
                n_left=len(left),
                labels_per_minute=None if not pace else 60 / pace,
                seconds_left=None if pace is None else pace * len(left),
                estimate=training.estimate() if training else None,
                acceptance=training.acceptance() if training else None,
                n_acceptable=len(training.sure()) if training else 0,
                training=training.status() if training else "no training",
                n_learned=training.n_learned if training else 0,
            )

    @property
    def _guesses(self) -> Mapping[str, Guess]:
        return {} if self._training is None else self._training.guesses

    def _tab(self, tab: str) -> Tab:
        # After a restart, a new tab continues where tabs that are gone stopped.
        earlier = (
            name
            for action in self._earlier_actions()
            for name in action.filenames
            if name in self._index
        )
        return self._tabs.of(tab, time.monotonic(), earlier)

    def _earlier_actions(self) -> Iterator[Action]:
        """Yield the actions from before a restart of tabs that have not come back, oldest first."""
        for action in self._store.actions:
            if action.number >= self._n_before:
                break
            if action.tab not in self._tabs and self._has(action):
                yield action

    def _has(self, action: Action) -> bool:
        """Return whether all images of an action that still exist are those of the session."""
        existing = self._images.intersection(action.filenames)
        return bool(existing) and self._index.keys() >= existing

    def _reserve(self, tab: str, n: int) -> Tab:
        """Choose images for a tab until it holds n, or until none are left."""
        mine = self._tab(tab)
        mine.held = {
            name: chosen for name, chosen in mine.held.items() if self._queue.is_left(name)
        }
        while len(mine.held) < n:
            taken = self._tabs.held_by_others(tab, time.monotonic()) | mine.held.keys()
            at_random = self._training is not None and self._training.is_accurate
            found = self._queue.choose(taken, self._guesses, at_random=at_random)
            if found is None and n == 1:
                # If the other tab labels the image first, this one gets a LabelConflictError.
                found = self._tabs.take_from_others(tab, self._queue.is_open)
            if found is None:
                break
            filename, chosen = found
            mine.held[filename] = chosen
        return mine

    def _show(self, filename: str, tab: Tab) -> Task:
        if filename not in tab.seen:
            tab.seen.append(filename)
        return self._task(filename, tab)

    def _task(self, filename: str, tab: Tab) -> Task:
        state = self._store.state(filename)
        reason, suggestion = self._listed.get(filename, ("", None))
        return Task(
            filename=filename,
            index=self._index[filename],
            label=state.label,
            accepted=state.accepted,
            unreadable=state.mark == "unreadable",
            typed=self._typed.get(filename),
            guess=self._guesses.get(filename),
            chosen=tab.held.get(filename, "revisited"),
            reason=reason,
            suggestion=suggestion,
        )

    def _grid(self, guesses: Mapping[str, Guess], tab: Tab, acceptance: Acceptance | None) -> Grid:
        tab.grid = dict(guesses)
        tasks = tuple(
            replace(self._task(name, tab), chosen="sure", guess=guess)
            for name, guess in guesses.items()
        )
        return Grid(uuid4().hex, tasks, acceptance)

    def _neighbor(self, filename: str, tab: str, step: int) -> Task | None:
        with self._lock:
            self._store.refresh()
            mine = self._tab(tab)
            # An image that was never shown comes after all others.
            k = mine.seen.index(filename) if filename in mine.seen else len(mine.seen)
            k += step
            return self._show(mine.seen[k], mine) if 0 <= k < len(mine.seen) else None

    def _details(self, filename: str, tab: str) -> dict[str, Any]:
        """Return how an image was chosen and what the model reads in it, for the log."""
        self._index[filename]
        return {
            "chosen": self._tab(tab).held.get(filename, "revisited"),
            **self._guessed(filename),
        }

    def _guessed(self, filename: str, shown: Guess | None = None) -> dict[str, Any]:
        """Return what the model reads in an image, or the reading that was shown, for the log."""
        self._index[filename]
        guess = shown or self._guesses.get(filename)
        if guess is None:
            return {}
        return {"guess": guess.text, "confidence": round(guess.confidence, 4)}

    def _finish(self, filename: str, state: Literal["done", "skipped"]) -> None:
        self._queue.record(filename, state)
        self._tabs.release(filename)
        self._typed.pop(filename, None)
