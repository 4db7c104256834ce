"""AdamW, compared with its definition and with PyTorch."""

import numpy as np
import pytest

from skcaptcha.read.convolutional._optimizer import AdamW


def problem(seed: int = 0):
    """Parameters (a matrix and a vector) and gradients of five steps, of norm at most 5."""
    rng = np.random.default_rng(seed)
    shapes = (3, 4), (5,)
    parameters = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    gradients = [[rng.normal(size=s).astype(np.float32) / 2 for s in shapes] for _ in range(5)]
    return parameters, gradients


RATES = [0.01, 0.02, 0.03, 0.02, 0.001]


def test_by_definition():
    parameters, gradients = problem()
    expected = [p.astype(float) for p in parameters]
    first = [np.zeros_like(p) for p in expected]
    second = [np.zeros_like(p) for p in expected]
    optimizer = AdamW(parameters, weight_decay=0.1, max_norm=100)
    for t, (own, rate) in enumerate(zip(gradients, RATES, strict=True), start=1):
        optimizer.step(own, rate)
        for i, g in enumerate(own):
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g.astype(float) ** 2
            deviation = np.sqrt(second[i] / (1 - 0.999**t)) + 1e-8
            decay = 0.1 if i == 0 else 0  # vectors do not decay
            expected[i] = expected[i] * (1 - rate * decay)
            expected[i] -= rate * first[i] / (1 - 0.9**t) / deviation
    for own, right in zip(parameters, expected, strict=True):
        np.testing.assert_allclose(own, right, rtol=1e-5, atol=1e-6)


def test_it_agrees_with_pytorch():
    torch = pytest.importorskip("torch")
    parameters, gradients = problem()
    theirs = [torch.tensor(p.astype(float), requires_grad=True) for p in parameters]
    groups = [
        {"params": [theirs[0]], "weight_decay": 0.1},
        {"params": [theirs[1]], "weight_decay": 0.0},
    ]
    reference = torch.optim.AdamW(groups)
    optimizer = AdamW(parameters, weight_decay=0.1, max_norm=1.5)
    for own, rate in zip(gradients, RATES, strict=True):
        optimizer.step(own, rate)
        for tensor, gradient in zip(theirs, own, strict=True):
            tensor.grad = torch.tensor(gradient.astype(float))
        torch.nn.utils.clip_grad_norm_(theirs, 1.5)
        for group in reference.param_groups:
            group["lr"] = rate
        reference.step()
    for own, right in zip(parameters, theirs, strict=True):
        np.testing.assert_allclose(own, right.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_gradients_are_clipped_together():
    (matrix, vector), gradients = problem()
    norm = np.sqrt(sum((g.astype(float) ** 2).sum() for g in gradients[0]))
    results = []
    # Clipped to the same norm, gradients of any size are the same; the second step shows it,
    # because the first step of Adam does not depend on the size.
    for scale in (1, 1000):
        parameters = [matrix.copy(), vector.copy()]
        optimizer = AdamW(parameters, max_norm=norm / 2)
        optimizer.step([scale * g for g in gradients[0]], 0.01)
        optimizer.step([g / 100 for g in gradients[1]], 0.01)
        results.append(parameters)
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_a_gradient_of_zero_only_decays_matrices():
    (matrix, vector), gradients = problem()
    parameters = [matrix.copy(), vector.copy()]
    AdamW(parameters, weight_decay=0.5).step([np.zeros_like(g) for g in gradients[0]], 0.1)
    np.testing.assert_allclose(parameters[0], 0.95 * matrix, rtol=1e-6)
    np.testing.assert_array_equal(parameters[1], vector)
