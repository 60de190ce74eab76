"""Roots of functions that algebra does not solve: isolated in an interval or found in a square, and certified."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from sympy import Expr, I, Integer

from symgrad.certify import Ball, UndefinedHere, enclose, isolate_roots
from symgrad.derivation import is_zero
from symgrad.derivation.local_theory import Convergence, NewtonProblem, Root, Singular, root_from_exact
from symgrad.derivation.local_theory.orders import exponent_at
from symgrad.evidence import Verdict
from symgrad.maps import differentiate, expand_activations
from symgrad.phenomena.newton.sampled_cycles import simple_number
from symgrad.symbols import real

CELLS = 2500  # per search: enough for some hundred roots, and an answer within seconds
BITS = 128
HIGHEST = 6
GRID = 41
STEPS = 60
MOST = 60


def isolated_roots(
    problem: NewtonProblem, factor: Expr, known: tuple[Root, ...], low: float, high: float
) -> tuple[tuple[Root, ...], tuple[str, ...]]:
    """Return the certified real roots of a factor of F that are not known yet, and what was left undecided.

    Parameters
    ----------
    problem : F(x) = 0
    factor : divides F
    known : roots that are known exactly
    low, high : the interval that is searched
    """
    found = isolate_roots(factor, problem.state, Fraction(low), Fraction(high), most_cells=CELLS)
    roots, notes = [], []
    for isolated in found.roots:
        if any(_is(root, isolated.ball) for root in known):
            continue
        if _on(problem, problem.function, isolated.ball) is None:
            notes.append(f"near {isolated.value:.15g} a factor is 0 and the function has no value")
        else:
            roots.append(_certified(problem, isolated.ball))
    for cluster in found.clusters:
        root = _in_cluster(problem, cluster)
        if root is None and not any(_inside(r, cluster) for r in known):
            notes.append(f"between {float(cluster[0])} and {float(cluster[1])} the roots are undecided")
        elif root is not None and not any(_inside(r, cluster) for r in known):
            roots.append(root)
    return tuple(roots), tuple(notes)


def _inside(root: Root, cluster: tuple[Fraction, Fraction]) -> bool:
    value = complex(root.value if root.value is not None else sympy.oo)
    return value.imag == 0 and float(cluster[0]) - 1e-9 <= value.real <= float(cluster[1]) + 1e-9


def _is(root: Root, ball: Ball) -> bool:
    """Say whether an exact root is the one in a ball."""
    if root.exact is None or root.exact.free_symbols or not root.exact.is_real:
        return False
    return _holds(ball, root.exact)


def _holds(ball: Ball, exact: Expr) -> bool:
    try:
        return bool(enclose(exact, {}, bits=BITS).value.overlaps(ball.value))
    except UndefinedHere:
        return False


def _on(problem: NewtonProblem, expr: Expr, ball: Ball) -> Ball | None:
    try:
        value = enclose(expr, {problem.state: ball}, bits=BITS)
    except UndefinedHere:
        return None
    return value if value.is_known else None


def _certified(problem: NewtonProblem, ball: Ball) -> Root:
    """Return the root in a ball: exact where a simple number in it is proved to be one, else with certified order."""
    value = float(ball.value.mid())
    candidate = simple_number(value)
    if candidate is not None and _holds(ball, candidate):
        exact = root_from_exact(problem, candidate)
        if exact is not None:
            return replace(exact, ball=ball)
    slope = _on(problem, problem.slope, ball)
    if slope is None or not slope.excludes_zero:
        return Root(value, None, None, None, None, None, None, Convergence.UNDECIDED, Verdict.CERTIFIED, ball)
    second = _on(problem, expand_activations(differentiate(problem.slope, problem.state)), ball)
    simple = Root(
        value,
        None,
        None,
        Integer(1),
        None,
        Integer(0),
        None,
        Convergence.UNDECIDED,
        Verdict.CERTIFIED,
        ball,
    )
    if second is None or not second.excludes_zero:
        return simple
    constant = float((second.value / slope.value / 2).mid())
    return replace(simple, order=2, error_constant=constant, convergence=Convergence.SUPERLINEAR)


def _in_cluster(problem: NewtonProblem, cluster: tuple[Fraction, Fraction]) -> Root | None:
    """Return the one root of an undecided interval where a simple number is proved to be a multiple root.

    With F^(m) free of zeros on the interval there are at most m roots, counted with multiplicity: no other is left.
    """
    candidate = simple_number(float(cluster[0] + cluster[1]) / 2)
    if candidate is None:
        return None
    root = root_from_exact(problem, candidate)
    if root is None or root.multiplicity is None or root.multiplicity > HIGHEST:
        return root
    derivative = problem.function
    for _ in range(root.multiplicity):
        derivative = expand_activations(differentiate(derivative, problem.state))
    values = _on(problem, derivative, Ball.between(*cluster))
    alone = values is not None and values.excludes_zero
    return root if alone else replace(root, verdict=Verdict.SUPPORTED)


def complex_roots(problem: NewtonProblem, known: tuple[Root, ...], size: float) -> tuple[Root, ...]:
    """Return roots in the square |re|, |im| <= size that Newton's steps reach from a grid, each certified in a disc.

    The interval Newton operator m - F(m)/F'(B) maps a disc B into itself only around exactly one root.
    """
    side = np.linspace(-size, size, GRID) + 1e-3
    z = side[:, None] + 1j * side[None, :]
    step = sympy.lambdify(problem.state, problem.step, "numpy")
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            z = z - step(z)
        ends = z[np.isfinite(z) & (np.abs(step(z)) < 1e-10)]
    inside = ends[(np.abs(ends.real) <= size) & (np.abs(ends.imag) <= size)]
    distinct: dict[complex, complex] = {}
    for end in inside.tolist():
        distinct.setdefault(complex(round(end.real, 6), round(end.imag, 6) + 0.0), end)
    new = [end for end in distinct.values() if all(abs(end - complex(r.value or 0)) > 1e-6 for r in known)]
    new = sorted(new, key=lambda end: (round(abs(end), 6), end.real, end.imag))[:MOST]
    return tuple(root for end in new if (root := _in_disc(problem, end)) is not None)


def _in_disc(problem: NewtonProblem, guess: complex) -> Root | None:
    a, b = real("re_"), real("im_")
    at = {problem.state: a + I * b}
    function, slope = problem.function.xreplace(at), problem.slope.xreplace(at)
    middle = guess
    for _ in range(3):
        value, rate = (_at(part, a, b, middle, 0) for part in (function, slope))
        if value is None or rate is None or rate.contains(0):
            return None
        middle = middle - complex((value / rate).mid())
    radius = 2.0**-30 * max(1.0, abs(middle))
    wide = _at(slope, a, b, middle, radius)
    value = _at(function, a, b, middle, 0)
    if wide is None or value is None or wide.contains(0):
        return None
    move = value / wide
    if not bool(abs(move) < radius):
        return None
    on_axis = bool(abs(middle.imag) < radius)
    number: float | complex = middle.real if on_axis and _is_real_function(problem) else middle
    second = _at(differentiate(problem.slope, problem.state).xreplace(at), a, b, middle, radius)
    ball = Ball(move.union(-move) + type(move)(middle.real, middle.imag))
    simple = Root(
        number, None, None, Integer(1), None, Integer(0), None, Convergence.UNDECIDED, Verdict.CERTIFIED, ball
    )
    if second is None or second.contains(0):
        return simple
    constant = complex((second / wide / 2).mid())
    return replace(simple, order=2, error_constant=constant, convergence=Convergence.SUPERLINEAR)


def _is_real_function(problem: NewtonProblem) -> bool:
    """Say whether F takes conjugate values at conjugate points: the only root in a disc on the axis is then real."""
    return not problem.function.has(I)


def _at(expr: Expr, a: Any, b: Any, middle: complex, radius: float) -> Any:
    """Return the values of an expression on a square around a point, None where they are not bounded."""
    where = {
        symbol: Ball.between(Fraction(center) - Fraction(radius), Fraction(center) + Fraction(radius))
        for symbol, center in ((a, middle.real), (b, middle.imag))
    }
    try:
        ball = enclose(expr, where, bits=BITS)
    except UndefinedHere:
        return None
    if not ball.is_known:
        return None
    return ball.value


def singular_in_window(problem: NewtonProblem, low: float, high: float) -> tuple[Singular, ...]:
    """Return the real zeros of F' in an interval that are proved to be there, with the order of the update's pole."""
    if differentiate(problem.slope, problem.state) == 0:
        return ()
    found = isolate_roots(problem.slope, problem.state, Fraction(low), Fraction(high), most_cells=CELLS)
    places = [_singular_in(problem, root.ball, True) for root in found.roots]
    places += [_singular_in(problem, Ball.between(*cluster), False) for cluster in found.clusters]
    return tuple(place for place in places if place is not None)


def _singular_in(problem: NewtonProblem, ball: Ball, is_simple: bool) -> Singular | None:
    value = float(ball.value.mid())
    candidate = simple_number(value)
    known = exponent_at(problem.slope, problem.state, candidate) if candidate is not None else None
    if candidate is not None and known is not None:
        zero = is_zero(problem.function.xreplace({problem.state: candidate}))
        order = None if zero is None else 0 if zero else known[0]
        return Singular(float(candidate), candidate, order, Verdict.PROVED)
    if not is_simple:
        return None
    there = _on(problem, problem.function, ball)
    return Singular(value, None, 1 if there is not None and there.excludes_zero else None, Verdict.CERTIFIED, ball)
