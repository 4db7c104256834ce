"""What a fit keeps of its search beside the model, until that is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from skcaptcha.cli._console import say
from skcaptcha.errors import JournalError, SkcaptchaError


def journals_of(model: Path, *, resume: bool) -> list[Path | None]:
    """Give the files that keep the searches for a model, in the order in which these are made.

    Parameters
    ----------
    model : Path
    resume : bool
        Go on with the files that are there; else they are removed.

    Returns
    -------
    journals : list of (Path or None)
        Two: images that no candidate can use are found by a first search, and left out of a second.
        None if the model goes to a pipe or a device, beside which nothing is kept.
    """
    if model.exists() and not model.is_file():
        return [None, None]
    first, second = (model.parent / f"{model.stem}{suffix}" for suffix in (".search", ".search-2"))
    if not resume:
        forget([first, second])
    elif not first.exists():
        say(f"{first}: no such file, so that there is nothing to resume")
    return [first, second]


@contextmanager
def kept(journals: Sequence[Path | None]) -> Iterator[None]:
    """Keep the files whatever happens, unless it would happen again.

    Parameters
    ----------
    journals : sequence of (Path or None)
    """
    try:
        yield
    except JournalError:
        raise
    except SkcaptchaError:
        forget(journals)
        raise


def forget(journals: Sequence[Path | None]) -> None:
    """Remove the files, which nobody needs when the model is written.

    Parameters
    ----------
    journals : sequence of (Path or None)
    """
    for journal in journals:
        if journal is not None:
            journal.unlink(missing_ok=True)
