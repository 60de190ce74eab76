"""Newton's and Halley's steps as symgrad derives them, beside scipy.optimize.newton with symgrad's derivatives."""

from collections.abc import Callable

import pytest
import scipy.optimize
import sympy

from symgrad.derivation import newton
from symgrad.derivation.update_rules import update
from symgrad.maps import Map, differentiate, entered
from symgrad.symbols import real

TOLERANCE = 1e-10
x = real("x")

SIMPLE_ROOTS = [
    ("cos(x) - x", 1.0),
    ("x**3 - 2*x + 2", -2.0),
    ("x**2 - 2", 1.0),
    ("exp(x) - 2", 0.5),
    ("x**3 - 2*x - 5", 2.0),
    ("tanh(x) - 1/2", 0.2),
    ("log(x) - 1", 2.0),
    ("atan(x) - 1/3", 0.5),
    ("x*exp(x) - 1", 0.7),
    ("sin(x) - x/2", 2.0),
    ("x**5 - x - 1", 1.2),
    ("x**2 - 1/3", 0.4),
    ("sqrt(x) - 2", 3.0),
    ("erf(x) - 1/2", 0.3),
]


def function(expr: sympy.Expr) -> Callable[[float], float]:
    compiled: Callable[[float], float] = sympy.lambdify([x], expr, "scipy")
    return compiled


def iterate(step: Map, start: float) -> tuple[list[float], int]:
    """Return the path of a map until two of its points are within the tolerance, and the number of steps."""
    advance = function(step.expr)
    path = [start]
    for count in range(1, 51):
        path.append(float(advance(path[-1])))
        if abs(path[-1] - path[-2]) <= TOLERANCE:
            return path, count
    raise AssertionError(f"no arrival from {start}")


def curvature(text: str) -> Callable[[float], float]:
    """Return f f''/(2 f'^2)."""
    f = entered(text)
    slope = differentiate(f, x)
    return function(f * differentiate(slope, x) / (2 * slope**2))


@pytest.mark.parametrize(("text", "start"), SIMPLE_ROOTS)
def test_newton_agrees_with_scipy(text: str, start: float) -> None:
    f = entered(text)
    path, count = iterate(newton(text, "x"), start)
    root, report = scipy.optimize.newton(
        function(f), start, fprime=function(differentiate(f, x)), tol=TOLERANCE, full_output=True
    )
    assert path[-1] == pytest.approx(root, abs=1e-12)
    assert abs(count - report.iterations) <= 1


@pytest.mark.parametrize(("text", "start"), SIMPLE_ROOTS)
def test_halley_agrees_with_scipy_where_scipy_takes_halleys_step(text: str, start: float) -> None:
    f = entered(text)
    slope = differentiate(f, x)
    path, count = iterate(update("halley", text, "x").map, start)
    bent = curvature(text)
    assert all(abs(bent(point)) < 1 for point in path)
    root, report = scipy.optimize.newton(
        function(f),
        start,
        fprime=function(slope),
        fprime2=function(differentiate(slope, x)),
        tol=TOLERANCE,
        full_output=True,
    )
    assert path[-1] == pytest.approx(root, abs=1e-12)
    assert abs(count - report.iterations) <= 1


def test_a_step_that_is_not_newtons_would_disagree() -> None:
    damped = newton("cos(x) - x", "x", eta="1/2")
    root, report = scipy.optimize.newton(
        function(entered("cos(x) - x")), 1.0, fprime=function(entered("-sin(x) - 1")), tol=TOLERANCE, full_output=True
    )
    path, count = iterate(damped, 1.0)
    assert abs(count - report.iterations) > 1
    assert path[-1] == pytest.approx(root, abs=1e-8)
