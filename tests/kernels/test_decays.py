"""Orbits that die away at a fixed point 0 are as easy at depth three million as at fifty."""

from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.derivation import gradient
from symgrad.errors import InputError
from symgrad.kernels import Outcome, SignedLog, decays, llvm, numpy_backend, to_kernel
from symgrad.kernels.decays import Decay, decay_of
from symgrad.kernels.powers import power
from symgrad.kernels.since import Since
from symgrad.maps import Map
from symgrad.symbols import n

DEPTH = 3 * 10**6
FAST = ["numpy", *(["llvm"] if llvm.available() else [])]


def run(text: str, start: Any, depth: int, backend: str, loss: str | None, **values: Any) -> Outcome:
    kernel = to_kernel(gradient(Map(text, "x") ** n, loss, wrt=tuple(values)), backend=backend)
    return kernel(start, values, depth=depth)


def linear_tail(w: float, start: float, steps: int, depth: int) -> tuple[Any, Any]:
    """Return log|x| and log|dx/dw| of tanh(w x) with 60 digits: so many steps one by one, and x -> w x after them."""
    ctx = mpmath.MPContext()
    ctx.dps = 60
    w_, x, s = ctx.mpf(w), ctx.mpf(start), ctx.mpf(0)
    for _ in range(steps):
        y = ctx.tanh(w_ * x)
        x, s = y, (1 - y * y) * (w_ * s + x)
    left = depth - steps
    slope = w_**left * s + left * w_ ** (left - 1) * x
    return ctx.log(abs(w_**left * x)), ctx.log(abs(slope))


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("loss", [None, "(x - 7/10)**2", "x**2"])
@pytest.mark.parametrize("w", [0.5, -0.9])
def test_a_slope_that_underflows_is_a_closed_form(w: float, loss: str | None, backend: str) -> None:
    outcome = run("tanh(w*x)", 0.5, DEPTH, backend, loss, w=w)
    x, slope = (float(v) for v in linear_tail(w, 0.5, 600, DEPTH))
    assert float(outcome.state_log.log_abs[0]) == pytest.approx(x, rel=1e-13)
    outer = {None: 0.0, "(x - 7/10)**2": np.log(1.4), "x**2": np.log(2.0) + x}[loss]
    assert float(outcome.gradient["w"].log_abs) == pytest.approx(slope + outer, rel=1e-13)


def test_slow_decay_is_carried_at_once_and_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """tanh(w x) with w = 0.995: the float run reaches 2**-300 after 4e4 steps, the closed form does the rest."""
    depth = 200_000
    taken: list[int] = []

    def watched(*arguments: Any) -> Any:
        taken.append(arguments[-1])
        return Since(*arguments)

    monkeypatch.setattr(numpy_backend, "Since", watched)
    outcome = run("tanh(w*x)", 0.5, 2 * depth, "numpy", None, w=0.995)
    assert len(taken) == 1
    assert 0 < taken[0] < 2 * depth
    once = run("tanh(w*x)", 0.5, depth, "numpy", None, w=0.995)
    step = depth * mpmath.log(mpmath.mpf(0.995))
    assert float(outcome.state_log.log_abs[0]) == pytest.approx(float(once.state_log.log_abs[0] + step), rel=1e-12)
    assert float(outcome.product.log_abs) == pytest.approx(float(once.product.log_abs + step), rel=1e-12)


@pytest.mark.parametrize("backend", FAST)
def test_constants_and_slopes_go_with_what_they_multiply(backend: str) -> None:
    """x -> w x + c v, v = 0: dx/dv tends to c/(1 - w), dx/dw dies away like n w**(n - 1)."""
    depth = 10**6
    outcome = run("w*tanh(x) + v", 0.5, depth, backend, "x", w=0.75, v=0.0)
    assert float(outcome.gradient["v"].value) == pytest.approx(4.0, rel=1e-13)
    deeper = run("w*tanh(x) + v", 0.5, 2 * depth, backend, "x", w=0.75, v=0.0)
    step = depth * np.log(0.75) + np.log(2.0)  # n w**(n - 1) x_0, but for terms of relative size 1/n
    found = float(deeper.gradient["w"].log_abs - outcome.gradient["w"].log_abs)
    assert found == pytest.approx(step, rel=1e-10)


def test_what_does_not_die_away_linearly_is_not_taken_for_it() -> None:
    one, half = SignedLog.from_float([1.0]), SignedLog.from_float([0.5])
    tiny = SignedLog.from_parts([1.0], -100)
    states = [SignedLog.from_parts([1.0], -100 - i) for i in range(3)]
    _, holds = decay_of(states, (half, half), ([one], [one]))
    assert holds.tolist() == [True]
    square = [tiny, SignedLog.from_parts([1.0], -200), SignedLog.from_parts([1.0], -400)]
    assert not decay_of(square, (half, half), ([one], [one]))[1].any()
    assert not decay_of(states, (half, one), ([one], [one]))[1].any()
    assert not decay_of(states, (half, half), ([one], [SignedLog.from_float([0.7])]))[1].any()
    large = [SignedLog.from_parts([1.0], -i) for i in range(3)]
    assert not decay_of(large, (half, half), ([one], [one]))[1].any()


def test_the_law_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the same orbits are refused after a million steps."""
    monkeypatch.setattr(decays, "SMALL", SignedLog.from_parts(1.0, -(10**9)))
    monkeypatch.setattr("symgrad.kernels.unlimited.DEEPEST", 500)
    with pytest.raises(InputError, match=r"1 point\(s\) leave float64 and have not settled"):
        run("tanh(w*x)", 0.5, DEPTH, "numpy", None, w=0.5)


def test_powers_of_a_law_are_its_repetition() -> None:
    factor, slope, constant = (SignedLog.from_float([v]) for v in (-0.5, 0.3, 2.0))
    law = Decay(factor, (slope,), (constant,))
    once, x, s = power(law, 13), 0.7, 0.1
    first = x
    for _ in range(13):
        x, s = -0.5 * x, -0.5 * s + 0.3 * x + 2.0
    found = once.factor.value * 0.1 + once.slopes[0].value * first + once.constants[0].value
    assert float(found[0]) == pytest.approx(s, rel=1e-14)
