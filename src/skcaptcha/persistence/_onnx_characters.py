"""ONNX graph of a pipeline that reads fixed boxes, from gray images to indices of characters."""

# ruff: noqa: PLC0415 - onnx is an extra, imported only when it is needed

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from skcaptcha.denoise import Binarizer, PolarityNormalizer, Smoother
from skcaptcha.features import RawPixels
from skcaptcha.persistence._onnx_graph import INPUT, OPSETS, Graph
from skcaptcha.segment import FixedBoxes
from skcaptcha.segments import _sizes, _weights

LABELS = "labels"
CLASSIFIERS = (
    KNeighborsClassifier,
    LinearDiscriminantAnalysis,
    LinearSVC,
    LogisticRegression,
    MLPClassifier,
    SVC,
)
_TRANSFORMERS = (PCA, StandardScaler)
_KERNELS = ("linear", "poly", "rbf", "sigmoid")
# Sums of 8-bit pixels, weighted by Pascal's triangle, are exact in single precision up to this.
_MAX_BINOMIAL = 9


def can_denoise(step: Any) -> bool:
    """Return whether the graph can contain a step, with exactly the same result."""
    if type(step) is Binarizer:
        return step.method == "fixed" and step.ink != "auto"
    if type(step) is Smoother:
        return step.size == 1 or (step.method == "binomial" and step.size <= _MAX_BINOMIAL)
    return type(step) is PolarityNormalizer and step.ink != "auto"


def can_classify(classifier: Any) -> bool:
    """Return whether the graph of a fitted classifier gives the same classes, up to rounding."""
    last = classifier
    if type(classifier) is Pipeline:
        last = classifier[-1]
        if any(type(step) not in _TRANSFORMERS for _, step in classifier.steps[:-1]):
            return False
    if type(last) is KNeighborsClassifier:
        return last.weights == "uniform" and last.effective_metric_ == "euclidean"
    if type(last) is SVC:
        # With probabilities, the class would be the most probable one, not the one of the votes.
        return last.kernel in _KERNELS and not last.break_ties and not len(last._probA)
    return type(last) in CLASSIFIERS


def character_graph(
    denoisers: Sequence[Any], segmenter: FixedBoxes, features: RawPixels, classifier: Any
) -> Any:
    """Return the ONNX model that reads gray images of the training images' size."""
    graph = Graph()
    height, width = segmenter.image_shape_.tolist()
    image = INPUT
    for step in denoisers:
        image = _denoise(graph, image, step)
    boxes = boxes_of(segmenter)
    crops = [_crop(graph, image, box, features) for box in boxes]
    pixels = graph.add("Concat", *crops, axis=1)
    values = graph.add("Div", pixels, graph.constant(255, np.float32))
    shape = graph.constant([-1, features.shape_[0] * features.shape_[1]], np.int64)
    label = _classify(graph, graph.add("Reshape", values, shape), classifier)
    by_image = graph.constant([-1, len(boxes)], np.int64)
    graph.add("Reshape", label, by_image, output=LABELS)
    return graph.model(["n", 1, height, width], LABELS, ["n", len(boxes)], np.int64)


def boxes_of(segmenter: FixedBoxes) -> list[list[int]]:
    """Return the boxes in an image of the training images' size, as x, y, width and height."""
    (boxes,), _ = segmenter._segment(np.zeros((1, *segmenter.image_shape_), dtype=np.uint8))
    return boxes.tolist()


def _denoise(graph: Graph, image: str, step: Any) -> str:
    if isinstance(step, Binarizer):
        compare = "LessOrEqual" if step.ink == "dark" else "Greater"
        ink = graph.add(compare, image, graph.constant(step.threshold, np.float32))
        return graph.add("Mul", graph.cast(ink, np.float32), graph.constant(255, np.float32))
    if isinstance(step, PolarityNormalizer):
        dark = step.ink == "dark"
        return graph.add("Sub", graph.constant(255, np.float32), image) if dark else image
    assert isinstance(step, Smoother)
    kernel = np.outer([1, 2, 1], [1, 2, 1])[None, None] / 16
    for _ in range(step.size // 2):
        pads = graph.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64)
        padded = graph.add("Pad", image, pads, mode="reflect")
        image = graph.add("Conv", padded, graph.constant(kernel, np.float32))
    return graph.add("Round", image)  # ties to even


def _crop(graph: Graph, image: str, box: Sequence[int], features: RawPixels) -> str:
    """Cut a box out of the images and resample it to the features' shape, (n, 1, d)."""
    x, y, width, height = box
    begin, end = (graph.constant(corner, np.int64) for corner in ([y, x], [y + height, x + width]))
    crop = graph.add("Slice", image, begin, end, graph.constant([2, 3], np.int64))
    rows, columns = features.shape_
    if (height, width) != (rows, columns):
        sizes = np.array([width]), np.array([height])
        (wide,), (high,) = _sizes(*sizes, (rows, columns), features.keep_aspect)
        across, down = _weights(width, int(wide), columns), _weights(height, int(high), rows)
        # All products and sums are exact in double precision.
        crop = graph.add("MatMul", graph.cast(crop, np.float64), graph.constant(across, float))
        crop = graph.add("MatMul", graph.constant(down.T, float), crop)
        crop = graph.cast(graph.add("Round", crop), np.float32)
    return graph.add("Reshape", crop, graph.constant([-1, 1, rows * columns], np.int64))


def _classify(graph: Graph, values: str, classifier: Any) -> str:
    """Return the index of the class of each row of values."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    n_features = classifier.n_features_in_
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of scikit-learn
        converted = to_onnx(
            classifier,
            initial_types=[("values", FloatTensorType([None, n_features]))],
            target_opset=OPSETS,
        )
    label = graph.add_model(converted, values)
    classes = classifier.classes_.tolist()
    return graph.add(
        "LabelEncoder",
        label,
        domain="ai.onnx.ml",
        keys_strings=classes,
        values_int64s=list(range(len(classes))),
    )
