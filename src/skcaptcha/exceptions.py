"""Errors and warnings about the user's input: each message names the input and the remedy."""

from __future__ import annotations

from typing import TypeVar

from skcaptcha._display.printable import printable

_Error = TypeVar("_Error", bound=BaseException)


class SkcaptchaError(ValueError):
    """Base class of all errors caused by input; the commands print them without a traceback."""


class ImageError(SkcaptchaError):
    """An image cannot be used.

    Parameters
    ----------
    source : str
        Path of the file, or a description of the image such as ``"image 3"``.
    reason : str
        Reason why it cannot be used.

    Attributes
    ----------
    source, reason : str
        The parameters.

    Examples
    --------
    >>> from skcaptcha.exceptions import ImageError
    >>> print(ImageError("a.png", "the file is empty"))
    a.png: the file is empty
    """

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(source, reason)
        self.source = source
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


class DatasetError(SkcaptchaError):
    """A folder of captchas or its labels cannot be used."""


class ImageWarning(UserWarning):
    """Images can be decoded, but a model cannot learn anything from them."""


class LabelWarning(UserWarning):
    """Some labels are unlike the others of their folder, or images are duplicates of each other."""


class FitWarning(UserWarning):
    """A model is fitted, but it may read worse than its accuracy suggests."""


class SegmentationError(SkcaptchaError):
    """A segmenter cannot segment an image with its parameters.

    Parameters
    ----------
    reason : str
        Reason why it cannot be segmented.
    index : int, optional
        Index of the image in its batch.

    Attributes
    ----------
    reason, index
        The parameters.

    Examples
    --------
    >>> from skcaptcha.exceptions import SegmentationError
    >>> print(SegmentationError("3 columns are too few for 4 characters", 17))
    image 17: 3 columns are too few for 4 characters
    """

    def __init__(self, reason: str, index: int | None = None) -> None:
        super().__init__(reason, index)
        self.reason = reason
        self.index = index

    def __str__(self) -> str:
        return self.reason if self.index is None else f"image {self.index}: {self.reason}"


class ReadingError(SkcaptchaError):
    """A reader cannot be fitted to its segments and labels, or cannot read with its parameters."""


class RecipeError(SkcaptchaError):
    r"""A recipe (YAML file) is invalid.

    Parameters
    ----------
    problem : str
        One sentence with the key, the value found and the values allowed. Control characters in
        quotations from the recipe are escaped.

    Examples
    --------
    >>> from skcaptcha.exceptions import RecipeError
    >>> print(RecipeError("a.yaml: \x1b[31m: unknown key"))
    a.yaml: \x1b[31m: unknown key
    """

    def __init__(self, problem: str) -> None:
        super().__init__(printable(problem))


class MissingExtraError(SkcaptchaError, ImportError):
    """Packages of an optional extra are not installed. The message names the extra."""


class ModelError(SkcaptchaError):
    """A model file is missing, damaged, or does not contain a fitted pipeline."""


class UntrustedModelError(ModelError):
    """A model file may contain any code, and was not saved by this user: it is not loaded."""


class ModelVersionWarning(UserWarning):
    """A model was fitted with another version of scikit-learn than the installed one."""


class WorkerError(SkcaptchaError):
    """Worker processes or a cluster cannot continue. Results until then are kept."""


class OutputError(SkcaptchaError, OSError):
    """A file cannot be written; its old content is unchanged."""


class OverwriteError(SkcaptchaError):
    """An output would replace an input, another output, or a file that was written by hand."""


class CheckpointError(SkcaptchaError):
    """The checkpoint file of a search cannot be used."""


class LabelConflictError(SkcaptchaError):
    """Another tab, or an editor of labels.csv, changed the label of an image in the meantime.

    Parameters
    ----------
    filename : str
        Name of the image.
    theirs : str or None
        Its present label, if any.

    Attributes
    ----------
    filename, theirs
        The parameters.

    Examples
    --------
    >>> from skcaptcha.exceptions import LabelConflictError
    >>> print(LabelConflictError("7.png", "5UFQ"))
    7.png: was labeled 5UFQ elsewhere in the meantime; check it again
    """

    def __init__(self, filename: str, theirs: str | None) -> None:
        super().__init__(filename, theirs)
        self.filename = filename
        self.theirs = theirs

    def __str__(self) -> str:
        done = "lost its label" if self.theirs is None else f"was labeled {self.theirs}"
        return f"{self.filename}: {done} elsewhere in the meantime; check it again"


def release_frames(error: _Error) -> _Error:
    """Remove the tracebacks of an error and its causes, which keep images in memory; return it."""
    one: BaseException | None = error
    while one is not None:
        one.__context__ = one.__traceback__ = None
        one = one.__cause__
    return error


def reason_of(error: SkcaptchaError) -> str:
    """Return the reason of an error about one image, to show after the name of the image."""
    return error.reason if isinstance(error, ImageError | SegmentationError) else str(error)
