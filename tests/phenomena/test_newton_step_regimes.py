"""Newton's step of a composition as layers are added, and one table of regimes for updates and layers."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

from symgrad.derivation import Regime, gradient_step, momentum_step, newton, newton_of_composition
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import composition_newton_step
from symgrad.maps import Map, expand_activations
from symgrad.phenomena.newton.step_regimes import BEHAVIOURS, StepBehaviour, step_regime, step_statements, step_surface
from symgrad.phenomena.newton.update_regimes import HEADINGS, regime_of_update, update_regimes
from symgrad.sweeps import Axis
from symgrad.symbols import n, real

TANH = newton_of_composition(Map("tanh(w*x)", "x") ** n, "y")
REFERENCE = newton_of_composition(Map("w*sigmoid(x) + b", "x") ** n, "log(7/3)")
HALF = sympy.Rational(1, 2)
LINE = 0.5 - 5 / (1 + math.exp(-0.5))

STEPS = [
    (1, {"w": 0.5, "y": 0.1}, StepBehaviour.EXPLODING, Verdict.PROVED, math.log(2)),
    (0, {"w": 2, "y": 0.1}, StepBehaviour.FREEZING, Verdict.PROVED, -math.log(2)),
    (0, {"w": 1, "y": 0.1}, StepBehaviour.CONSTANT, Verdict.PROVED, 0.0),
    (0, {"w": -1, "y": 0.1}, StepBehaviour.ALTERNATING, Verdict.PROVED, 0.0),
    (1, {"w": 1, "y": 0.1}, StepBehaviour.UNDECIDED, Verdict.UNDECIDED, None),
    (1, {"w": 2, "y": 0.1}, StepBehaviour.EXPLODING, Verdict.SAMPLED, None),
]


@pytest.mark.parametrize(("start", "values", "behaviour", "verdict", "rate"), STEPS)
def test_the_step_is_the_inverse_of_the_product(
    start: float, values: dict[str, float], behaviour: StepBehaviour, verdict: Verdict, rate: float | None
) -> None:
    found = step_regime(TANH, start, values, depth=200)
    assert (found.behaviour, found.verdict) == (behaviour, verdict)
    assert found.rate_at_fixed_residual == -found.product_rate
    if rate is not None:
        assert found.rate == pytest.approx(rate, abs=1e-12)
    assert not found.residual_moves


def test_towards_the_attractor_the_step_does_not_explode() -> None:
    """With y = 0, where tanh(x/2) leads, the residual vanishes like the product, and the step tends to a constant."""
    found = step_regime(TANH, 1, {"w": 0.5, "y": 0}, depth=200)
    assert found.behaviour is StepBehaviour.EXPLODING
    assert found.residual_moves
    assert found.rate == pytest.approx(0, abs=1e-10)
    assert "the residual moves too" in found.statement


def test_a_dead_factor_leaves_no_step() -> None:
    found = step_regime(TANH, 0, {"w": 0, "y": 0.1}, depth=20)
    assert found.behaviour is StepBehaviour.UNDEFINED
    assert np.isnan(found.step.log_step)


@pytest.mark.parametrize("depth", [3, 40])
def test_the_exact_statements_hold_at_every_depth(depth: int) -> None:
    """On a fixed start the step is (y - x)/f'(x)^n; below a uniform bound q it is at least the residual over q^n."""
    (freezing,) = (s for s in step_statements(REFERENCE, HALF) if s.behaviour is StepBehaviour.FREEZING)
    assert freezing.step is not None
    with mpmath.workdps(60):
        sigma = 1 / (1 + mpmath.exp(-mpmath.mpf(1) / 2))
        known = (mpmath.log(mpmath.mpf(7) / 3) - mpmath.mpf(1) / 2) / (5 * sigma * (1 - sigma)) ** depth
    value = expand_activations(freezing.step).subs({real("w"): 5, n: depth}).evalf(30)
    assert float(value) == pytest.approx(float(known), rel=1e-12)
    bound = step_statements(TANH, 1)[0]
    found = composition_newton_step(TANH, 1, {"w": 0.5, "y": 0.1}, depth)
    assert bound.bound == real("w")
    assert found.log_step >= found.residual.log_abs + depth * math.log(2)


def test_a_constant_factor_claims_no_step_it_does_not_know() -> None:
    """Planted trap: x -> wx + b has the multiplier of a fixed start at every start, but its residual moves."""
    line = newton_of_composition(Map("w*x + b", "x") ** n, "y")
    found = step_statements(line, 1)
    assert {s.behaviour for s in found} >= {StepBehaviour.EXPLODING, StepBehaviour.FREEZING}
    assert all(s.step is None for s in found)


