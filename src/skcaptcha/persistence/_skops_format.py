"""Models in files of skops, which load without running code: of types on a list, or not at all."""

# ruff: noqa: PLC0415 - skops is an extra: only what uses it imports it

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

from sklearn.pipeline import Pipeline

from skcaptcha.exceptions import ModelError
from skcaptcha.persistence._held_values import unsafe_value

TRUSTED_TYPES = frozenset(
    {
        "skcaptcha.denoise._binarizer.Binarizer",
        "skcaptcha.denoise._small_component_remover.SmallComponentRemover",
        "skcaptcha.denoise._ink_cropper.InkCropper",
        "skcaptcha.denoise._grayscale.Grayscale",
        "skcaptcha.denoise._thin_line_remover.ThinLineRemover",
        "skcaptcha.denoise._morphological_opening.MorphologicalOpening",
        "skcaptcha.denoise._polarity_normalizer.PolarityNormalizer",
        "skcaptcha.denoise._height_scaler.HeightScaler",
        "skcaptcha.denoise._router.ImageRouter",
        "skcaptcha.denoise._smoother.Smoother",
        "skcaptcha.features._gradients.OrientedGradients",
        "skcaptcha.features._hog.HOG",
        "skcaptcha.features._raw.RawPixels",
        "skcaptcha.images._decoder.ImageDecoder",
        "skcaptcha.novelty.NoveltyDetector",
        "skcaptcha.read._alignment.Geometry",
        "skcaptcha.read._candidates.CandidateClassifier",
        "skcaptcha.read._candidates.Member",
        "skcaptcha.read._character_reader.CharacterReader",
        "skcaptcha.read._confidence.Confidence",
        "skcaptcha.read._evidence.FittedClassifier",
        "skcaptcha.read._lattice.Spacing",
        "skcaptcha.read._linear_discriminants.LinearDiscriminants",
        "skcaptcha.read._sequence_reader.SequenceReader",
        "skcaptcha.segment._components.ConnectedComponents",
        "skcaptcha.segment._equal.EqualSplit",
        "skcaptcha.segment._fixed.FixedBoxes",
        "skcaptcha.segment._oversegmentation.Oversegmentation",
        "skcaptcha.segment._valleys.ProjectionValleys",
        "skcaptcha.segment._window.SlidingWindow",
        # What classifiers of scikit-learn hold when they are fitted.
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    }
)
"""What a skops file may hold beside what skops trusts by itself (numbers, strings, arrays, and the
estimators of scikit-learn), by module and name. None of these runs anything that comes from the
file when it is made and given its attributes."""

_MOST_NAMED = 5

# By class, what it is or, fitted, holds that no such file can hold.
_TREES = "nothing checks that its trees lead where a tree may"
_IMPOSSIBLE = {
    "ConvolutionalClassifier": "its network is one of PyTorch",
    "ExtraTreesClassifier": _TREES,
    "HistGradientBoostingClassifier": _TREES,
    "RandomForestClassifier": _TREES,
}


def check_before_fit(estimators: Iterable[Any]) -> None:
    """Find out before the work whether what is fitted can be kept in a file of skops.

    Parameters
    ----------
    estimators : iterable
        Estimators, and whatever else is given as a parameter, with estimators in it or not.

    Raises
    ------
    ModelError
        If skops is not installed, or one of the estimators cannot be kept.
    """
    _require_skops("to write a skops file")
    for name in (type(part).__name__ for part in _parts(estimators)):
        if name in _IMPOSSIBLE:
            raise ModelError(
                f"{name} cannot be kept in a file that loads without running code, as "
                f"{_IMPOSSIBLE[name]}: choose another classifier, or the format joblib"
            )


def dump_skops(model: Pipeline) -> bytes:
    """Make a file of skops.

    Parameters
    ----------
    model : Pipeline
        Fitted.

    Returns
    -------
    content : bytes

    Raises
    ------
    ModelError
        If skops is not installed, or the pipeline holds what could not be loaded again.
    """
    _require_skops("to write a skops file")
    import skops.io

    file = BytesIO()
    try:
        skops.io.dump(model, file, compression=ZIP_DEFLATED, compresslevel=3)
    except TypeError as error:
        raise ModelError(f"the model cannot be kept in a skops file ({error})") from error
    content = file.getvalue()
    if unknown := _unknown_types(content):
        raise ModelError(
            f"the model cannot be kept in a skops file, for it holds {', '.join(unknown)}, which "
            "is not on the list of what is safe to load (skcaptcha.persistence.TRUSTED_TYPES)"
        )
    if found := unsafe_value(model):
        raise ModelError(
            f"the model cannot be kept in a skops file, for it holds {found}, and such a file may "
            "hold only what opens no files and cannot be called; change it with set_params, or "
            "choose the format joblib"
        )
    return content


def load_skops(content: bytes, path: Path) -> Any:
    """Load what is in a file of skops, if all of it is of types that are trusted.

    Parameters
    ----------
    content : bytes
    path : Path
        Of the file, for messages.

    Returns
    -------
    model : object

    Raises
    ------
    ModelError
        If skops is not installed, or the file holds other types, or values of these types that
        could open files or be called: names them.
    """
    _require_skops(f"{path}: to read it, a skops file")
    import skops.io

    if unknown := _unknown_types(content):
        raise ModelError(
            f"{path}: holds {', '.join(unknown)}, which is not on the list of what is safe to load "
            "(skcaptcha.persistence._save_and_load.TRUSTED_TYPES); fit a model of your own"
        )
    model = skops.io.loads(content, trusted=sorted(TRUSTED_TYPES))
    if found := unsafe_value(model):
        raise ModelError(
            f"{path}: holds {found}; a model that loads without trust may hold only what opens no "
            "files and cannot be called; fit a model of your own"
        )
    return model


def _unknown_types(content: bytes) -> list[str]:
    import skops.io

    unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - TRUSTED_TYPES)
    # The names are whatever the file says.
    return [name if name.isprintable() else repr(name) for name in unknown[:_MOST_NAMED]]


def _require_skops(purpose: str) -> None:
    if find_spec("skops") is None:
        raise ModelError(f"{purpose}, install the extra: pip install 'skcaptcha[skops]'")


def _parts(value: Any) -> Iterator[Any]:
    """Yield all that is in parameters, however deep."""
    yield value
    if isinstance(value, type):
        return
    if hasattr(value, "get_params"):
        value = value.get_params(deep=False)
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _parts(part)
