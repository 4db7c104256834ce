"""Labels and marks of the images of a folder, on disk and in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from skcaptcha._letter_case import fold_case, usual_case
from skcaptcha.exceptions import LabelConflictError
from skcaptcha.label._action_log import ActionLog
from skcaptcha.label._label_table import LabelTable, check_label

Mark = Literal["unreadable", "skipped"]


@dataclass(frozen=True)
class State:
    """State of an image: its label, or the mark of an image without a label.

    `accepted` tells whether the label is a reading that was accepted together with others.
    """

    label: str | None = None
    mark: Mark | None = None
    accepted: bool = False

    @property
    def decided(self) -> bool:
        """Whether the image is labeled or marked as unreadable."""
        return self.label is not None or self.mark == "unreadable"


@dataclass(frozen=True)
class Change:
    """States of an image before and after an action."""

    filename: str
    before: State
    after: State


@dataclass(frozen=True)
class Action:
    """Changes of one or more images that can be undone together.

    Attributes
    ----------
    number : int
        Index of its record in the log.
    did : {"label", "unreadable", "skip", "accept"}
        Kind of action.
    tab : str
        The tab that did it.
    changes : tuple of Change
        What it changed: one image, or those of an accepted page.
    row : mapping of str to str
        Row of labels.csv that the action removed; empty otherwise.
    page : str
        Name of the accepted page; empty otherwise.
    """

    number: int
    did: str
    tab: str
    changes: tuple[Change, ...]
    row: Mapping[str, str]
    page: str

    @property
    def filenames(self) -> list[str]:
        """The images that it changed."""
        return [change.filename for change in self.changes]


class LabelStore:
    """Labels and marks of the images of a folder, each on disk before the call returns.

    Labels are in labels.csv, as `load_captchas` reads it. Everything else is in labeling.jsonl:
    which images are unreadable or were skipped, what can be undone, how each image was chosen and
    what the model had read.

    Its methods raise DatasetError or OutputError if a file cannot be read or written.

    Parameters
    ----------
    folder : Path
        Folder of the images.
    name_labels : bool, default=False
        Whether file names are labels; see `LabelTable`.
    fold_case : bool, default=False
        Whether labels are stored in the case of the others.

    Attributes
    ----------
    actions : list of Action
        Actions that were not undone, oldest first.
    guesses : dict of str to (str or None)
        For each image, what the model had read when the image was labeled for the first time; None
        if there was no model yet.

    Raises
    ------
    DatasetError
        If another process is labeling the folder, or its files cannot be used.
    """

    def __init__(self, folder: Path, *, name_labels: bool = False, fold_case: bool = False) -> None:
        self._fold_case = fold_case
        # The log is locked first: another process may still be writing the labels.
        self._log = ActionLog(folder)
        try:
            self._table = LabelTable(folder, name_labels=name_labels)
            self.actions: list[Action] = []
            self.guesses: dict[str, str | None] = {}
            self._marks: dict[str, Mark | None] = {}
            for number, record in enumerate(self._log.records):
                try:
                    self._replay(number, record)
                except (KeyError, TypeError, StopIteration) as error:
                    raise self._log.error(number + 1) from error
        except BaseException:
            self._log.close()
            raise

    @property
    def n_records(self) -> int:
        """Number of records in the log; later actions have this number or a higher one."""
        return len(self._log.records)

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels by file name, as last read or written."""
        return self._table.labels

    def folded_labels(self) -> dict[str, str]:
        """Return the labels by file name, in one case if labels are folded."""
        labels = dict(self.labels)
        if not self._fold_case:
            return labels
        return dict(zip(labels, fold_case(labels.values()), strict=True))

    def checked(self, filename: str, text: str) -> str:
        """Return the label that `label` would store.

        Raises ValueError if the text is not a valid label.
        """
        label = check_label(text)
        if not self._fold_case:
            return label
        others = (other for name, other in self.labels.items() if name != filename)
        return fold_case([label], usual_case(others))[0]

    def refresh(self) -> None:
        """Read labels.csv again if another program has changed it."""
        self._table.refresh()

    def state(self, filename: str) -> State:
        """Return the state of an image."""
        label = self.labels.get(filename)
        if label is None:
            return State(None, self._marks.get(filename))
        return State(label, accepted=filename in self._table.accepted)

    def check_sources(self) -> None:
        """Raise DatasetError if accepted readings cannot be marked in labels.csv."""
        self._table.check_sources()

    def label(
        self,
        filename: str,
        text: str,
        *,
        tab: str,
        expected: str | None = None,
        **details: Any,
    ) -> str:
        """Label an image, and return the label that is stored.

        Parameters
        ----------
        filename, text, tab : str
            The image, its new label, and the tab that labels it.
        expected : str, optional
            The label that the tab has shown.
        **details : object
            Further items of the record in the log.

        Raises
        ------
        ValueError
            If the text is not a valid label.
        LabelConflictError
            If the image has a label that is neither the expected nor the new one.
        """
        check_label(text)
        self.refresh()
        label = self.checked(filename, text)
        before = self.state(filename)
        if before.label not in (expected, label):
            raise LabelConflictError(filename, before.label)
        if before.label == label and expected != label:
            return label  # an earlier request did it, but its response was lost
        self._table.put({filename: label})
        self._append("label", filename, tab, before, State(label), **details)
        return label

    def accept(
        self,
        readings: Mapping[str, str],
        *,
        tab: str,
        page: str,
        corrections: Mapping[str, str | None],
        images: Mapping[str, Mapping[str, Any]],
        **details: Any,
    ) -> None:
        """Label the images of a page at once, with readings of a model: all of them or none.

        Parameters
        ----------
        readings : mapping of str to str
            Readings that are right, by file name.
        tab, page : str
            The tab, and any name of the page; a page is accepted once.
        corrections : mapping of str to (str or None)
            Labels that were typed because the reading is wrong; images with None are skipped.
        images : mapping of str to mapping
            Further items of the log for each image.
        **details : object
            Further items of the record in the log.

        Raises
        ------
        ValueError
            If a text is not a valid label.
        LabelConflictError
            If an image was labeled or marked as unreadable in the meantime.
        """
        if any(a.did == "accept" and a.page == page for a in self.actions):
            return  # an earlier request did it, but its response was lost
        self.refresh()
        texts = {**readings, **corrections}
        labels = {name: self.checked(name, text) for name, text in texts.items() if text}
        accepted = readings.keys() - corrections.keys()
        after = dict.fromkeys(texts, State(None, "skipped"))
        after |= {name: State(labels[name], accepted=name in accepted) for name in labels}
        # A process that was killed has written the labels, but not the log.
        logged = {name for action in self.actions for name in action.filenames}
        is_written = logged.isdisjoint(labels) and all(self.state(n) == after[n] for n in labels)
        records: list[dict[str, Any]] = []
        for name in texts:
            before = State() if is_written and name in labels else self.state(name)
            if before.decided:
                raise LabelConflictError(name, before.label)
            change = {"filename": name, "before": asdict(before), "after": asdict(after[name])}
            records.append(change | dict(images[name]))
        if labels:
            self._table.put(labels, accepted=accepted)
        page_record = {"did": "accept", "time": _now(), "tab": tab, "page": page, "row": {}}
        self._record({**page_record, "images": records, **details})

    def mark_unreadable(
        self, filename: str, *, tab: str, expected: str | None = None, **details: Any
    ) -> None:
        """Mark an image as unreadable and remove its label.

        Raises LabelConflictError if it has another label than the expected one.
        """
        self.refresh()
        before = self.state(filename)
        if before.mark == "unreadable":
            return  # perhaps an earlier request did it, but its response was lost
        if before.label != expected:
            raise LabelConflictError(filename, before.label)
        # The log is written first, so that a crash in between does not lose the label.
        row, after = self._table.row(filename), State(None, "unreadable")
        self._append("unreadable", filename, tab, before, after, row=row, **details)
        self._table.remove({filename})

    def skip(self, filename: str, *, tab: str, **details: Any) -> None:
        """Mark an image as skipped; an image with a label keeps it."""
        self.refresh()
        before = self.state(filename)
        if self.actions:
            last = self.actions[-1]
            if (last.did, last.filenames, last.tab) == ("skip", [filename], tab):
                return  # an earlier request did it, but its response was lost
        after = before if before.decided else State(None, "skipped")
        self._append("skip", filename, tab, before, after, **details)

    def undo(self, action: Action) -> None:
        """Undo one of `actions`; images that were changed since then stay as they are.

        Raises LabelConflictError if all of them were; the action is forgotten then.
        """
        self.refresh()
        changes = [c for c in action.changes if self.state(c.filename) == c.after]
        if not changes:
            self.actions.remove(action)
            filename = action.changes[0].filename
            raise LabelConflictError(filename, self.labels.get(filename))
        self._table.remove({c.filename for c in changes if c.before.label is None})
        for change in changes:
            before = change.before
            if before.label is not None and before != change.after:
                accepted = {change.filename} if before.accepted else ()
                labels = {change.filename: before.label}
                self._table.put(labels, accepted=accepted, row=action.row)
        self._log.append({"did": "undo", "time": _now(), "undid": action.number})
        self._revert(action)

    def close(self) -> None:
        """Let other processes label the folder."""
        self._log.close()

    def _append(
        self, did: str, filename: str, tab: str, before: State, after: State, **details: Any
    ) -> None:
        record = {
            "did": did,
            "time": _now(),
            "filename": filename,
            "tab": tab,
            "before": asdict(before),
            "after": asdict(after),
            "row": {},
            **details,
        }
        self._record(record)

    def _record(self, record: Mapping[str, Any]) -> None:
        self._log.append(record)
        self._replay(len(self._log.records) - 1, record)

    def _replay(self, number: int, record: Mapping[str, Any]) -> None:
        did = record["did"]
        if did == "undo":
            self._revert(next(a for a in self.actions if a.number == record["undid"]))
            return
        changes = []
        for item in record["images"] if did == "accept" else [record]:
            change = Change(item["filename"], State(**item["before"]), State(**item["after"]))
            changes.append(change)
            self._marks[change.filename] = change.after.mark
            if change.before.label is None and change.after.label is not None:
                self.guesses.setdefault(change.filename, item.get("guess"))
        if not changes:
            raise KeyError("images")
        page = record["page"] if did == "accept" else ""
        self.actions.append(Action(number, did, record["tab"], tuple(changes), record["row"], page))

    def _revert(self, action: Action) -> None:
        self.actions.remove(action)
        for change in action.changes:
            # Another tab may have marked one image of a page since then.
            if self._marks.get(change.filename) == change.after.mark:
                self._marks[change.filename] = change.before.mark


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
