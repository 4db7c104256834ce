"""Network that reads columns: from images to log-probabilities of characters and the blank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skcaptcha.read.convolutional._layers import (
    Array,
    Convolution,
    ConvolutionBlock,
    FeatureMaps,
    Workspace,
)

COLUMN_WIDTH = 4
"""Pixels of the image for each column of the output."""
MARGIN = 4
"""Pixels of padding on the left and, at least, on the right of an image."""
HEIGHT_UNIT = 8
"""The height of images is a multiple of this."""

# Rows and columns that the maxima after each convolution cover.
_POOLS = (1, 1), (2, 2), (1, 1), (2, 1), (1, 1)
N_BLOCKS = len(_POOLS)
"""Number of convolutions before the columns are joined."""

_DROPOUT_OF_COLUMNS, _DROPOUT_OF_HIDDEN = 0.05, 0.1


class Network:
    """Convolutional network for images (n, h, w) with ``n_outputs`` values for every column.

    The image is divided into cells of 2 x 2 pixels, the channels of the first convolution.
    """

    def __init__(
        self,
        height: int,
        n_outputs: int,
        rng: np.random.RandomState,
        *,
        channels: Sequence[int],
        n_hidden: int,
    ) -> None:
        self.height = height
        self.blocks = []
        c_in = 4
        for i, (c, pool) in enumerate(zip(channels, _POOLS, strict=True)):
            self.blocks.append(ConvolutionBlock(f"block {i}", c_in, c, rng, pool=pool))
            c_in = c
        self.hidden = ConvolutionBlock(
            "hidden", c_in * height // HEIGHT_UNIT, n_hidden, rng, height=1
        )
        self.output = Convolution(n_hidden, n_outputs, 1, rng)
        self.bias: Array = np.zeros(n_outputs, np.float32)

    @property
    def n_classes(self) -> int:
        """Number of classes, which is also the index of the blank."""
        return len(self.bias) - 1

    @property
    def parameters(self) -> list[Array]:
        convolutional = [p for b in [*self.blocks, self.hidden] for p in b.parameters]
        return [*convolutional, self.output.weights, self.bias]

    def forward(self, images: Array, work: Workspace, rng: np.random.Generator) -> Array:
        """Return the logits (n, columns, n_outputs) of a training batch (n, h, w)."""
        x = cells_of(images, work)
        for block in self.blocks:
            x = block.forward(x, work)
        work.kept["tall"] = x
        columns = columns_of(x, work)
        _drop(columns, _DROPOUT_OF_COLUMNS, "columns", work, rng)
        hidden = self.hidden.forward(columns, work)
        _drop(hidden, _DROPOUT_OF_HIDDEN, "hidden", work, rng)
        out = work.maps("output", len(images), 1, hidden.w, len(self.bias), pad=False)
        self.output.forward(hidden, out, work)
        work.kept["output"] = hidden
        return out.pixels[:, 0] + self.bias

    def backward(self, gradient: Array, work: Workspace) -> list[Array]:
        """Return the gradients of the parameters, given that of the logits."""
        hidden = work.kept["output"]
        back = work.maps("output gradient", hidden.n, 1, hidden.w, len(self.bias), pad=False)
        back.pixels[:, 0] = gradient
        found = [self.output.weight_gradient(hidden, back, work), gradient.sum(axis=(0, 1))]
        of_hidden = work.maps("hidden gradient", hidden.n, 1, hidden.w, hidden.c, pad=False)
        self.output.input_gradient(back, of_hidden, work)
        of_hidden.clear_padding()
        of_hidden.rows *= work.kept["dropped hidden"]
        of_raw, gradients = self.hidden.backward(of_hidden, work)
        found = gradients + found
        of_columns = self.hidden.input_gradient(of_raw, work)
        of_columns.rows *= work.kept["dropped columns"]
        tall = work.kept["tall"]
        of_maps = work.maps("tall gradient", tall.n, tall.h, tall.w, tall.c)
        split = of_columns.pixels.reshape(tall.n, tall.w, tall.h, tall.c)
        of_maps.pixels[...] = split.transpose(0, 2, 1, 3)
        for block in self.blocks[:0:-1]:
            of_raw, gradients = block.backward(of_maps, work)
            found = gradients + found
            of_maps = block.input_gradient(of_raw, work)
        _, gradients = self.blocks[0].backward(of_maps, work)
        return gradients + found

    def update_statistics(self, work: Workspace) -> None:
        """Move the running statistics towards those of a training batch."""
        for block in [*self.blocks, self.hidden]:
            block.update_statistics(work)


def cells_of(images: Array, work: Workspace) -> FeatureMaps:
    """Return maps of cells of 2 x 2 pixels, whose values are the channels."""
    n, h, w = images.shape
    x = work.maps("cells", n, h // 2, w // 2, 4)
    cells = images.reshape(n, h // 2, 2, w // 2, 2).transpose(0, 1, 3, 2, 4)
    x.pixels.reshape(n, h // 2, w // 2, 2, 2)[...] = cells
    return x


def columns_of(x: FeatureMaps, work: Workspace) -> FeatureMaps:
    """Join the pixels of each column."""
    columns = work.maps("columns", x.n, 1, x.w, x.h * x.c, pad=False)
    joined = columns.pixels.reshape(x.n, x.w, x.h, x.c)
    joined[...] = x.pixels.transpose(0, 2, 1, 3)
    return columns


def _drop(
    x: FeatureMaps, rate: float, name: str, work: Workspace, rng: np.random.Generator
) -> None:
    """Set values to zero at random, and enlarge the others so that the expected sum stays."""
    mask = work.array(f"dropped {name}", x.rows.shape)
    rng.random(dtype=np.float32, out=mask)
    np.greater_equal(mask, rate, out=mask, casting="unsafe")
    mask /= 1 - rate
    x.rows *= mask
    work.kept[f"dropped {name}"] = mask
