"""Recipes without the step that answers a defense."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

# Which defenses a way of denoising answers.
_ANSWERS = {
    "SmallComponentRemover": ("noise",),
    "ThinLineRemover": ("lines",),
    "MorphologicalOpening": ("noise", "lines"),
    "Smoother": ("noise", "lines"),
}
_CUTTERS = ("ConnectedComponents", "ProjectionValleys", "Oversegmentation")
_PLAIN_READER = {"use": "CharacterReader", "estimator": {"use": "SVC", "C": 10}}
_CROP_PARAMETERS = ("shape", "keep_aspect")
_PLAIN_FEATURES = {"use": "HOG", "orientations": 9, "pixels_per_cell": [4, 4], "shape": [20, 20]}


@dataclass(frozen=True)
class Change:
    """A recipe without one thing that helps it.

    Attributes
    ----------
    what : str
        What was changed, to be read after "the same recipe".
    answers : tuple of str
        Keys of the defenses that are answered by what is missing now.
    recipe : dict
    """

    what: str
    answers: tuple[str, ...]
    recipe: Mapping[str, Any]


def changes(recipe: Mapping[str, Any], length: int | None, dark_ink: float) -> Iterator[Change]:
    """Take from a recipe, one at a time, what answers a defense.

    Parameters
    ----------
    recipe : mapping
        Content with one candidate: no grid.
    length : int or None
        The usual length of labels.
    dark_ink : float in 0..1
        Share of the images whose ink is darker than the ground.

    Yields
    ------
    change : Change

    Examples
    --------
    >>> from skcaptcha.audit._ablation import changes
    >>> recipe = {"steps": {
    ...     "denoise": {
    ...         "gray": {"use": "Grayscale"},
    ...         "opening": {"use": "MorphologicalOpening", "size": 3},
    ...     },
    ...     "segment": {"use": "SlidingWindow"},
    ...     "features": {"use": "OrientedGradients"},
    ...     "read": {"use": "SequenceReader"},
    ... }}
    >>> for change in changes(recipe, 4, dark_ink=1.0):
    ...     print(change.what, change.answers)
    without MorphologicalOpening ('noise', 'lines')
    with one cut between characters in place of windows and the best path ('touching',)
    without being told the length ('length',)
    """
    plain = {"steps": recipe["steps"], "search": {"cv": 2}}
    steps = plain["steps"]
    yield from _of_denoising(plain, dark_ink)
    reader, segmenter = steps["read"], steps["segment"]
    if reader["use"] == "SequenceReader":
        cut = {"use": "ConnectedComponents", "n_characters": length}
        yield _changed(
            plain,
            "with one cut between characters in place of windows and the best path",
            ("touching",),
            segment=cut,
            features=_PLAIN_FEATURES,
            read=_PLAIN_READER,
        )
        if reader.get("n_windows") and reader.get("warp", 1) > 0:
            yield _changed(
                plain,
                "without turned, slanted and stretched copies to learn from",
                ("rotation", "shape"),
                read={**reader, "warp": 0},
            )
        yield _changed(
            plain, "without being told the length", ("length",), read={**reader, "length": "free"}
        )
    elif segmenter["use"] in _CUTTERS and length is not None:
        yield _changed(
            plain,
            "cut at equal distances, wherever the ink is",
            ("touching",),
            segment={"use": "EqualSplit", "n_characters": length},
        )
        if segmenter.get("n_characters") is not None:
            yield _changed(
                plain,
                "without being told the length",
                ("length",),
                segment={**segmenter, "n_characters": None},
            )
    if steps["features"]["use"] == "HOG":
        yield _changed(
            plain,
            "with pixels as they are in place of directions of edges",
            ("rotation", "shape"),
            features={
                key: value for key, value in steps["features"].items() if key in _CROP_PARAMETERS
            }
            | {"use": "RawPixels"},
        )


def _of_denoising(recipe: Mapping[str, Any], dark_ink: float) -> Iterator[Change]:
    denoise = recipe["steps"]["denoise"]
    names = list(denoise)
    for k, name in enumerate(names):
        step = denoise[name]
        kind, later = step["use"], names[k + 1 :]
        if kind == "Grayscale" and "channel" in step:
            plain = {name: {"use": "Grayscale"}}
            # In other channels ink may be bright where in this one it is dark.
            sided = next((other for other in later if "ink" in denoise[other]), None)
            if sided is not None:
                plain[sided] = {**denoise[sided], "ink": "auto"}
            yield _denoised(recipe, "without looking at colors", ("ground",), plain)
        elif (
            kind == "PolarityNormalizer" and 0 < dark_ink < 1 and step.get("ink", "auto") == "auto"
        ):
            ink = "dark" if dark_ink > 1 / 2 else "bright"
            what = f"taking the ink of every image for {ink}"
            yield _denoised(recipe, what, ("ground",), {name: {**step, "ink": ink}})
        elif kind in _ANSWERS and not (kind == "MorphologicalOpening" and step.get("size") == 1):
            gone, what = [name], f"without {kind}"
            # After smoothing, a second threshold decides which of the ink stays.
            binarized = any(denoise[other]["use"] == "Binarizer" for other in names[:k])
            if (
                kind == "Smoother"
                and binarized
                and later
                and denoise[later[0]]["use"] == "Binarizer"
            ):
                gone.append(later[0])
                what += " and the threshold after it"
            yield _denoised(recipe, what, _ANSWERS[kind], dict.fromkeys(gone, "passthrough"))


def _denoised(
    recipe: Mapping[str, Any], what: str, answers: tuple[str, ...], steps: Mapping[str, Any]
) -> Change:
    return _changed(recipe, what, answers, denoise={**recipe["steps"]["denoise"], **steps})


def _changed(
    recipe: Mapping[str, Any], what: str, answers: tuple[str, ...], **steps: Mapping[str, Any]
) -> Change:
    return Change(what, answers, deepcopy({**recipe, "steps": {**recipe["steps"], **steps}}))
