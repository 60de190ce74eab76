"""Each covered activation and its derivative stay inside their hulls, against balls over the whole range of doubles."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest
import sympy

from symgrad.certify import Intervals, NotCovered, UndefinedHere, enclose, shape_of
from symgrad.certify.box_functions import Shape
from symgrad.maps import ACTIVATIONS, differentiate, expand_activations
from symgrad.symbols import x

COVERED = "tanh sigmoid relu leaky_relu elu selu softplus softsign erf atan exp identity".split()
SIZES = [5e-324, 1e-300, 1e-100, 1e-20, 1e-8, 1e-3, 0.1, 0.4, 0.9, 1.3, 2.2, 5.1, 11.0, 19.5, 37.2, 80.0, 300.0, 700.0]
POINTS = np.array(sorted([*SIZES, *(-s for s in SIZES), *np.random.default_rng(3).uniform(-8, 8, 24)]))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


@lru_cache
def truth(name: str, order: int) -> tuple[tuple[Fraction, Fraction] | None, ...]:
    """Return the ends of 2400-bit balls at every point, None where the balls do not tell."""
    expr = ACTIVATIONS[name].formula(x)
    expr = expand_activations(differentiate(expr, x) if order else expr)
    found: list[tuple[Fraction, Fraction] | None] = []
    for point in POINTS:
        try:
            ball = enclose(expr, {x: Fraction(float(point))}, bits=2400)
        except UndefinedHere:
            found.append(None)
            continue
        ends = (ball.value.lower().fmpq(), ball.value.upper().fmpq()) if ball.is_known else None
        found.append(None if ends is None else (_fraction(ends[0]), _fraction(ends[1])))
    return tuple(found)


def _fraction(q: object) -> Fraction:
    return Fraction(int(q.p), int(q.q))  # type: ignore[attr-defined]


def contradictions(shape: Shape, order: int) -> int:
    """Count the values that a hull over an interval of neighbouring points, or at the point alone, leaves out."""
    hull, missed = (shape.slopes if order else shape.values), 0
    for reach in (0, 3, 30):
        last = len(POINTS) - reach
        found = hull(Intervals(POINTS[:last], POINTS[reach:]))
        for i, known in enumerate(truth(shape.name, order)):
            for j in range(max(0, i - reach), min(last, i + 1)) if known else ():
                missed += not (_at_most(found.low[j], known[1]) and _at_most(-found.high[j], -known[0]))
    return missed


def _at_most(end: float, value: Fraction) -> bool:
    return not np.isfinite(end) or Fraction(float(end)) <= value


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("name", COVERED)
def test_no_value_lies_outside_its_hull(name: str, order: int) -> None:
    assert sum(known is not None for known in truth(name, order)) >= 50
    assert contradictions(shape_of(name), order) == 0


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "erf", "atan", "softsign"])
def test_a_hull_that_forgets_the_peak_is_caught(name: str) -> None:
    forgetful = replace(shape_of(name), beside_zero=(np.inf, -np.inf))
    assert contradictions(forgetful, 1) > 0


def test_a_hull_narrower_than_the_rounding_of_the_function_is_caught() -> None:
    rounded = replace(shape_of("tanh"), slope=lambda u: shape_of("tanh").slope(u) * (1 + 64 * 2.0**-52))
    assert contradictions(rounded, 1) > 0


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "selu"])
def test_the_slope_hull_at_a_kink_holds_both_one_sided_values(name: str) -> None:
    hull = shape_of(name).slopes(Intervals(np.array([-1e-3]), np.array([0.0])))
    u = sympy.Symbol("u", positive=True)
    slope = differentiate(ACTIVATIONS[name].formula(x), x)
    left, right = (float(slope.xreplace({x: place}).subs(u, sympy.Rational(1, 10**30))) for place in (-u, u))
    assert hull.contains(left)
    assert hull.contains(right)


@pytest.mark.parametrize("name", ["gelu", "silu", "mish", "sin", "nosuch"])
def test_a_function_without_a_proof_is_refused(name: str) -> None:
    with pytest.raises(NotCovered, match=rf"^not covered: .*{name}"):
        shape_of(name)


@pytest.mark.parametrize("name", COVERED)
def test_infinite_ends_have_a_hull(name: str) -> None:
    cells = Intervals(np.array([-np.inf, -1.0, -np.inf]), np.array([np.inf, np.inf, 1.0]))
    for hull in (shape_of(name).values(cells), shape_of(name).slopes(cells)):
        assert (hull.low <= hull.high).all()
        assert (hull.low < np.inf).all()
