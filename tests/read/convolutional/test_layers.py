"""Layers of the network, compared with SciPy, finite differences and PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plain_network import block_output, correlated
from skcaptcha.read.convolutional._layers import (
    Convolution,
    ConvolutionBlock,
    FeatureMaps,
    Workspace,
    convolve,
    maxima,
)

POOLS = [(1, 1), (2, 1), (2, 2)]


def maps_of(values: np.ndarray, *, pad: bool = True) -> FeatureMaps:
    """Feature maps with pixels (n, h, w, c)."""
    maps = FeatureMaps(*values.shape, Workspace(), name="values", pad=pad)
    maps.pixels[...] = values
    return maps


def numbers(shape, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def output_for(x: FeatureMaps, c: int) -> FeatureMaps:
    """Maps for an output of c channels, full of numbers that must not matter."""
    out = FeatureMaps(x.n, x.h, x.w, c, Workspace(), name="output", pad=x.pad)
    out.data[:] = 1e6
    return out


def padding_of(maps: FeatureMaps) -> np.ndarray:
    """Everything in the maps but their pixels."""
    inside = np.zeros(maps.data.shape, dtype=bool)
    rows = inside[maps.margin : maps.margin + maps.n * (maps.h + maps.pad) * (maps.w + 1)]
    rows.reshape(maps.grid.shape)[:, : maps.h, : maps.w] = True
    assert inside.sum() == maps.pixels.size
    return maps.data[~inside]


@st.composite
def problems(draw):
    """Draw the shape of images, and convolution: n, h, w, c_in, c_out, rows, seed."""
    rows = draw(st.sampled_from([1, 3]))
    h = 1 if rows == 1 else draw(st.integers(1, 7))
    sizes = [draw(st.integers(1, most)) for most in (4, 9, 5, 5)]
    return sizes[0], h, *sizes[1:], rows, draw(st.integers(0, 2**32 - 1))


def convolution_of(problem):
    n, h, w, c_in, c_out, rows, seed = problem
    rng = np.random.RandomState(seed)
    x = maps_of(numbers((n, h, w, c_in), seed), pad=rows == 3)
    gradient = maps_of(numbers((n, h, w, c_out), seed + 1), pad=rows == 3)
    return Convolution(c_in, c_out, rows, rng), x, gradient


def dot(a, b) -> float:
    return float(np.vdot(np.asarray(a, dtype=float), np.asarray(b, dtype=float)))


@given(problems())
def test_convolution_is_a_correlation_with_zeros_beyond_the_edges(problem):
    convolution, x, gradient = convolution_of(problem)
    out = output_for(x, gradient.c)
    convolution.forward(x, out, Workspace())
    expected = correlated(x.pixels, convolution.weights)
    np.testing.assert_allclose(out.pixels, expected, atol=1e-4)


def test_convolution_of_many_rows():
    # More rows than one chunk.
    x = maps_of(numbers((3, 40, 50, 32)))
    weights = numbers((3, 3, 32, 2), 1) / 17
    out = output_for(x, 2)
    convolve(x, weights, out, Workspace())
    np.testing.assert_allclose(out.pixels, correlated(x.pixels, weights), atol=1e-4)


@given(problems())
def test_gradients_of_a_convolution_are_its_adjoints(problem):
    convolution, x, gradient = convolution_of(problem)
    work = Workspace()
    out = output_for(x, gradient.c)
    convolution.forward(x, out, work)
    to_weights = convolution.weight_gradient(x, gradient, work)
    to_input = output_for(x, x.c)
    convolution.input_gradient(gradient, to_input, work)
    expected = dot(out.pixels, gradient.pixels)
    scale = float(np.linalg.norm(out.pixels) * np.linalg.norm(gradient.pixels)) + 1
    assert dot(to_weights, convolution.weights) == pytest.approx(expected, abs=1e-4 * scale)
    assert dot(to_input.pixels, x.pixels) == pytest.approx(expected, abs=1e-4 * scale)


def test_weight_gradient_of_many_rows():
    x, gradient = maps_of(numbers((3, 40, 50, 32))), maps_of(numbers((3, 40, 50, 2), 1))
    convolution = Convolution(32, 2, 3, np.random.RandomState(0))
    found = convolution.weight_gradient(x, gradient, Workspace())
    padded = np.pad(x.pixels.astype(float), ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = [
        [
            np.einsum("nhwi,nhwo->io", padded[:, i : i + 40, j : j + 50], gradient.pixels)
            for i in range(3)
        ]
        for j in range(3)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("pool", POOLS)
def test_maxima(pool):
    values = numbers((2, 4, 6, 3))
    found = maxima(maps_of(values), pool, "maxima", Workspace())
    rows, columns = pool
    cells = values.reshape(2, 4 // rows, rows, 6 // columns, columns, 3)
    np.testing.assert_array_equal(found.pixels, cells.max(axis=(2, 4)))
    assert not padding_of(found).any()


def test_sums_by_channel():
    values = numbers((2, 3, 5, 4))
    one, other = maps_of(values), maps_of(values**2)
    np.testing.assert_allclose(one.sum_by_channel(), values.sum(axis=(0, 1, 2)), rtol=1e-4)
    expected = (values.astype(float) ** 3).sum(axis=(0, 1, 2))
    np.testing.assert_allclose(one.dot_by_channel(other), expected, rtol=1e-4)


# --- a block: convolution, normalization, rectifier, maxima ---------------------------------------


def block_for(c_in: int, c_out: int, *, height: int = 3, pool=(1, 1)) -> ConvolutionBlock:
    rng = np.random.RandomState(0)
    block = ConvolutionBlock("block", c_in, c_out, rng, height=height, pool=pool)
    block.scale[:] = rng.uniform(0.5, 2, c_out)
    block.shift[:] = rng.normal(size=c_out)
    return block


def gradients_of(block, x, gradient, work):
    """The block's output, and the gradients of its input and its parameters."""
    out = block.forward(x, work).pixels.copy()
    of_raw, of_parameters = block.backward(gradient, work)
    return out, block.input_gradient(of_raw, work).pixels.copy(), of_parameters


