"""The network's outputs and gradients, compared with a plain computation and with PyTorch."""

import numpy as np
import pytest

from plain_network import POOLS, network_logits
from skcaptcha.read.convolutional import _network
from skcaptcha.read.convolutional._layers import Workspace
from skcaptcha.read.convolutional._network import COLUMN_WIDTH, HEIGHT_UNIT, Network


def small_network(height: int = 16, n_outputs: int = 4) -> Network:
    """A network whose channels have different scales and shifts."""
    rng = np.random.RandomState(0)
    network = Network(height, n_outputs, rng, channels=(3, 4, 5, 4, 6), n_hidden=7)
    for block in [*network.blocks, network.hidden]:
        block.scale[:] = rng.uniform(0.7, 1.5, block.scale.shape)
        block.shift[:] = rng.uniform(-0.3, 0.5, block.shift.shape)
    network.bias[:] = rng.normal(size=n_outputs)
    return network


@pytest.fixture
def without_dropout(monkeypatch):
    monkeypatch.setattr(_network, "_DROPOUT_OF_COLUMNS", 0.0)
    monkeypatch.setattr(_network, "_DROPOUT_OF_HIDDEN", 0.0)


def images_for(network: Network, n: int = 3, width: int = 24, seed: int = 0) -> np.ndarray:
    shape = n, network.height, width
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def run(network: Network, images: np.ndarray, work: Workspace | None = None):
    """The logits, and the gradients given a random gradient of the logits."""
    work = work or Workspace()
    logits = network.forward(images, work, np.random.default_rng(0))
    gradient = np.random.default_rng(1).normal(size=logits.shape).astype(np.float32)
    return logits, gradient, network.backward(gradient, work)


def test_logits_by_definition(without_dropout):
    network = small_network()
    images = images_for(network)
    logits, _, _ = run(network, images)
    assert logits.shape == (3, 24 // COLUMN_WIDTH, 4)
    parameters = [p.astype(float) for p in network.parameters]
    expected = network_logits(images, parameters)
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_gradients_by_finite_differences(without_dropout):
    network = small_network()
    images = images_for(network)
    _, gradient, found = run(network, images)
    parameters = [p.astype(float) for p in network.parameters]
    rng = np.random.default_rng(2)
    step = 1e-6
    for i, own in enumerate(found):
        direction = rng.normal(size=own.shape)
        outputs = []
        for sign in (-1, 1):
            moved = list(parameters)
            moved[i] = parameters[i] + sign * step * direction
            outputs.append(network_logits(images, moved))
        slope = np.vdot(outputs[1] - outputs[0], gradient) / (2 * step)
        assert float(np.vdot(own, direction)) == pytest.approx(slope, rel=2e-3, abs=2e-3), i


def test_the_network_agrees_with_pytorch(without_dropout):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    network = small_network(height=2 * HEIGHT_UNIT)
    images = images_for(network)
    logits, gradient, found = run(network, images)

    def parameter(values):
        order = (3, 2, 1, 0) if values.ndim == 4 else (0,)
        values = np.ascontiguousarray(values.transpose(order), dtype=float)
        return torch.tensor(values, requires_grad=True)

    parameters = [parameter(p) for p in network.parameters]
    x = functional.pixel_unshuffle(torch.tensor(images[:, None], dtype=torch.float64), 2)
    for i, pool in enumerate([*POOLS, (1, 1)]):
        if i == len(POOLS):
            n, c, h, w = x.shape
            x = x.permute(0, 2, 1, 3).reshape(n, h * c, 1, w)
        weights, scale, shift = parameters[3 * i : 3 * i + 3]
        x = functional.conv2d(x, weights, padding=(weights.shape[2] // 2, 1))
        x = functional.batch_norm(x, None, None, scale, shift, training=True)
        x = functional.max_pool2d(torch.relu(x), pool)
    x = functional.conv2d(x, parameters[-2], parameters[-1], padding=(0, 1))
    theirs = x[:, :, 0].permute(0, 2, 1)
    theirs.backward(torch.tensor(gradient, dtype=torch.float64))
    np.testing.assert_allclose(logits, theirs.detach().numpy(), atol=1e-4)
    for own, right in zip(found, parameters, strict=True):
        expected = right.grad.numpy()
        expected = expected.transpose(3, 2, 1, 0) if expected.ndim == 4 else expected
        np.testing.assert_allclose(own, expected, atol=1e-4 * max(1, np.abs(expected).max()))


def test_gradients_do_not_depend_on_earlier_batches():
    network, work = small_network(), Workspace()
    run(network, images_for(network, 5, 40, seed=3), work)
    run(network, images_for(network, 3, 24, seed=4), work)
    logits, _, found = run(network, images_for(network), work)
    expected_logits, _, expected = run(network, images_for(network))
    np.testing.assert_array_equal(logits, expected_logits)
    for own, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(own, other)


def test_dropout_depends_on_the_generator_only_and_keeps_the_mean():
    network, work = small_network(), Workspace()
    images = images_for(network, 2)

    def logits(seed):
        return network.forward(images, work, np.random.default_rng(seed))

    np.testing.assert_array_equal(logits(0), logits(0))
    assert not np.array_equal(logits(0), logits(1))
    drops = []
    for seed in range(300):
        logits(seed)
        drops.append([work.kept[f"dropped {name}"].copy() for name in ("columns", "hidden")])
    rates = _network._DROPOUT_OF_COLUMNS, _network._DROPOUT_OF_HIDDEN
    for masks, rate in zip(zip(*drops, strict=True), rates, strict=True):
        values, counts = np.unique(masks, return_counts=True)
        np.testing.assert_allclose(values, [0, 1 / (1 - rate)], rtol=1e-6)
        assert counts[0] / counts.sum() == pytest.approx(rate, abs=0.005)


def test_the_gradient_passes_where_dropout_keeps_values():
    # With the same drops, the output is linear in the last weights.
    network = small_network()
    images = images_for(network)
    logits, gradient, found = run(network, images)
    step = np.random.default_rng(3).normal(size=network.output.weights.shape).astype(np.float32)
    network.output.weights += step
    moved, _, _ = run(network, images)
    change = float(np.vdot(moved - logits, gradient))
    assert float(np.vdot(found[-2], step)) == pytest.approx(change, rel=1e-3)
