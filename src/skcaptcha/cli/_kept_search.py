"""What a fit keeps of its search beside the model, until that is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skcaptcha.cli._console import say


def journals_of(model: Path, *, resume: bool) -> list[Path]:
    """Give the files that keep the searches for a model, in the order in which these are made.

    Parameters
    ----------
    model : Path
    resume : bool
        Go on with the files that are there; else they are removed.

    Returns
    -------
    journals : list of Path
        Two: images that no candidate can use are found by a first search, and left out of a second.
    """
    journals = [model.parent / f"{model.stem}{suffix}" for suffix in (".search", ".search-2")]
    if not resume:
        forget(journals)
    elif not journals[0].exists():
        say(f"{journals[0]}: no such file, so that there is nothing to resume")
    return journals


def forget(journals: list[Path]) -> None:
    """Remove the files, which nobody needs when the model is written.

    Parameters
    ----------
    journals : list of Path
    """
    for journal in journals:
        journal.unlink(missing_ok=True)


@contextmanager
def resumable() -> Iterator[None]:
    """Say after Ctrl-C how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt("interrupted; the same command with --resume goes on") from None
