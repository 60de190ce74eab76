"""Paths of Newton's and Gauss-Newton's method: the standard problems, fates as they are, orders measured."""

from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.optimize

from symgrad.errors import InputError
from symgrad.phenomena.newton import measured_orders
from symgrad.phenomena.newton.more_garbow_hillstrom import PROBLEMS, Problem
from symgrad.phenomena.newton.residuals import read_residuals
from symgrad.phenomena.newton.systems import SystemFate, SystemPath, solve_system


def solved(name: str, rule: str) -> SystemPath:
    problem = PROBLEMS[name]
    return solve_system(problem.residuals, problem.unknowns, problem.start, rule=rule)


def sum_of_squares(problem: Problem, point: tuple[float, ...]) -> float:
    values = read_residuals(problem.residuals, problem.unknowns).compiled(mpmath.fp).values(point)[0]
    return float(sum(v * v for v in values))


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=lambda p: p.name)
def test_the_problems_have_the_published_minima(problem: Problem) -> None:
    for value, point in problem.minima:
        assert sum_of_squares(problem, point) == pytest.approx(value, rel=1e-4, abs=1e-20)


@pytest.mark.parametrize(
    ("name", "value"),
    # Moré, Garbow & Hillstrom's residuals at their starts, worked out by hand.
    [
        ("Rosenbrock", 24.2),
        ("Freudenstein and Roth", 400.5),
        ("Beale", 14.203125),
        ("Helical valley", 2500),
        ("Powell singular", 215),
        ("Wood", 19192),
    ],
)
def test_the_problems_have_the_known_sums_of_squares_at_their_starts(name: str, value: float) -> None:
    assert sum_of_squares(PROBLEMS[name], PROBLEMS[name].start) == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "rule", "low", "high"),
    [
        ("Freudenstein and Roth", "newton", 1.99, 2.01),
        ("Helical valley", "newton", 1.95, 2.05),
        ("Helical valley", "newton_minimum", 1.95, 2.05),
        ("Wood", "gauss_newton", 1.99, 2.01),
        ("Rosenbrock", "newton_minimum", 1.85, 2.15),
    ],
)
def test_roots_are_met_with_order_two(name: str, rule: str, low: float, high: float) -> None:
    path = solved(name, rule)
    assert path.fate is SystemFate.CONVERGED
    assert path.end == pytest.approx(PROBLEMS[name].minima[0][1], abs=1e-9)
    assert path.measured_order is not None
    assert low < path.measured_order < high
    assert path.rate is None
    assert path.positions.shape == (len(path.residual_norms), len(path.unknowns))


def test_newton_meets_rosenbrocks_root_exactly() -> None:
    path = solved("Rosenbrock", "newton")
    assert path.fate is SystemFate.CONVERGED
    assert path.end.tolist() == [1, 1]
    assert (path.measured_order, path.rate) == (None, None)
    assert "a root is met exactly" in path.statement


def test_powells_singular_root_is_met_at_the_rate_one_half() -> None:
    for rule in ("newton", "gauss_newton"):
        path = solved("Powell singular", rule)
        assert path.fate is SystemFate.CONVERGED
        assert path.measured_order == pytest.approx(1, abs=1e-6)
        assert path.rate == pytest.approx(0.5, abs=1e-12)
        assert "order 1 with rate 0.5 a step" in path.statement
    # The sum of squares is of fourth order in the singular directions: Newton for its minimum has 1 - 1/3.
    path = solved("Powell singular", "newton_minimum")
    assert path.fate is SystemFate.CONVERGED
    assert path.rate == pytest.approx(2 / 3, abs=1e-9)


def test_beales_start_is_singular_and_its_saddle_a_saddle() -> None:
    path = solved("Beale", "gauss_newton")
    assert path.fate is SystemFate.SINGULAR
    assert len(path.positions) == 1
    path = solved("Beale", "newton_minimum")
    assert path.fate is SystemFate.STATIONARY
    assert path.kind == "saddle"
    assert path.end == pytest.approx([0, 1], abs=1e-12)
    assert path.sum_of_squares == pytest.approx(14.203125)
    near = solve_system(PROBLEMS["Beale"].residuals, ["x1", "x2"], [2.5, 0.4], rule="gauss_newton")
    assert near.end == pytest.approx([3, 0.5])
    assert near.measured_order == pytest.approx(2, abs=0.1)


def test_local_minima_and_saddles_that_are_no_roots_are_named() -> None:
    path = solved("Freudenstein and Roth", "newton_minimum")
    assert (path.fate, path.kind) == (SystemFate.STATIONARY, "local minimum")
    assert path.sum_of_squares == pytest.approx(48.9842, abs=1e-4)
    assert path.end == pytest.approx([11.41, -0.8968], abs=4e-3)
    path = solved("Wood", "newton_minimum")
    assert (path.fate, path.kind) == (SystemFate.STATIONARY, "saddle")
    assert path.sum_of_squares == pytest.approx(7.87697, abs=1e-4)


