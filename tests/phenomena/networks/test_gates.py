"""What the forget gate changes: an LSTM against a vanilla RNN of equal width, with the factor between them."""

from typing import Any

import numpy as np
import pytest

from symgrad.phenomena.networks.architectures import Architecture, log_norms, walk

WIDTH, DEPTH, MEMBERS = 16, 60, 8


def same(found: Any, expected: Any, *, rtol: float = 1e-7, atol: float = 0.0) -> None:
    """Assert that two arrays agree."""
    assert np.allclose(found, expected, rtol=rtol, atol=atol)


def late_rates(network: Architecture) -> np.ndarray:
    """Return the rate of the whole product over the second half of the steps, for each net."""
    logs = log_norms(walk(network, width=WIDTH, depth=DEPTH, members=MEMBERS, rng=np.random.default_rng(3)))
    return np.asarray((logs[-1] - logs[DEPTH // 2 - 1]) / (DEPTH - DEPTH // 2))


def mean_forget_gate(network: Architecture) -> float:
    steps = walk(network, width=WIDTH, depth=DEPTH, members=MEMBERS, rng=np.random.default_rng(3))
    return float(np.mean([step.value("f").mean() for step in steps]))


def test_forget_bias_1_halves_the_rate_of_a_vanilla_rnn_and_bias_0_does_not() -> None:
    rnn = late_rates(Architecture("r", "rnn"))
    closed, opened = (Architecture("l", "lstm", forget_bias=b) for b in (0, 1))
    error = 4 * rnn.std(ddof=1) / np.sqrt(MEMBERS)
    assert late_rates(opened).mean() > rnn.mean() / 2 - error
    assert late_rates(closed).mean() < rnn.mean() * 0.7
    assert mean_forget_gate(closed) == pytest.approx(0.5, abs=0.02)
    assert mean_forget_gate(opened) == pytest.approx(0.70, abs=0.03)


def test_chrono_gates_keep_the_product_over_their_horizon() -> None:
    network = Architecture("l", "lstm", forget_bias="chrono")
    assert late_rates(network).mean() > -5 / DEPTH
    assert mean_forget_gate(network) > 0.9


def test_without_the_paths_through_gates_the_product_of_forget_gates_remains() -> None:
    network = Architecture("l", "lstm", forget_bias=1)
    product, forgotten = np.eye(8)[:, :, None], np.ones((4, 1))
    words = ("input gate", "through the forget gate", "and the forget gate", "candidate", "output gate")
    for step in walk(network, width=4, depth=12, members=1, rng=np.random.default_rng(0)):
        product = np.einsum("ijm,jkm->ikm", step.without(*words), product)
        forgotten = forgotten * step.value("f")
    same(product[4:, 4:, 0], np.diag(forgotten[:, 0]), rtol=1e-12, atol=1e-300)
