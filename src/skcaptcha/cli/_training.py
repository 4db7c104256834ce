"""What both ways of fitting do: check where the model goes, and leave out captchas."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from skcaptcha._process.worker_processes import start_workers
from skcaptcha.cli._check_outputs import check_model_suffix
from skcaptcha.cli._console import progress, say, shows_progress
from skcaptcha.cli._options import DEFAULT_MODEL
from skcaptcha.exceptions import ModelError, SkcaptchaError, reason_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline
    from sklearn.utils import Bunch

    from skcaptcha.images import ImageDecoder
    from skcaptcha.report import Page

_Fitted = TypeVar("_Fitted")

_ATTEMPTS = 5
_MODULES = ("skcaptcha.model_selection", "skcaptcha.recipes")  # what the work of a fit imports
_LEAST_FOR_REPORT, _MOST_FOR_REPORT = 5.0, 60.0  # seconds
_MANY = 256  # images, of which decoding takes long enough to show it


def files_of(model: Path, beside: Sequence[str], format: str) -> list[Path]:  # noqa: A002
    """List the model's file and those that are written beside it.

    Parameters
    ----------
    model : Path
    beside : sequence of str
        The suffixes of the others.
    format : {"joblib", "skops"}
        What the model is written as.

    Returns
    -------
    files : list of Path

    Raises
    ------
    SkcaptchaError
        If the model has the suffix of something else.
    """
    check_model_suffix(model, format)
    return [model, *(model.parent / f"{model.stem}{suffix}" for suffix in beside)]


def default_model(format: str, path: Path = DEFAULT_MODEL) -> Path:  # noqa: A002
    """Say where a model goes if nobody says so.

    Parameters
    ----------
    format : {"joblib", "skops"}
    path : Path
        Where it goes as a file of joblib.

    Returns
    -------
    path : Path
    """
    return path.with_suffix(f".{format}") if path.suffix == DEFAULT_MODEL.suffix else path


def check_format(format: str, source: Path, *estimators: Any) -> None:  # noqa: A002
    """Find out before the work whether a model can be written in a format.

    Parameters
    ----------
    format : {"joblib", "skops"}
    source : Path
        What is to be fitted, for messages.
    *estimators : estimators, or lists and mappings with estimators in them
        What may become part of the model.

    Raises
    ------
    SkcaptchaError
        If skops is not installed, or one of them cannot be written by it.
    """
    from skcaptcha.persistence import check_before_fit

    if format == "skops":
        try:
            check_before_fit(estimators)
        except ModelError as error:
            raise SkcaptchaError(f"{source}: {error}") from error


def save_model(
    model: Pipeline,
    path: Path,
    format: str,  # noqa: A002
    **about: Any,
) -> None:
    """Save a model in a format, or, rather than lose it, in that of joblib.

    Parameters
    ----------
    model : Pipeline
        Fitted.
    path : Path
    format : {"joblib", "skops"}
    **about
        What else `skcaptcha.persistence.save` takes.

    Raises
    ------
    ModelError
        If it cannot be saved in this format; says where it is saved instead.
    """
    from skcaptcha.persistence import save

    try:
        save(model, path, format=format, **about)
    except ModelError as error:
        if format == "joblib":
            raise
        instead = path.with_suffix(".joblib")
        save(model, instead, **about)
        raise ModelError(f"{path}: {error}; it is saved as {instead} instead") from error


def save_report(files: list[Path], make: Callable[[], Page], jobs: int) -> list[Path]:
    """Write the report of a fit beside the model, which is safe already whatever happens here.

    Parameters
    ----------
    files : list of Path
        What is written, the report the last.
    make : callable
        Gives the report.
    jobs : int
        Processes for what it fits.

    Returns
    -------
    written : list of Path
        Without the report if it failed.
    """
    import joblib

    *others, file = files
    try:
        with progress("writing the report", None), joblib.parallel_config(n_jobs=jobs):
            make().save(file)
    except Exception as error:
        say(f"warning: the model is written, but not its report {file}: {error}")
        return others
    return files


def time_for_report(
    seconds: float, most: float = float("inf"), least: float = _LEAST_FOR_REPORT
) -> float:
    """Say how long models may be fitted for the report of a fit: half as long, or a minute.

    Parameters
    ----------
    seconds : float
        How long that took.
    most : float, default=inf
        What is left of the user's time.
    least : float, default=5
        That are always allowed.

    Returns
    -------
    seconds : float
    """
    return max(least, min(seconds / 2, most, _MOST_FOR_REPORT))


def drop(captchas: Bunch, bad: Mapping[int, SkcaptchaError]) -> list[dict[str, str]]:
    """Take captchas out, and name them.

    Parameters
    ----------
    captchas : Bunch
        Changed.
    bad : dict of int to SkcaptchaError
        What is wrong with them, by index.

    Returns
    -------
    failed : list of dict
        Their names and the reasons.
    """
    from skcaptcha.images import ImageBatch

    failed = say_failures(captchas, bad)
    kept = [i for i in range(len(captchas.data)) if i not in bad]
    for key, values in captchas.items():
        if isinstance(values, ImageBatch):
            captchas[key] = values.take(kept)
        else:
            captchas[key] = [values[i] for i in kept]
    return failed


def drop_unusable_images(captchas: Bunch, decoder: ImageDecoder) -> list[dict[str, str]]:
    """Leave out images that cannot be decoded or are too narrow for their label; report duplicates.

    Parameters
    ----------
    captchas : Bunch
        Changed.
    decoder : ImageDecoder
        Sets the limits.

    Returns
    -------
    failed : list of dict
        Their names and the reasons.

    Raises
    ------
    SkcaptchaError
        If nothing is left.
    """
    from skcaptcha.exceptions import ImageError
    from skcaptcha.images import ImageBatch

    n = len(captchas.data)
    with progress("decoding", n, show=n > _MANY) as advance:
        batch = ImageBatch(
            _advancing(captchas.data, advance),
            max_bytes=decoder.max_bytes,
            max_pixels=decoder.max_pixels,
        )
    captchas.data = batch
    _say_duplicates(captchas)
    bad: dict[int, SkcaptchaError] = dict(batch.errors)
    for i, (image, label) in enumerate(zip(batch, captchas.target, strict=True)):
        width, height = image.size
        if not image.error and width < len(label):
            room = f"{width} x {height} pixels have no room for {len(label)} characters"
            bad[i] = ImageError(f"image {i}", room)
    failed = drop(captchas, dict(sorted(bad.items())))
    if len(bad) == n:
        raise SkcaptchaError(f"none of the {n} training images can be used")
    return failed


def _advancing(sources: Iterable[Any], advance: Callable[[int], object]) -> Iterator[Any]:
    for source in sources:
        yield source
        advance(1)


def _say_duplicates(captchas: Bunch) -> None:
    from skcaptcha.images import find_duplicates

    names = names_of(captchas)
    duplicates = [(i, k) for i, k in enumerate(find_duplicates(captchas.data).tolist()) if i != k]
    if duplicates:
        i, k = duplicates[0]
        are = "is a duplicate" if len(duplicates) == 1 else "are duplicates"
        say(
            f"warning: {len(duplicates)} of {len(names)} images {are} of others ({names[i]} of "
            f"{names[k]}); no model is evaluated on a duplicate of a training image"
        )


def say_if_held_out_is_known(train: Bunch, test: Bunch) -> None:
    """Warn if held-out captchas are duplicates of training captchas.

    Parameters
    ----------
    train, test : Bunch
    """
    from skcaptcha.images import find_duplicates

    groups = find_duplicates([*train.data, *test.data])
    n = len(train.data)
    known = {int(group) for group in groups[:n]}
    n_known = sum(int(group) in known for group in groups[n:])
    if n_known:
        are = "is a duplicate" if n_known == 1 else "are duplicates"
        say(
            f"warning: {n_known} of the {len(test.data)} held-out images {are} of training images "
            "and will be read by memory; give other ranges as data.train and data.test"
        )


def drop_unusable_pieces(
    error: SkcaptchaError, steps: Pipeline, captchas: Bunch
) -> list[dict[str, str]]:
    """Leave out what made a fit fail, unless that is most: then the recipe is the culprit.

    Parameters
    ----------
    error : SkcaptchaError
        What the fit raised.
    steps : Pipeline
        Not fitted: all steps but the reader.
    captchas : Bunch
        Changed.

    Returns
    -------
    failed : list of dict
        Their names and the reasons.

    Raises
    ------
    SkcaptchaError
        If most are so, or none.
    """
    from skcaptcha.prediction._read_images import unusable

    n = len(captchas.data)
    bad = unusable(steps, captchas.data, show_progress=shows_progress())
    if not bad:
        raise error
    if 2 * len(bad) > n:
        # The fit knows only numbers.
        first, reason = next(iter(bad.items()))
        raise SkcaptchaError(
            f"{names_of(captchas)[first]}: {reason_of(reason)} "
            f"({len(bad)} of {n} training images are so)"
        ) from error
    return drop(captchas, bad)


@contextmanager
def workers(
    jobs: int, scheduler: str | None, captchas: Bunch, *, late: bool = False
) -> Iterator[None]:
    """Have what is fitted meanwhile use the processes or the cluster that are asked for.

    Parameters
    ----------
    jobs : int
        Processes of this machine, as everywhere in joblib.
    scheduler : str or None
        Where the cluster is that works instead.
    captchas : Bunch
        Decoded, so that the workers of a cluster need not see the files.
    late : bool, default=False
        Leave it to the choice of a recipe whether and when processes are started.
    """
    import joblib

    from skcaptcha.prediction._cluster_connection import connect_if_given

    with connect_if_given(scheduler) as client:
        if client is None and late:
            from skcaptcha.auto._processes import started_by

            with started_by(partial(start_workers, modules=_MODULES)):
                yield
            return
        if client is None:
            start_workers(jobs, _MODULES)
            yield
            return
        with joblib.parallel_config(backend="dask", client=client):
            yield


def going_on(fit: Callable[[], _Fitted]) -> _Fitted:
    """Fit, and fit again if a cluster has lost what was sent to it with a worker that ended.

    Parameters
    ----------
    fit : callable
        Goes on with what it had finished.

    Returns
    -------
    fitted : object
        What the callable gives.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return fit()
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "distributed":
                raise
            say(f"the cluster has lost a worker ({type(error).__name__}); going on with the others")
    return fit()


