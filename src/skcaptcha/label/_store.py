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
    """State of an image: its label, or the mark of an image without a label."""

    label: str | None = None
    mark: Mark | None = None

    @property
    def decided(self) -> bool:
        """Whether the image is labeled or marked as unreadable."""
        return self.label is not None or self.mark == "unreadable"


@dataclass(frozen=True)
class Action:
    """A change of an image that can be undone.

    Attributes
    ----------
    number : int
        Index of its record in the log.
    did : {"label", "unreadable", "skip"}
        Kind of action.
    filename, tab : str
        The image, and the tab that changed it.
    before, after : State
        State of the image before and after the action.
    row : mapping of str to str
        Row of labels.csv that the action removed; empty otherwise.
    """

    number: int
    did: str
    filename: str
    tab: str
    before: State
    after: State
    row: Mapping[str, str]


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
        return State(label, None if label is not None else self._marks.get(filename))

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
        self._table.put(filename, label)
        self._append("label", filename, tab, before, State(label), **details)
        return label

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
        self._table.remove(filename)

    def skip(self, filename: str, *, tab: str, **details: Any) -> None:
        """Mark an image as skipped; an image with a label keeps it."""
        self.refresh()
        before = self.state(filename)
        if self.actions:
            last = self.actions[-1]
            if (last.did, last.filename, last.tab) == ("skip", filename, tab):
                return  # an earlier request did it, but its response was lost
        after = before if before.decided else State(None, "skipped")
        self._append("skip", filename, tab, before, after, **details)

    def undo(self, action: Action) -> None:
        """Undo one of `actions`.

        Raises LabelConflictError if the image was changed since then; the action is forgotten then.
        """
        self.refresh()
        if self.state(action.filename) != action.after:
            self.actions.remove(action)
            raise LabelConflictError(action.filename, self.labels.get(action.filename))
        if action.before.label is None:
            self._table.remove(action.filename)
        elif action.before != action.after:
            self._table.put(action.filename, action.before.label, action.row)
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
        self._log.append(record)
        self._replay(len(self._log.records) - 1, record)

    def _replay(self, number: int, record: Mapping[str, Any]) -> None:
        did = record["did"]
        if did == "undo":
            self._revert(next(a for a in self.actions if a.number == record["undid"]))
            return
        filename = record["filename"]
        before, after = State(**record["before"]), State(**record["after"])
        self.actions.append(
            Action(number, did, filename, record["tab"], before, after, record["row"])
        )
        self._marks[filename] = after.mark
        if did == "label" and before.label is None:
            self.guesses.setdefault(filename, record.get("guess"))

    def _revert(self, action: Action) -> None:
        self.actions.remove(action)
        self._marks[action.filename] = action.before.mark


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
