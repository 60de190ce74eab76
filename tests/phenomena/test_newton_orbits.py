"""Fates, rates and orders of Newton orbits, against known dynamics and loops of their own."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.derivation import gradient_step, newton, update
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map
from symgrad.phenomena.newton.attractors import attractor_at
from symgrad.phenomena.newton.orbits import KEPT, Fate, newton_orbit
from symgrad.phenomena.newton.scalar_maps import scalar_map


def orbit_of(F: str, start: Any, steps: int = 200, **more: Any) -> Any:
    return newton_orbit(newton(F, "x"), start, steps, **more)


def test_no_real_root_is_chaos_of_rate_log_2() -> None:
    """Newton's map of x² + 1 is conjugate to angle doubling: 100 000 steps, undecided, rate log 2."""
    found = orbit_of("x**2 + 1", 0.7, 100_000)
    assert found.fate is Fate.UNDECIDED
    assert found.verdict is Verdict.UNDECIDED
    assert found.steps == 100_000
    assert abs(found.rate - math.log(2)) < 0.02
    assert len(found.orbit) <= KEPT + 2
    assert found.indices[-1] == 100_000


def test_the_orbit_kept_is_the_orbit() -> None:
    found = orbit_of("x**2 + 1", 0.7, 500)
    x, log = 0.7, 0.0
    for point in found.orbit[1:]:
        log += math.log((x * x + 1) / (2 * x * x))
        x = x - (x * x + 1) / (2 * x)
        assert point == pytest.approx(x, rel=1e-9) or abs(x) > 1e3
        x = float(point)
    assert found.log_product == pytest.approx(log, rel=1e-9)


def test_a_root_of_cosine() -> None:
    found = orbit_of("cos(x) - x", 1, 50)
    assert found.fate is Fate.CONVERGED
    assert found.root == pytest.approx(float(mpmath.findroot(lambda t: mpmath.cos(t) - t, 1)), abs=1e-16)
    assert found.order == pytest.approx(2, abs=0.01)
    assert found.rate == -math.inf
    assert found.verdict is Verdict.SAMPLED


def test_the_cube_root_diverges_at_rate_log_2() -> None:
    found = orbit_of("sign(x)*abs(x)**(1/3)", 1, 40)
    assert found.fate is Fate.DIVERGED
    assert found.rate == pytest.approx(math.log(2), rel=1e-12)
    assert found.orbit.tolist() == [(-2.0) ** k for k in range(41)]
    assert found.sign == 1


CONVERGED = [
    ("x**3 - 2*x + 2", -2, -1.7692923542386314, 2, -math.inf),
    ("x**3", 1, 0.0, 1, math.log(2 / 3)),
    ("x**3 - 3*x + 2", 2, 1.0, 1, math.log(1 / 2)),
    ("(x - 1)**2*(x + 2)", 2, 1.0, 1, math.log(1 / 2)),
    ("atan(x)", 1.2, 0.0, 3, -math.inf),
    ("exp(50*x) - 1", 1, 0.0, 2, -math.inf),
    ("x**2 - 1/10**30", 1, 1e-15, 2, -math.inf),
    ("tanh(3*x) - 1/2", 0.3, math.atanh(0.5) / 3, 2, -math.inf),
]


@pytest.mark.parametrize(("F", "start", "root", "order", "rate"), CONVERGED, ids=[row[0] for row in CONVERGED])
def test_roots_their_order_and_their_rate(F: str, start: float, root: float, order: float, rate: float) -> None:
    """Order 2 at simple roots (3 where F'' vanishes), and multiplier 1 - 1/m at an m-fold root."""
    found = orbit_of(F, start)
    assert found.fate is Fate.CONVERGED
    assert found.root == pytest.approx(root, rel=1e-14, abs=1e-200)
    assert found.order == pytest.approx(order, abs=0.02)
    assert found.rate == pytest.approx(rate, rel=1e-9)


def test_the_cycle_between_0_and_1() -> None:
    """x³ - 2x + 2 has the superattracting cycle {0, 1}: from 0 exactly, from 1/10 in the limit."""
    for start in (0, 0.1):
        found = orbit_of("x**3 - 2*x + 2", start, 100)
        assert found.fate is Fate.CYCLE
        assert found.cycle == (0.0, 1.0)
        assert found.attractor.kind == "superattracting"
        assert found.rate == -math.inf
    assert orbit_of("x**3 - 2*x + 2", 0, 100).sign == 0


def test_cycles_that_do_not_attract_are_called_so() -> None:
    """x² + 1 has the repelling cycle ±1/√3 of multiplier 4; √|x| the neutral cycles ±x."""
    repelling = orbit_of("x**2 + 1", 3**-0.5, 50)
    assert (repelling.fate, repelling.period) == (Fate.CYCLE, 2)
    assert repelling.attractor.multiplier == pytest.approx(4)
    assert "neighbours leave" in repelling.note
    neutral = orbit_of("sqrt(abs(x))", 1, 50)
    assert (neutral.cycle, neutral.attractor.kind) == ((-1.0, 1.0), "indifferent")


