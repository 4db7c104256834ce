"""The errors that bad input raises: each is one sentence that names the input and the remedy."""

from __future__ import annotations

from typing import TypeVar

from skcaptcha._display.printable import printable

_Error = TypeVar("_Error", bound=BaseException)


class SkcaptchaError(ValueError):
    """Base of every error that bad input can cause; the commands print it without a traceback."""


class ImageError(SkcaptchaError):
    """An image cannot be used.

    Parameters
    ----------
    source : str
        The file's path, or words for where the image came from (``"image 3"``).
    reason : str
        What was expected and what was found.

    Attributes
    ----------
    source, reason : str
        As given.

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
    """Images can be decoded, and nothing can be learned from them."""


class LabelWarning(UserWarning):
    """Some labels are unlike the others of their folder, or images are duplicates of each other."""


class FitWarning(UserWarning):
    """A model is fitted, but it may read worse than its accuracy suggests."""


class SegmentationError(SkcaptchaError):
    """A segmenter cannot cut an image as it was asked to.

    Parameters
    ----------
    reason : str
        What was expected and what was found.
    index : int, optional
        Which image of the batch it is, if it is one.

    Attributes
    ----------
    reason, index
        As given.

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
    """A reader cannot be fitted to these segments and labels."""


class RecipeError(SkcaptchaError):
    r"""A recipe (YAML file) is wrong: names the key, what was found and what is allowed.

    Parameters
    ----------
    problem : str
        One sentence. What it quotes from the recipe may hold control characters; they are escaped.

    Examples
    --------
    >>> from skcaptcha.exceptions import RecipeError
    >>> print(RecipeError("a.yaml: \x1b[31m: unknown key"))
    a.yaml: \x1b[31m: unknown key
    """

    def __init__(self, problem: str) -> None:
        super().__init__(printable(problem))


class ModelError(SkcaptchaError):
    """A model file is missing, damaged, or holds no fitted pipeline."""


class UntrustedModelError(ModelError):
    """Loading a model file would run what code is in it, and this user did not make it."""


class ModelVersionWarning(UserWarning):
    """A model was fitted with another version of scikit-learn than the one that loads it."""


class OutputError(SkcaptchaError, OSError):
    """A file cannot be written; what was there before is unchanged."""


class OverwriteError(SkcaptchaError):
    """An output would replace an input, another output, or a file that was written by hand."""


class JournalError(SkcaptchaError):
    """The file that a search is kept in cannot be used: names it and what to do."""


class ConflictError(SkcaptchaError):
    """Somebody else labeled an image meanwhile: another tab, or an editor of labels.csv.

    Parameters
    ----------
    filename : str
        The image.
    theirs : str or None
        Its label now; None: it has none.

    Attributes
    ----------
    filename, theirs
        As given.

    Examples
    --------
    >>> from skcaptcha.exceptions import ConflictError
    >>> print(ConflictError("7.png", "5UFQ"))
    7.png: was labeled 5UFQ elsewhere meanwhile; look at it again
    """

    def __init__(self, filename: str, theirs: str | None) -> None:
        super().__init__(filename, theirs)
        self.filename = filename
        self.theirs = theirs

    def __str__(self) -> str:
        done = "lost its label" if self.theirs is None else f"was labeled {self.theirs}"
        return f"{self.filename}: {done} elsewhere meanwhile; look at it again"


def release_frames(error: _Error) -> _Error:
    """Let go of the images that the tracebacks of an error and of its causes lead to.

    Parameters
    ----------
    error : exception
        Caught; changed.

    Returns
    -------
    error : exception
        The same, without traceback and context; its causes, too.

    Examples
    --------
    >>> from skcaptcha.exceptions import release_frames
    >>> try:
    ...     int("no number")
    ... except ValueError as caught:
    ...     error = release_frames(caught)
    >>> print(error, error.__traceback__)
    invalid literal for int() with base 10: 'no number' None
    """
    one: BaseException | None = error
    while one is not None:
        one.__context__ = one.__traceback__ = None
        one = one.__cause__
    return error


def reason_of(error: SkcaptchaError) -> str:
    """Return the reason of an error of one image, to be shown after the name of the image.

    Parameters
    ----------
    error : SkcaptchaError

    Returns
    -------
    reason : str

    Examples
    --------
    >>> from skcaptcha.exceptions import ImageError, SegmentationError, reason_of
    >>> reason_of(ImageError("a.png", "it is empty"))
    'it is empty'
    >>> reason_of(SegmentationError("3 columns are too few for 4 characters", 0))
    '3 columns are too few for 4 characters'
    """
    return error.reason if isinstance(error, ImageError | SegmentationError) else str(error)
