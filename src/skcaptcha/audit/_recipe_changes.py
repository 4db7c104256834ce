"""Recipes without one of the steps that counter a defense."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

# The defenses that a denoiser counters.
_COUNTERS = {
    "SmallComponentRemover": ("noise",),
    "ThinLineRemover": ("lines",),
    "MorphologicalOpening": ("noise", "lines"),
    "Smoother": ("noise", "lines"),
}
_SEGMENTERS_BY_INK = ("ConnectedComponents", "ProjectionValleys", "Oversegmentation")
_SIMPLE_READER = {"use": "CharacterReader", "estimator": {"use": "SVC", "C": 10}}
_SIMPLE_FEATURES = {
    "use": "HOG",
    "orientations": 9,
    "pixels_per_cell": [4, 4],
    "shape": [20, 20],
}


class RecipeChange(NamedTuple):
    """A changed recipe: its description follows "the same recipe", its keys name defenses."""

    description: str
    counters: tuple[str, ...]
    recipe: Mapping[str, Any]


def recipe_changes(
    recipe: Mapping[str, Any], length: int | None, dark_ink: float
) -> Iterator[RecipeChange]:
    """Yield a recipe without one of the steps that counter a defense, for each such step.

    `recipe` is the content of a recipe without a grid, `length` the usual length of labels, and
    `dark_ink` the fraction of images whose ink is darker than the background.
    """
    base = {"steps": recipe["steps"], "search": {"cv": 2}}
    steps = base["steps"]
    yield from _denoising_changes(base, dark_ink)
    # A reader of images has neither a segmenter nor features.
    reader, segmenter, features = steps["read"], steps.get("segment"), steps.get("features")
    without_length = "without knowing the length"
    if segmenter is None or reader["use"] == "SequenceReader":
        yield _changed(
            base,
            "with one segmentation instead of the best path",
            ("touching",),
            segment={"use": "ConnectedComponents", "n_characters": length},
            features=_SIMPLE_FEATURES,
            read=_SIMPLE_READER,
        )
        warped = "windows" if reader.get("n_windows") else ""
        if reader["use"] == "ConvolutionalReader":
            warped = "images"
        if warped and reader.get("warp", 1) > 0:
            yield _changed(
                base,
                f"without rotated, slanted and stretched training {warped}",
                ("rotation", "shape"),
                read={**reader, "warp": 0},
            )
        yield _changed(base, without_length, ("length",), read={**reader, "length": "free"})
    elif segmenter["use"] in _SEGMENTERS_BY_INK and length is not None:
        yield _changed(
            base,
            "with segments of equal width, wherever the ink is",
            ("touching",),
            segment={"use": "EqualSplit", "n_characters": length},
        )
        if segmenter.get("n_characters") is not None:
            free = {**segmenter, "n_characters": None}
            yield _changed(base, without_length, ("length",), segment=free)
    if features is not None and features["use"] == "HOG":
        crops = {name: features[name] for name in ("shape", "keep_aspect") if name in features}
        yield _changed(
            base,
            "with raw pixels instead of oriented gradients",
            ("rotation", "shape"),
            features={"use": "RawPixels", **crops},
        )


def _denoising_changes(recipe: Mapping[str, Any], dark_ink: float) -> Iterator[RecipeChange]:
    denoise = recipe["steps"]["denoise"]

    def changed(description: str, counters: tuple[str, ...], **steps: Any) -> RecipeChange:
        return _changed(recipe, description, counters, denoise={**denoise, **steps})

    names = list(denoise)
    for k, name in enumerate(names):
        step, later = denoise[name], names[k + 1 :]
        kind = step["use"]
        if kind == "Grayscale" and "channel" in step:
            steps = {name: {"use": "Grayscale"}}
            # Ink that is dark in this channel may be bright in others.
            if next_with_ink := next((other for other in later if "ink" in denoise[other]), None):
                steps[next_with_ink] = {**denoise[next_with_ink], "ink": "auto"}
            yield changed("without colors", ("background",), **steps)
        elif (
            kind == "PolarityNormalizer" and 0 < dark_ink < 1 and step.get("ink", "auto") == "auto"
        ):
            ink = "dark" if dark_ink > 1 / 2 else "bright"
            steps = {name: {**step, "ink": ink}}
            yield changed(f"with {ink} ink assumed in every image", ("background",), **steps)
        elif kind in _COUNTERS and not (kind == "MorphologicalOpening" and step.get("size") == 1):
            removed, description = [name], f"without {kind}"
            # After smoothing, a second threshold decides what remains of the ink.
            binarized = any(denoise[other]["use"] == "Binarizer" for other in names[:k])
            is_second = bool(later) and denoise[later[0]]["use"] == "Binarizer"
            if kind == "Smoother" and binarized and is_second:
                removed.append(later[0])
                description += " and the threshold after it"
            yield changed(description, _COUNTERS[kind], **dict.fromkeys(removed, "passthrough"))


def _changed(
    recipe: Mapping[str, Any], description: str, counters: tuple[str, ...], **steps: Any
) -> RecipeChange:
    changed = deepcopy({**recipe, "steps": {**recipe["steps"], **steps}})
    return RecipeChange(description, counters, changed)