def test_a_start_on_a_critical_point_has_no_step() -> None:
    found = orbit_of("x**2 + 1", 0, 10)
    assert found.fate is Fate.SINGULAR
    assert found.steps == 0
    assert math.isnan(found.rate)
    assert "no value at 0" in found.statement


def test_a_start_on_a_multiple_root_has_converged() -> None:
    found = orbit_of("(x - 1)**2*(x + 2)", 1)
    assert (found.fate, found.root) == (Fate.CONVERGED, 1.0)


def test_escapes() -> None:
    """arctan beyond its escape radius 1.3917…, exp without a root, x·e^{-x} beyond its maximum."""
    for F, start in (("atan(x)", 1.5), ("exp(x)", 1), ("x*exp(-x)", 2.5), ("tanh(5*x)", 0.3)):
        assert orbit_of(F, start, 60).fate is Fate.DIVERGED, F
    assert orbit_of("atan(x)", 1.39, 60).fate is Fate.CONVERGED


def test_a_root_of_infinite_multiplicity_is_undecided_and_creeps() -> None:
    found = orbit_of("x*exp(-1/x**2)", 0.5, 60)
    assert found.fate is Fate.UNDECIDED
    assert "slower than geometric" in found.note
    assert -0.2 < found.rate < 0


def test_complex_starts() -> None:
    found = orbit_of("x**2 + 1", 0.5 + 1j, 60)
    assert (found.fate, found.root, found.domain) == (Fate.CONVERGED, 1j, "complex")
    assert "over the complex numbers" in found.note
    assert found.order == pytest.approx(2, abs=0.01)
    cube = newton_orbit(Map("z - (z**3 - 1)/(3*z**2)", "z", domain="complex"), -1 + 0.5j, 60)
    assert cube.root == pytest.approx(complex(-0.5, math.sqrt(3) / 2), abs=1e-15)
    assert cube.orbit.dtype == np.complex128


def test_parameters_have_values_and_gradient_steps_have_orbits() -> None:
    step = gradient_step("(x - a)**2", "x", eta="1/4")
    found = newton_orbit(step, 0, 200, parameters={"a": 3})
    assert (found.fate, found.root) == (Fate.CONVERGED, pytest.approx(3.0))
    assert found.rate == pytest.approx(math.log(0.5))
    assert found.order == pytest.approx(1, abs=0.01)
    sigmoid = newton_orbit(newton("w*sigmoid(x) + b - x", "x"), -5000.0, 50, parameters={"w": 2, "b": "1/10"})
    assert sigmoid.fate is Fate.CONVERGED
    assert sigmoid.root == pytest.approx(2 / (1 + math.exp(-sigmoid.root)) + 0.1)


def test_a_frozen_step_is_no_root() -> None:
    """Planted: steps of 1e-16 that lead nowhere, as Newton's where the product explodes."""
    found = newton_orbit(Map("x + 1/10**16", "x"), 0.5, 100)
    assert found.fate is Fate.UNDECIDED
    assert "multiplier there is not below 1" in found.note


def test_an_attractor_is_not_found_where_there_is_none() -> None:
    assert attractor_at(scalar_map(Map("2*x + 1", "x")), 5.0, 1) is None
    repelling = attractor_at(scalar_map(Map("2*x", "x")), 0.0, 1)
    assert repelling is not None
    assert (repelling.kind, repelling.rate) == ("repelling", math.log(2))


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: orbit_of("x**2 + 1", "one"), "the start must be a number"),
    (lambda: orbit_of("x**2 + 1", math.inf), "the start must be finite"),
    (lambda: orbit_of("x**2 + 1", 1, 0), "steps must be a positive integer"),
    (lambda: orbit_of("x**2 + 1", 1, tolerance=2.0), "tolerance must lie between 0 and 1"),
    (lambda: orbit_of("x**2 - a", 1), "parameter 'a' has no value"),
    (lambda: orbit_of("x**2 - a", 1, parameters={"a": 1, "c": 2}), "'c' is not a parameter here"),
    (lambda: orbit_of("x**2 - a", 1, parameters={"a": "two"}), "parameter 'a' must be a number"),
    (lambda: orbit_of("abs(x) - 1", 1j), "is a map of the real line"),
    (lambda: newton_orbit(Map(("x", "y"), ("x", "y")), 1), "a map of one component"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_orbits_that_mean_nothing_are_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_a_creeping_orbit_is_not_called_converged() -> None:
    """At the root 0 of x exp(-1/x**2) errors shrink ever more slowly; after 10 000 steps x is near 0.01."""
    found = newton_orbit(update("newton", "x*exp(-1/x**2)", "x").map, 1.5, 10_000)
    assert found.fate is Fate.UNDECIDED
    assert found.root is None
    assert "slower than geometric" in found.note
