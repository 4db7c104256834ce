"""ONNX graph of the networks of a reader, from images to log-probabilities."""

# ruff: noqa: PLC0415 - onnx is an extra, imported only when it is needed

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skcaptcha.read.convolutional._folded_network import FoldedNetwork
from skcaptcha.read.convolutional._network import COLUMN_WIDTH, HEIGHT_UNIT

INPUT, LOG_PROBABILITIES = "image", "log_probabilities"
# Of 2020, so that old runtimes read the file.
OPSETS, _IR_VERSION = {"": 13, "ai.onnx.ml": 2}, 7


def network_graph(networks: Sequence[FoldedNetwork], height: int, margins: Sequence[int]) -> Any:
    """Return the ONNX model of networks for images of a height, before any padding.

    The left and right edges are repeated by the first margin, the image is standardized, and all
    edges are repeated: by the second margin, and up to the units in which networks see images.
    """
    graph = Graph()
    image = INPUT
    outer, inner = margins
    if outer:
        pads = graph.constant([0, 0, 0, outer, 0, 0, 0, outer], np.int64)
        image = graph.add("Pad", image, pads, mode="edge")
    image = _pad(graph, _standardize(graph, image), height, inner)
    _log_probabilities(graph, image, networks)
    n_outputs = len(networks[0].biases[-1])
    return graph.model(["n", 1, height, "width"], LOG_PROBABILITIES, ["n", "n_columns", n_outputs])


class Graph:
    """Nodes and constants, added one by one; values are named by strings."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[str, NDArray[Any]] = {}

    def constant(self, value: ArrayLike, dtype: Any) -> str:
        """Add a constant, and return its name."""
        name = f"constant_{len(self._constants)}"
        self._constants[name] = np.array(value, dtype, order="C")
        return name

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node, and return the name of its output."""
        from onnx import helper

        output = output or f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def cast(self, value: str, dtype: Any) -> str:
        """Add a conversion to a dtype, and return the name of its output."""
        from onnx import helper

        return self.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def add_model(self, model: Any, value: str) -> str:
        """Add what the first output of another ONNX model needs, and return its name.

        `value` is the input of that model.
        """
        from onnx import compose, numpy_helper

        graph = compose.add_prefix(model, f"model_{len(self._nodes)}_").graph
        (given,) = graph.input
        self.add("Identity", value, output=given.name)
        output = graph.output[0].name
        needed, nodes = {output}, []
        for node in reversed(graph.node):
            if needed.intersection(node.output):
                nodes.append(node)
                needed.update(node.input)
        self._nodes += reversed(nodes)
        for constant in graph.initializer:
            if constant.name in needed:
                self._constants[constant.name] = numpy_helper.to_array(constant)
        return output

    def model(
        self,
        input_shape: Sequence[Any],
        output: str,
        output_shape: Sequence[Any],
        dtype: Any = np.float32,
    ) -> Any:
        """Return the ONNX model, whose output has a dtype; sizes that vary have names."""
        from onnx import helper, numpy_helper

        def described(name: str, dtype: Any, shape: Sequence[Any]) -> Any:
            kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
            return helper.make_tensor_value_info(name, kind, shape)

        graph = helper.make_graph(
            self._nodes,
            "skcaptcha",
            [described(INPUT, np.float32, input_shape)],
            [described(output, dtype, output_shape)],
            [numpy_helper.from_array(value, name) for name, value in self._constants.items()],
        )
        used = {node.domain for node in self._nodes}
        opsets = [helper.make_opsetid(name, n) for name, n in OPSETS.items() if name in used]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)


def _standardize(graph: Graph, image: str) -> str:
    """Subtract the mean of each image, and divide by its standard deviation, at least 1."""
    axes = [1, 2, 3]
    centered = graph.add("Sub", image, graph.add("ReduceMean", image, axes=axes))
    variance = graph.add("ReduceMean", graph.add("Mul", centered, centered), axes=axes)
    deviation = graph.add("Max", graph.add("Sqrt", variance), graph.constant(1, np.float32))
    return graph.add("Div", centered, deviation)


def _pad(graph: Graph, image: str, height: int, margin: int) -> str:
    """Repeat the edges of an image."""
    missing = -height % HEIGHT_UNIT
    top = missing // 2
    width = graph.add("Gather", graph.add("Shape", image), graph.constant([3], np.int64), axis=0)
    unit = graph.constant([COLUMN_WIDTH], np.int64)
    both = graph.add("Add", width, graph.constant([2 * margin], np.int64))
    rest = graph.add("Mod", graph.add("Neg", both), unit)
    right = graph.add("Add", rest, graph.constant([margin], np.int64))
    others = graph.constant([0, 0, top, margin, 0, 0, missing - top], np.int64)
    return graph.add("Pad", image, graph.add("Concat", others, right, axis=0), mode="edge")


def _log_probabilities(graph: Graph, image: str, networks: Sequence[FoldedNetwork]) -> None:
    """Compute the logarithm of the mean probabilities (n, n_columns, n_outputs) of networks."""
    logits = [_logits(graph, image, network) for network in networks]
    if len(networks) == 1:
        graph.add("LogSoftmax", logits[0], axis=-1, output=LOG_PROBABILITIES)
        return
    first = graph.constant([0], np.int64)
    logs = [graph.add("Unsqueeze", graph.add("LogSoftmax", x, axis=-1), first) for x in logits]
    joined = graph.add("Concat", *logs, axis=0)
    total = graph.add("ReduceLogSumExp", joined, axes=[0], keepdims=0)
    graph.add(
        "Sub", total, graph.constant(math.log(len(networks)), np.float32), output=LOG_PROBABILITIES
    )


def _logits(graph: Graph, image: str, network: FoldedNetwork) -> str:
    """Compute the values (n, n_columns, n_outputs) of one network."""
    x = image
    tall = len(network.weights) - 2
    height = network.height // 2
    for k, (weights, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        step, rows = 1, int(k < tall)
        if k == 0:
            step, rows = 2, 2
            kernel = _kernel_of_pixels(weights)
        elif k == tall:
            kernel = _kernel_of_columns(weights, height)
        else:
            kernel = weights.transpose(3, 2, 1, 0)
        x = graph.add(
            "Conv",
            x,
            graph.constant(kernel, np.float32),
            graph.constant(bias, np.float32),
            kernel_shape=kernel.shape[2:],
            strides=[step, step],
            pads=[rows, step, rows, step],
        )
        if k <= tall:
            x = graph.add("Relu", x)
        pool = network.pools[k]
        if tuple(pool) != (1, 1):
            x = graph.add("MaxPool", x, kernel_shape=pool, strides=pool)
            height //= pool[0]
    x = graph.add("Squeeze", x, graph.constant([2], np.int64))
    return graph.add("Transpose", x, perm=[0, 2, 1])


def _kernel_of_pixels(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a convolution of cells of 2 x 2 pixels as one of pixels, 6 x 6, two at a time."""
    columns, rows, _, c_out = weights.shape
    cells = weights.reshape(columns, rows, 2, 2, c_out)
    return cells.transpose(4, 1, 2, 0, 3).reshape(c_out, 1, 2 * rows, 2 * columns)


def _kernel_of_columns(weights: NDArray[np.float32], height: int) -> NDArray[np.float32]:
    """Return a convolution of joined columns as one over the full height."""
    columns, _, joined, c_out = weights.shape
    pixels = weights.reshape(columns, height, joined // height, c_out)
    return pixels.transpose(3, 2, 1, 0)
