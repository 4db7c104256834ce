"""The network for prediction, compared with the trained network and its running statistics."""

import numpy as np
import pytest

from plain_network import network_logits
from skcaptcha.exceptions import ReadingError
from skcaptcha.read.convolutional._folded_network import FoldedNetwork, fold
from skcaptcha.read.convolutional._layers import Workspace
from skcaptcha.read.convolutional._network import Network


def trained(height: int = 16) -> Network:
    """A network with running statistics of some batches."""
    rng = np.random.RandomState(0)
    network = Network(height, 5, rng, channels=(3, 4, 5, 4, 6), n_hidden=7)
    for block in [*network.blocks, network.hidden]:
        block.scale[:] = rng.uniform(0.7, 1.5, block.scale.shape)
        block.shift[:] = rng.uniform(-0.3, 0.5, block.shift.shape)
    network.bias[:] = rng.normal(size=5)
    work = Workspace()
    for seed in range(30):
        images = np.stack([image_of(24, height, seed=100 * seed + i) for i in range(4)])
        network.forward(images, work, np.random.default_rng(seed))
        network.update_statistics(work)
    return network


def image_of(width: int, height: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)


def unfolded_logits(network: Network, image: np.ndarray) -> np.ndarray:
    """The logits of the network with its running statistics."""
    statistics = [(block.mean, block.variance) for block in [*network.blocks, network.hidden]]
    return network_logits(image[None], network.parameters, statistics)[0]


def test_folding_keeps_the_logits():
    network = trained()
    folded = fold(network)
    for width in (4, 8, 24, 100):
        image = image_of(width)
        logits = folded.logits(image)
        assert logits.shape == (width // 4, 5)
        np.testing.assert_allclose(logits, unfolded_logits(network, image), atol=1e-4)


def test_other_heights():
    for height in (8, 24, 48):
        network = trained(height)
        image = image_of(32, height)
        expected = unfolded_logits(network, image)
        np.testing.assert_allclose(fold(network).logits(image), expected, atol=1e-4)


def test_logits_do_not_depend_on_other_images():
    folded = fold(trained())
    widths = [4, 24, 100, 8, 24]
    alone = [fold(trained()).logits(image_of(w, seed=i)) for i, w in enumerate(widths)]
    for order in (range(5), (4, 2, 0, 1, 3)):
        for i in order:
            np.testing.assert_array_equal(folded.logits(image_of(widths[i], seed=i)), alone[i])


def test_a_batch_gives_the_same_bits():
    folded = fold(trained())
    images = [image_of(w, seed=i) for i, w in enumerate([24, 100, 24, 8, 100, 24])]
    found = folded.batch_logits(images)
    assert len(found) == len(images)
    for image, logits in zip(images, found, strict=True):
        np.testing.assert_array_equal(logits, folded.logits(image))
    assert folded.batch_logits([]) == []


def test_a_folded_network_does_not_change_with_further_training():
    network = trained()
    folded = fold(network)
    before = folded.logits(image_of(24))
    for parameter in network.parameters:
        parameter[...] = 1
    network.update_statistics(trained_workspace(network))
    np.testing.assert_array_equal(folded.logits(image_of(24)), before)


def trained_workspace(network: Network) -> Workspace:
    work = Workspace()
    network.forward(image_of(24)[None], work, np.random.default_rng(0))
    return work


def test_it_consists_of_plain_arrays():
    folded = fold(trained())
    again = FoldedNetwork(folded.height, folded.weights, folded.biases, folded.pools)
    np.testing.assert_array_equal(again.logits(image_of(24)), folded.logits(image_of(24)))
    assert {a.dtype for a in [*folded.weights, *folded.biases]} == {np.dtype(np.float32)}


DAMAGES = {
    "a missing bias": lambda net: net.biases.pop(),
    "no layers": lambda net: (net.weights.clear(), net.biases.clear(), net.pools.clear()),
    "no lists": lambda net: setattr(net, "weights", 3),
    "text as height": lambda net: setattr(net, "height", "16"),
    "another height": lambda net: setattr(net, "height", 24),
    "a huge height": lambda net: setattr(net, "height", 8 * 10**9),
    "other channels": lambda net: net.weights.__setitem__(1, net.weights[2]),
    "a bias of another shape": lambda net: net.biases.__setitem__(0, net.biases[0][:1]),
    "a matrix": lambda net: net.weights.__setitem__(0, net.weights[0][0, 0]),
    "text as weights": lambda net: net.weights.__setitem__(0, "weights"),
    "objects": lambda net: net.weights.__setitem__(0, net.weights[0].astype(object)),
    "a pool of zero": lambda net: net.pools.__setitem__(1, (0, 0)),
    "a huge pool": lambda net: net.pools.__setitem__(1, (2**40, 2)),
    "text as pool": lambda net: net.pools.__setitem__(1, "ab"),
    "an array as pool": lambda net: net.pools.__setitem__(1, np.ones((2, 2))),
    "nothing as pool": lambda net: net.pools.__setitem__(1, None),
    "too few maxima": lambda net: net.pools.__setitem__(1, (1, 1)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_network_is_refused(damage):
    folded = fold(trained())
    folded.check(16, 5)
    damage(folded)
    with pytest.raises(ReadingError, match="damaged"):
        folded.check(16, 5)


@pytest.mark.parametrize(("height", "n_outputs"), [(24, 5), (16, 4), (None, 5), ("16", 5)])
def test_a_network_for_other_images_or_classes_is_refused(height, n_outputs):
    with pytest.raises(ReadingError, match="damaged"):
        fold(trained()).check(height, n_outputs)
