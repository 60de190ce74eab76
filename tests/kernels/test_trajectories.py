"""Slow orbits solved for all their blocks at once equal the dense run, and what has no such solution is left alone."""

from typing import Any

import numpy as np
import pytest

from symgrad.derivation import gradient
from symgrad.kernels import Outcome, stretches, to_kernel, trajectories
from symgrad.maps import Map
from symgrad.symbols import n


def run(text: str, start: Any, depth: int, backend: str, **values: Any) -> Outcome:
    kernel = to_kernel(gradient(Map(text, "x") ** n, "(x - 0.2)**2", wrt=tuple(values)), backend=backend)
    return kernel(start, values, depth=depth)


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Collects whether each orbit that was tried was carried at once."""
    found: list[bool] = []

    def watched(*arguments: Any) -> Any:
        carried = trajectories.follow(*arguments)
        found.extend(carried.tolist())
        return carried

    monkeypatch.setattr(stretches, "follow", watched)
    return found


@pytest.mark.parametrize(
    ("text", "w", "b"),
    [
        ("tanh(w*x + b)", [0.997, 0.9995, 1.0, -0.998], 0.0001),
        ("w*tanh(x) + b", [-1.2, 0.999, 0.99], [0.3, 0.0, 0.002]),
        ("w*x*(1 - x) + b", [2.99, 3.0, 3.44], 0.0),
    ],
)
def test_a_slow_orbit_carried_at_once_equals_the_dense_run(text: str, w: Any, b: Any, followed: list[bool]) -> None:
    fast, dense = (run(text, 0.3, 8000, backend, w=w, b=b) for backend in ("numpy", "lambdify"))
    assert sum(followed) >= 2
    assert fast.state[0] == pytest.approx(dense.state[0], rel=1e-10)
    assert fast.product.log_abs == pytest.approx(dense.product.log_abs, rel=1e-10, abs=1e-10)
    assert fast.product.sign.tolist() == dense.product.sign.tolist()
    for name in "wb":
        assert fast.gradient[name].value == pytest.approx(dense.gradient[name].value, rel=1e-9)


def test_chaos_is_not_carried_at_once(followed: list[bool]) -> None:
    for rate in (4.0, 3.9):
        run("r*x*(1 - x)", 0.3, 8000, "numpy", r=rate)
    assert not any(followed)


def test_a_trajectory_that_does_not_converge_is_refused(monkeypatch: pytest.MonkeyPatch, followed: list[bool]) -> None:
    """With one iteration no equation holds to rounding; the blocks are then run one after another, and right."""
    monkeypatch.setattr(trajectories, "ITERATIONS", 1)
    outcome = run("tanh(w*x + b)", 0.3, 6000, "numpy", w=0.999, b=0.001)
    dense = run("tanh(w*x + b)", 0.3, 6000, "lambdify", w=0.999, b=0.001)
    assert followed
    assert not any(followed)
    assert outcome.gradient["w"].value == pytest.approx(float(dense.gradient["w"].value), rel=1e-11)


@pytest.mark.parametrize("orbits", [1, 5, trajectories.SEVERAL + 1])
def test_the_recurrence_is_that_of_a_loop(orbits: int) -> None:
    rng = np.random.default_rng(1)
    factors, terms = rng.normal(size=(2, 50, orbits))
    value = first = rng.normal(size=orbits)
    for j, found in enumerate(trajectories.affine_recurrence(factors, terms, first)):
        value = factors[j] * value + terms[j]
        assert found.tolist() == value.tolist()


def test_orbits_carried_together_do_not_meet(followed: list[bool]) -> None:
    """Some creep, some are on their way, some alternate: each as if it were alone."""
    w = np.concatenate([np.linspace(0.999, 1.001, trajectories.SEVERAL), [-0.9999, -1.0001]])
    fast, dense = (run("tanh(w*x + b)", 0.3, 8000, backend, w=w, b=1e-6) for backend in ("numpy", "lambdify"))
    assert sum(followed) >= trajectories.SEVERAL
    assert fast.state[0] == pytest.approx(dense.state[0], rel=1e-10)
    assert fast.product.log_abs == pytest.approx(dense.product.log_abs, rel=1e-10)
    for name in "wb":
        assert fast.gradient[name].value == pytest.approx(dense.gradient[name].value, rel=1e-9)
