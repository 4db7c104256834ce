"""What a fit keeps of its search beside the model, until that is written."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from skcaptcha.cli._console import say
from skcaptcha.exceptions import JournalError, SkcaptchaError


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

    Raises
    ------
    JournalError
        If one of the files is something else.
    """
    if model.exists() and not model.is_file():
        return [None, None]
    first, second = (model.parent / f"{model.name}{suffix}" for suffix in (".search", ".search-2"))
    from skcaptcha.model_selection._journal import is_journal

    for journal in (first, second):
        if journal.exists() and not is_journal(journal):
            raise JournalError(
                f"{journal}: is no journal of a search, and a fit would keep its own there; rename "
                "it, or name another model"
            )
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
