"""The CTC loss, compared with an enumeration of all alignments, finite differences and PyTorch."""

from itertools import groupby, pairwise, product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp

from skcaptcha.read.convolutional._ctc_loss import ctc_loss, log_likelihoods


def pad(labels):
    targets = np.full((len(labels), max(map(len, labels))), -1)
    for i, label in enumerate(labels):
        targets[i, : len(label)] = label
    return targets


def loss_by_enumeration(log_probabilities, label):
    """Sum the probabilities of all sequences of columns that spell the label."""
    n_columns, n_outputs = log_probabilities.shape
    scores = [
        log_probabilities[range(n_columns), sequence].sum()
        for sequence in product(range(n_outputs), repeat=n_columns)
        if [k for k, _ in groupby(sequence) if k < n_outputs - 1] == label
    ]
    return -logsumexp(scores) if scores else np.inf


@st.composite
def captchas(draw):
    """Draw logits of one to three captchas of up to five columns, labels, and their columns."""
    n_classes = draw(st.integers(1, 3))
    n_columns = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    label = st.lists(st.integers(0, n_classes - 1), max_size=4)
    labels = [draw(label) for _ in n_columns]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    logits = rng.normal(size=(len(labels), max(n_columns), n_classes + 1))
    return draw(st.sampled_from([1.0, 30.0])) * logits, labels, np.array(n_columns)


@given(captchas())
def test_losses_by_enumeration(problem):
    logits, labels, n_columns = problem
    log_probabilities = log_softmax(logits, axis=2)
    losses, _ = ctc_loss(log_probabilities, pad(labels), n_columns)
    expected = [
        loss_by_enumeration(own[:n], label)
        for own, label, n in zip(log_probabilities, labels, n_columns, strict=True)
    ]
    np.testing.assert_allclose(losses, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(
        log_likelihoods(log_probabilities, pad(labels), n_columns), -losses
    )


@given(captchas())
def test_gradient_by_finite_differences(problem):
    logits, labels, n_columns = problem
    targets = pad(labels)
    losses, gradient = ctc_loss(log_softmax(logits, axis=2), targets, n_columns)
    possible = np.isfinite(losses)
    step = 1e-5
    expected = np.zeros_like(logits)
    for i in np.flatnonzero(possible):
        changes = step * np.eye(logits[i].size).reshape(-1, *logits[i].shape)
        n = len(changes)
        after, before = (
            ctc_loss(log_softmax(moved, axis=2), targets[[i] * n], n_columns[[i] * n])[0]
            for moved in (logits[i] + changes, logits[i] - changes)
        )
        expected[i] = ((after - before) / (2 * step)).reshape(logits[i].shape)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)
    assert (gradient[np.arange(logits.shape[1]) >= n_columns[:, None]] == 0).all()
    assert (gradient[~possible] == 0).all()


@example([0, 0], 2)
@given(st.lists(st.integers(0, 2), max_size=5), st.integers(1, 9))
def test_a_label_needs_columns_for_its_characters_and_for_blanks_between_equal_ones(label, n):
    needed = len(label) + sum(a == b for a, b in pairwise(label))
    logits = np.zeros((1, n, 4))
    losses, gradient = ctc_loss(log_softmax(logits, axis=2), pad([label]), np.array([n]))
    assert np.isfinite(losses[0]) == (needed <= n)
    assert np.isfinite(gradient).all()
    assert gradient.any() or needed > n


@given(captchas(), st.integers(0, 2**32 - 1))
def test_results_do_not_depend_on_padding_or_on_the_batch(problem, seed):
    logits, labels, n_columns = problem
    log_probabilities = log_softmax(logits, axis=2)
    losses, gradient = ctc_loss(log_probabilities, pad(labels), n_columns)
    rng = np.random.default_rng(seed)
    for i, n in enumerate(n_columns):
        wider = rng.normal(size=(1, n + 3, logits.shape[2]))
        wider[0, :n] = log_probabilities[i, :n]
        longer = pad([[*labels[i], -1, -1]])
        own_losses, own_gradient = ctc_loss(wider, longer, n_columns[[i]])
        assert own_losses[0] == losses[i]
        np.testing.assert_allclose(own_gradient[0, :n], gradient[i, :n], rtol=1e-12, atol=1e-15)
        assert not own_gradient[0, n:].any()


def test_very_improbable_labels_have_exact_losses():
    """Their likelihoods are far below the smallest float."""
    logits = np.zeros((1, 40, 3), dtype=np.float32)
    logits[:, :, 2] = 200
    logits[:, :, 1] = -200
    losses, gradient = ctc_loss(log_softmax(logits, axis=2), np.array([[1] * 20]), np.array([40]))
    # Of the 20 blanks, 19 separate the characters; the other one has 21 places.
    assert losses[0] == pytest.approx(20 * 400 - np.log(21), rel=1e-7)
    np.testing.assert_allclose(gradient.sum(axis=2), 0, atol=1e-4)
    assert gradient.dtype == np.float32


def test_losses_and_gradients_of_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    n_columns, lengths = rng.integers(20, 46, 16), rng.integers(0, 9, 16)
    # Few classes, so that many neighbors are equal.
    labels = [rng.integers(0, 4, length).tolist() for length in lengths]
    logits = 3 * rng.normal(size=(16, 45, 37))
    tensor = torch.tensor(logits, requires_grad=True)
    theirs = torch.nn.functional.ctc_loss(
        torch.log_softmax(tensor, dim=2).transpose(0, 1),
        torch.tensor(np.concatenate(labels).astype(int)),
        torch.tensor(n_columns),
        torch.tensor(lengths),
        blank=36,
        reduction="none",
    )
    theirs.sum().backward()
    log_probabilities = log_softmax(logits, axis=2).astype(np.float32)
    losses, gradient = ctc_loss(log_probabilities, pad(labels), n_columns)
    np.testing.assert_allclose(losses, theirs.detach().numpy(), rtol=1e-5)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), atol=1e-5)
