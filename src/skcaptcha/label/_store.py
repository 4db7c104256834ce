"""What is known of the images of a folder that is being labeled, on disk and in memory alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from skcaptcha.exceptions import ConflictError, DatasetError
from skcaptcha.label._log import ActionLog
from skcaptcha.label._table import LabelTable, check_label

Mark = Literal["unreadable", "skipped"]


@dataclass(frozen=True)
class State:
    """What an image is.

    Attributes
    ----------
    label : str or None
    mark : {"unreadable", "skipped"} or None
        Only of an image without a label.
    """

    label: str | None = None
    mark: Mark | None = None

    @property
    def decided(self) -> bool:
        """Whether nobody need look at it any more."""
        return self.label is not None or self.mark == "unreadable"


@dataclass(frozen=True)
class Action:
    """Something that was done to an image, and can be undone.

    Attributes
    ----------
    number : int
        Which record of the log it is, from 0.
    did : {"label", "unreadable", "skip"}
    filename, tab : str
    before, after : State
    row : mapping of str to str
        What the image's row in labels.csv held, if the action took it out.
    """

    number: int
    did: str
    filename: str
    tab: str
    before: State
    after: State
    row: Mapping[str, str]

    def is_skip_of(self, filename: str, tab: str) -> bool:
        """Whether a tab skipped an image."""
        return (self.did, self.filename, self.tab) == ("skip", filename, tab)


class LabelStore:
    r"""Labels and marks of the images of a folder, each on disk before the call returns.

    Labels are in labels.csv, as `load_captchas` reads it. What has no place there is in
    labeling.jsonl: which images are unreadable or were skipped, what can be undone, how each image
    was chosen and what the model had guessed.

    Parameters
    ----------
    folder : Path
    name_labels : bool, default=False
        See `LabelTable`.

    Attributes
    ----------
    actions : list of Action
        Those that were not undone, the last one last.
    guesses : dict of str to (str or None)
        What a model had read in an image before it was labeled for the first time; None: nothing.

    Raises
    ------
    DatasetError
        If the folder is being labeled by another process, or its files cannot be used.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha.label._store import LabelStore
    >>> with TemporaryDirectory() as folder:
    ...     store = LabelStore(Path(folder))
    ...     store.label("1.png", "5UFQ", tab="a")
    ...     store.mark_unreadable("2.png", tab="a")
    ...     store.close()
    ...     store = LabelStore(Path(folder))
    ...     print(store.state("1.png"), store.state("2.png"), sep="\n")
    ...     store.undo(store.actions[-1])
    ...     print(store.state("2.png"))
    ...     store.close()
    State(label='5UFQ', mark=None)
    State(label=None, mark='unreadable')
    State(label=None, mark=None)
    """

    def __init__(self, folder: Path, *, name_labels: bool = False) -> None:
        # Whoever waits for the folder must not read the labels before it is free.
        self._log = ActionLog(folder)
        try:
            self._table = LabelTable(folder, name_labels=name_labels)
        except BaseException:
            self._log.close()
            raise
        self.actions: list[Action] = []
        self.guesses: dict[str, str | None] = {}
        self._marks: dict[str, Mark] = {}
        try:
            for number, record in enumerate(self._log.records):
                try:
                    self._replay(number, record)
                except (KeyError, TypeError, StopIteration) as error:
                    raise DatasetError(
                        f"{self._log.path}: line {number + 1} is no record of labeling; move the "
                        "file away (the labels are in labels.csv)"
                    ) from error
        except BaseException:
            self._log.close()
            raise

    @property
    def n_records(self) -> int:
        """How many records the log has: actions from now on have this number or a higher one."""
        return len(self._log.records)

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels by file name, as last read or written."""
        return self._table.labels

    def refresh(self) -> None:
        """Take over what others have written to labels.csv.

        Raises
        ------
        DatasetError
            If it cannot be read.
        """
        self._table.refresh()

    def state(self, filename: str) -> State:
        """Say what an image is.

        Parameters
        ----------
        filename : str

        Returns
        -------
        state : State
        """
        label = self.labels.get(filename)
        return State(label, None if label is not None else self._marks.get(filename))

    def label(
        self,
        filename: str,
        text: str,
        *,
        tab: str,
        expected: str | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """Give an image a label.

        Parameters
        ----------
        filename, text, tab : str
        expected : str, optional
            The label that it is believed to have.
        about : mapping, optional
            What else to keep of it in the log.

        Raises
        ------
        ValueError
            If the text is no label.
        ConflictError
            If it has another label than was believed, and another than it is given.
        DatasetError, OutputError
            If a file cannot be read or written.
        """
        label = check_label(text)
        self.refresh()
        before = self.state(filename)
        if before.label not in (expected, label):
            raise ConflictError(filename, before.label)
        if before.label == label and expected != label:
            return  # done by a request whose answer was lost
        self._table.put(filename, label)
        self._append(State(label), filename, tab, before, about=about)

    def mark_unreadable(
        self,
        filename: str,
        *,
        tab: str,
        expected: str | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """Mark an image as unreadable, which takes its label, if it has one.

        Parameters
        ----------
        filename, tab : str
        expected : str, optional
            The label that it is believed to have.
        about : mapping, optional
            What else to keep of it in the log.

        Raises
        ------
        ConflictError
            If it has another label than was believed.
        DatasetError, OutputError
            If a file cannot be read or written.
        """
        self.refresh()
        before = self.state(filename)
        if before.mark == "unreadable":
            return  # nothing to add, and perhaps a request whose answer was lost
        if before.label != expected:
            raise ConflictError(filename, before.label)
        # The log comes first: until the row is gone the label counts, and no word of it is lost.
        row = self._table.row(filename)
        self._append(State(None, "unreadable"), filename, tab, before, row=row, about=about)
        self._table.remove(filename)

    def skip(self, filename: str, *, tab: str, about: Mapping[str, Any] | None = None) -> None:
        """Mark an image as skipped, if it has no label; if it has one, it stays as it is.

        Parameters
        ----------
        filename, tab : str
        about : mapping, optional
            What else to keep of it in the log.

        Raises
        ------
        DatasetError
            If a file cannot be read or written.
        """
        self.refresh()
        before = self.state(filename)
        if self.actions and self.actions[-1].is_skip_of(filename, tab):
            return  # a request whose answer was lost
        after = before if before.decided else State(None, "skipped")
        self._append(after, filename, tab, before, did="skip", about=about)

    def undo(self, action: Action) -> None:
        """Take an action back.

        Parameters
        ----------
        action : Action
            One of `actions`.

        Raises
        ------
        ConflictError
            If the image is not any more what the action made of it; the action is forgotten then.
        DatasetError, OutputError
            If a file cannot be read or written.
        """
        self.refresh()
        if self.state(action.filename) != action.after:
            self.actions.remove(action)
            raise ConflictError(action.filename, self.labels.get(action.filename))
        if action.before.label is None:
            self._table.remove(action.filename)
        elif action.before != action.after:
            self._table.put(action.filename, action.before.label, action.row)
        self._log.append({"did": "undo", "time": _now(), "undid": action.number})
        self._take_back(action)

    def close(self) -> None:
        """Let others label the folder."""
        self._log.close()

    def _append(
        self,
        after: State,
        filename: str,
        tab: str,
        before: State,
        *,
        did: str = "",
        row: Mapping[str, str] | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        record = {
            "did": did or after.mark or "label",
            "time": _now(),
            "filename": filename,
            "tab": tab,
            "before": asdict(before),
            "after": asdict(after),
            "row": row or {},
            **(about or {}),
        }
        self._log.append(record)
        self._replay(len(self._log.records) - 1, record)

    def _replay(self, number: int, record: Mapping[str, Any]) -> None:
        did = record["did"]
        if did == "undo":
            self._take_back(next(a for a in self.actions if a.number == record["undid"]))
            return
        filename = record["filename"]
        before, after = State(**record["before"]), State(**record["after"])
        self.actions.append(
            Action(number, did, filename, record["tab"], before, after, record["row"])
        )
        self._set_mark(filename, after.mark)
        if did == "label" and before.label is None:
            self.guesses.setdefault(filename, record.get("guess"))

    def _take_back(self, action: Action) -> None:
        self.actions.remove(action)
        self._set_mark(action.filename, action.before.mark)

    def _set_mark(self, filename: str, mark: Mark | None) -> None:
        if mark is None:
            self._marks.pop(filename, None)
        else:
            self._marks[filename] = mark


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