def say_if_not_familiar(model: Pipeline) -> None:
    """Say that a model cannot tell images that are unlike those that it was fitted to.

    Parameters
    ----------
    model : Pipeline
        Fitted.
    """
    from skcaptcha.novelty import FEWEST_IMAGES

    if getattr(model[0], "novelty_", None) is None:
        say(
            f"warning: fewer than {FEWEST_IMAGES} images do not tell what is usual; images unlike "
            "them will be read as if they were like them"
        )


def names_of(captchas: Bunch) -> Sequence[Any]:
    """Give the captchas' file names, or numbers where they have none."""
    return captchas.get("filenames", range(len(captchas.data)))


def say_failures(captchas: Bunch, results: Mapping[int, Any]) -> list[dict[str, str]]:
    """Name the captchas whose result is an error, and give them for the report.

    Parameters
    ----------
    captchas : Bunch
    results : mapping of int to anything
        By index.

    Returns
    -------
    failed : list of dict
        The names, and the reasons.
    """
    names = names_of(captchas)
    failed = [
        {"filename": str(names[i]), "reason": reason_of(result)}
        for i, result in results.items()
        if isinstance(result, SkcaptchaError)
    ]
    for failure in failed:
        say(f"{failure['filename']}: {failure['reason']}")
    return failed