def test_on_the_wall_of_the_reference_surface_the_step_freezes() -> None:
    """At w = 5 on the basin line it freezes; beside it, on the plateaus, it explodes."""
    on = step_regime(REFERENCE, HALF, {"w": 5, "b": LINE}, depth=30)
    assert on.rate == pytest.approx(-math.log(5 * 0.2350037122), abs=1e-6)
    beside = step_regime(REFERENCE, HALF, {"w": 5, "b": LINE + 0.05}, depth=200)
    assert beside.behaviour is StepBehaviour.EXPLODING
    surface = step_surface(REFERENCE, Axis("w", 4, 8, 9), Axis("b", -6, -1, 11), start=HALF, depth=50)
    assert surface.log_step.shape == (9, 11)
    assert surface.shares()["exploding"] > 0.9
    point = composition_newton_step(REFERENCE, 0.5, {"w": 4.5, "b": -5.5}, 50)
    assert surface.log_step[1, 1] == pytest.approx(point.log_step, rel=1e-12)
    assert surface.behaviours.shape == (9, 11)


def test_a_surface_may_sweep_the_start() -> None:
    surface = step_surface(TANH, Axis("x", -1, 1, 3), parameters={"w": 2, "y": 0.5}, depth=60)
    assert [b.word for b in surface.behaviours] == ["exploding", "freezing", "exploding"]


def test_every_regime_of_the_product_has_a_behaviour_of_the_step() -> None:
    assert set(BEHAVIOURS) == set(Regime)


ROWS = [
    (
        "Newton at a simple root",
        newton("x**2 - 2", "x"),
        1,
        None,
        "vanishing",
        -math.inf,
        "superattracting fixed point",
    ),
    ("Newton without a root", newton("x**2 + 1", "x"), 0.7, None, "exploding", math.log(2), "chaotic"),
    ("Newton on a cycle", newton("x**3 - 2*x + 2", "x"), 0, None, "zero", -math.inf, "superattracting cycle of 2"),
    ("Newton near a cycle", newton("x**3 - 2*x + 2", "x"), 0.1, None, "vanishing", -math.inf, None),
    ("Newton at a triple root", newton("x**3", "x"), 1, None, "vanishing", math.log(2 / 3), "attracting fixed point"),
    ("Newton of a cube root", newton("sign(x)*abs(x)**(1/3)", "x"), 1, None, "exploding", math.log(2), "diverged"),
    ("gradient, stable", gradient_step("x**2/2", "x"), 1, {"eta": 0.5}, "vanishing", math.log(0.5), None),
    ("gradient, at the edge", gradient_step("x**2/2", "x"), 1, {"eta": 2}, "alternating", 0.0, None),
    ("gradient, too long", gradient_step("x**2/2", "x"), 1, {"eta": 3}, "exploding", math.log(2), "diverged"),
    ("heavy ball", momentum_step("x**2/2", "x"), (1, 0), {"eta": 0.5, "beta": 0.5}, "vanishing", None, "fixed point"),
    ("recurrent layer", Map("tanh(w*x)", "x"), 1, {"w": 0.5}, "vanishing", math.log(0.5), "attracting fixed point"),
]


@pytest.mark.parametrize(
    ("name", "update", "start", "values", "regime", "rate", "orbit"), ROWS, ids=[r[0] for r in ROWS]
)
def test_one_table_of_regimes(
    name: str, update: Map, start: Any, values: Any, regime: str, rate: float | None, orbit: str | None
) -> None:
    (found,) = update_regimes([(name, update, start, values)], steps=400)
    assert found.regime.word == regime
    if rate is not None:
        assert found.rate == pytest.approx(rate, abs=0.03)
    if orbit is not None:
        assert found.orbit_word == orbit
    assert len(found.row()) == len(HEADINGS)


def test_a_start_without_a_step_is_undecided() -> None:
    found = regime_of_update("Newton", newton("x**2 + 1", "x"), 0)
    assert (found.regime, found.orbit_word, found.verdict) == (Regime.UNDECIDED, "singular", Verdict.UNDECIDED)


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: step_regime(TANH, 1, {"w": 1, "y": 1}, depth=2), "the depth must be a whole number from 4"),
    (lambda: step_regime(TANH, [1, 2], {"w": 1, "y": 1}), "takes one start"),
    (
        lambda: step_regime(newton_of_composition(Map("w*x", "x") ** 3, "y"), 1, {"w": 1, "y": 1}),
        "needs a chain of symbolic depth",
    ),
    (lambda: regime_of_update("N", newton("x**2 + 1", "x"), 1, steps=2), "steps must be a whole number from 16"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_regimes_that_mean_nothing_are_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