CASES = [*[(2, 4, 6, 3, 5, 3, pool) for pool in POOLS], (3, 1, 7, 6, 4, 1, (1, 1))]


def case(n, h, w, c_in, c_out, rows, pool):
    block = block_for(c_in, c_out, height=rows, pool=pool)
    x = maps_of(numbers((n, h, w, c_in)), pad=rows == 3)
    shape = n, h // pool[0], w // pool[1], c_out
    return block, x, numbers(shape, 1)


@pytest.mark.parametrize("sizes", CASES)
def test_output_of_a_block(sizes):
    block, x, _ = case(*sizes)
    found = block.forward(x, Workspace())
    expected = block_output(x.pixels, *block.parameters, block.pool)
    np.testing.assert_allclose(found.pixels, expected, atol=1e-4)
    assert not padding_of(found).any()


@pytest.mark.parametrize("sizes", CASES)
def test_gradients_of_a_block_by_finite_differences(sizes):
    block, x, gradient = case(*sizes)
    values = [x.pixels.astype(float), *(p.astype(float) for p in block.parameters)]
    back = maps_of(gradient, pad=x.pad)
    _, to_input, to_parameters = gradients_of(block, x, back, Workspace())
    rng = np.random.default_rng(2)
    step = 1e-6
    for i, found in enumerate([to_input, *to_parameters]):
        for _ in range(3):
            direction = rng.normal(size=found.shape)
            outputs = []
            for sign in (-1, 1):
                moved = list(values)
                moved[i] = values[i] + sign * step * direction
                outputs.append(block_output(*moved, block.pool))
            slope = dot(outputs[1] - outputs[0], gradient) / (2 * step)
            assert dot(found, direction) == pytest.approx(slope, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("sizes", CASES)
def test_a_block_agrees_with_pytorch(sizes):
    torch = pytest.importorskip("torch")
    block, x, gradient = case(*sizes)
    out, to_input, to_parameters = gradients_of(block, x, maps_of(gradient, pad=x.pad), Workspace())

    def tensor(values, order):
        values = np.ascontiguousarray(values.transpose(order), dtype=float)
        return torch.tensor(values, requires_grad=True)

    weights, scale, shift = block.parameters
    image, kernel = tensor(x.pixels, (0, 3, 1, 2)), tensor(weights, (3, 2, 1, 0))
    scales, shifts = tensor(scale, (0,)), tensor(shift, (0,))
    raw = torch.nn.functional.conv2d(image, kernel, padding=(weights.shape[1] // 2, 1))
    normal = torch.nn.functional.batch_norm(raw, None, None, scales, shifts, training=True)
    theirs = torch.nn.functional.max_pool2d(torch.relu(normal), block.pool)
    theirs.backward(tensor(gradient, (0, 3, 1, 2)))
    expected = [
        theirs.detach().numpy().transpose(0, 2, 3, 1),
        image.grad.numpy().transpose(0, 2, 3, 1),
        kernel.grad.numpy().transpose(3, 2, 1, 0),
        scales.grad.numpy(),
        shifts.grad.numpy(),
    ]
    for mine, right in zip([out, to_input, *to_parameters], expected, strict=True):
        np.testing.assert_allclose(mine, right, atol=1e-4 * max(1, np.abs(right).max()))


def test_a_workspace_that_was_used_for_other_shapes_changes_nothing():
    work = Workspace()
    for sizes in CASES[::-1]:
        gradients_of(*with_maps(sizes), work)
    for sizes in CASES:
        fresh = gradients_of(*with_maps(sizes), Workspace())
        again = gradients_of(*with_maps(sizes), work)
        for a, b in zip([*fresh[:2], *fresh[2]], [*again[:2], *again[2]], strict=True):
            np.testing.assert_array_equal(a, b)


def with_maps(sizes):
    block, x, gradient = case(*sizes)
    return block, x, maps_of(gradient, pad=x.pad)


def test_equal_maxima_in_the_background_get_no_gradient():
    # A rectifier makes all pixels of a dark area 0; their gradient ends there.
    block, x, gradient = case(*CASES[2])
    block.shift[:] = -100
    _, to_input, to_parameters = gradients_of(block, x, maps_of(gradient), Workspace())
    assert not to_input.any()
    assert not any(own.any() for own in to_parameters)


def test_running_statistics_approach_those_of_the_batches():
    block, x, _ = case(*CASES[0])
    work = Workspace()
    for _ in range(400):
        block.forward(x, work)
        block.update_statistics(work)
    raw = correlated(x.pixels, block.convolution.weights)
    np.testing.assert_allclose(block.mean, raw.mean(axis=(0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(block.variance, raw.var(axis=(0, 1, 2)), rtol=1e-4)