def test_gauss_newton_with_a_residual_left_over_has_order_one_and_its_known_rate() -> None:
    # r = (x, x^2/2 + c): at the minimum 0 the factor of an error is -r·r''/(J·J) = -c.
    path = solve_system(["x", "x**2/2 + 1/4"], ["x"], [0.1], rule="gauss_newton")
    assert (path.fate, path.kind) == (SystemFate.STATIONARY, "local minimum")
    assert path.measured_order == pytest.approx(1, abs=1e-3)
    assert path.rate == pytest.approx(0.25, abs=1e-6)
    assert "sum of squares 0.0625" in path.statement


@pytest.mark.parametrize(
    ("residuals", "unknowns", "start", "fate"),
    [
        (["x**2 + 1"], ["x"], [0.7], SystemFate.UNDECIDED),
        (["x**2 + 1"], ["x"], [0], SystemFate.STATIONARY),
        (["x**3 - 2*x + 2"], ["x"], [0], SystemFate.UNDECIDED),
        (["atan(x)"], ["x"], [1.5], SystemFate.DIVERGED),
        (["log(x) - 2"], ["x"], [50], SystemFate.DIVERGED),
        (["sign(x)*abs(x)**(1/3)"], ["x"], [1], SystemFate.DIVERGED),
        (["x - y", "2*x - 2*y + 1"], ["x", "y"], [0, 3], SystemFate.SINGULAR),
        (["1/x"], ["x"], [0], SystemFate.DIVERGED),
        (["exp(x)*cos(y) - 1", "exp(x)*sin(y)"], ["x", "y"], [0.3, 0.2], SystemFate.CONVERGED),
    ],
)
def test_fates_are_what_they_are(residuals: Any, unknowns: Any, start: Any, fate: SystemFate) -> None:
    path = solve_system(residuals, unknowns, start)
    assert path.fate is fate
    assert fate.value in path.statement


@pytest.mark.parametrize("multiplicity", [2, 3, 8])
def test_multiple_roots_are_met_linearly_at_their_known_rate(multiplicity: int) -> None:
    path = solve_system([f"(x - 1)**{multiplicity}", "y**2 - y"], ["x", "y"], [1.5, 1.3], steps=60)
    assert path.fate is SystemFate.CONVERGED
    assert path.rate == pytest.approx(1 - 1 / multiplicity, abs=1e-9)


def test_ten_unknowns_are_no_obstacle() -> None:
    # Moré, Garbow & Hillstrom's problem 30, Broyden's tridiagonal function.
    names = [f"x{i}" for i in range(1, 11)]
    padded = ["0", *names, "0"]
    residuals = [f"(3 - 2*{padded[i]})*{padded[i]} - {padded[i - 1]} - 2*{padded[i + 1]} + 1" for i in range(1, 11)]
    path = solve_system(residuals, names, [-1.0] * 10)
    assert path.fate is SystemFate.CONVERGED
    assert path.measured_order == pytest.approx(2, abs=0.02)


def test_the_working_precision_of_mpmath_is_left_alone() -> None:
    before = mpmath.mp.dps
    solved("Powell singular", "newton")
    assert mpmath.mp.dps == before


def test_a_path_that_shrinks_for_a_while_and_breaks_off_has_not_converged(monkeypatch: pytest.MonkeyPatch) -> None:
    shrinking = [mpmath.mpf(2) ** -k for k in range(6)]
    assert not measured_orders._vanish(shrinking, mpmath.mpf(10) ** -185)
    monkeypatch.setattr(measured_orders, "MOST_STEPS", 6)
    assert measured_orders._vanish(shrinking, mpmath.mpf(10) ** -185)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: solve_system(["x"], ["x"], [1], rule="bfgs"), "the rule 'bfgs' is not known; give one of newton"),
        (lambda: solve_system(["x", "x - 1"], ["x"], [1]), "use gauss_newton or newton_minimum"),
        (lambda: solve_system(["a*x"], ["x"], [1]), "a has no value"),
        (lambda: solve_system(["x", "x**2"], ["x", "y"], [1, 1]), "no residual depends on 'y'"),
        (lambda: solve_system(["x + y"], ["x", "y"], [1, 1]), "1 residuals do not determine 2 unknowns"),
        (lambda: solve_system(["x"], ["x"], [1, 2]), "a start has one finite number for each of 1 unknowns"),
        (lambda: solve_system(["x"], ["x"], [float("nan")]), "a start has one finite number"),
        (lambda: solve_system(["x"], ["x"], [1], steps=0), "at least 1 step"),
    ],
)
def test_what_cannot_be_solved_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_scipys_least_squares_ends_where_gauss_newton_does() -> None:
    for name in ("Wood", "Helical valley"):
        problem = PROBLEMS[name]
        evaluator = read_residuals(problem.residuals, problem.unknowns).compiled(mpmath.fp)
        found = scipy.optimize.least_squares(
            lambda p, e=evaluator: e.values(p)[0],
            np.array(problem.start),
            jac=lambda p, e=evaluator: np.array(e.values(p)[1]),
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        )
        assert solved(name, "gauss_newton").end == pytest.approx(found.x, abs=1e-8)
