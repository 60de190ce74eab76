"""The roots of F that algebra finds, with their multiplicity and what Newton's step does at each.

Four ways: a rational function by the irreducible factors of its numerator; a polynomial with parameters by factors of
degree 1 and 2; a function whose step u = F/F' is rational by the zeros of u, where u'(r) = 1/m gives the exponent m, a
multiple zero of u meaning that F vanishes faster than every power; anything else through inverse functions.
"""

from dataclasses import dataclass

import sympy
from sympy import Expr, Poly

from symgrad.derivation.bifurcations.decimals import decimal_value
from symgrad.derivation.bifurcations.inversion import PREIMAGES, compare, functions_of
from symgrad.derivation.bifurcations.triangular import solve_univariate
from symgrad.derivation.local_theory.algebraic import AlgebraicPoint, Points, complex_points, numbered, real_points
from symgrad.derivation.local_theory.orders import (
    LocalOrder,
    exponent_at,
    order_at_exact_root,
    order_of_exponent,
    order_of_rational_step,
)
from symgrad.derivation.local_theory.problem import NewtonProblem, rational_polynomial, rational_quotient
from symgrad.derivation.local_theory.values import Root
from symgrad.evidence import Verdict

NO_VALUES = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo)


@dataclass(frozen=True)
class ExactRoots:
    """The roots known exactly, and the factors of F that may have others.

    Parameters
    ----------
    roots : from low to high; of a complex problem the real ones first
    left : factors whose roots are not all known; empty where ``roots`` are all
    notes : what parameters would have to be given for more
    """

    roots: tuple[Root, ...]
    left: tuple[Expr, ...] = ()
    notes: tuple[str, ...] = ()


def exact_roots(problem: NewtonProblem, *, points: Points | None = None) -> ExactRoots:
    """Return the roots of F that have an exact description.

    Parameters
    ----------
    problem : F(x) = 0
    points : finds the roots of an irreducible polynomial; by default all of them, or the real ones, by domain

    Examples
    --------
    >>> from symgrad.derivation.local_theory.problem import newton_problem
    >>> [(r.exact, r.multiplicity, r.order) for r in exact_roots(newton_problem("x**3*(x**2 - 2)", "x")).roots]
    [(-sqrt(2), 1, 2), (0, 3, 1), (sqrt(2), 1, 2)]
    >>> (root,) = exact_roots(newton_problem("x*exp(-1/x**2)", "x")).roots
    >>> root.exponent, root.multiplier, root.convergence.name
    (oo, 1, 'SUBLINEAR')
    """
    find = points or (real_points if problem.domain == "real" else complex_points)
    x = problem.state
    if problem.function.is_rational_function(x):
        top = sympy.fraction(sympy.cancel(sympy.together(problem.function)))[0]
        numerator, step = rational_polynomial(top, x), rational_quotient(problem.step, x)
        if numerator is not None and step is not None:
            return ExactRoots(_ordered(_of_polynomial(numerator, step, find)))
        return _with_parameters(problem, top)
    step = rational_quotient(problem.step, x)
    if step is not None:
        return ExactRoots(_ordered(_of_step(step, find)))
    return _parametric_inverse(problem) if problem.parameters else _by_inverse_functions(problem)


def _root(point: AlgebraicPoint, exponent: Expr, local: LocalOrder, verdict: Verdict = Verdict.PROVED) -> Root:
    x = point.minimal.gen
    return Root(
        value=point.number,
        exact=numbered(point, x),
        minimal=point.minimal.as_expr(),
        exponent=exponent,
        order=local.order,
        multiplier=local.multiplier,
        error_constant=local.error_constant,
        convergence=local.convergence,
        verdict=verdict,
    )


def _of_polynomial(numerator: Poly, step: tuple[Poly, Poly], find: Points) -> list[Root]:
    roots = []
    for factor, multiplicity in numerator.factor_list()[1]:
        for point in find(factor):
            m = sympy.Integer(multiplicity)
            local = order_of_rational_step(step, point) if m == 1 else order_of_exponent(m)
            roots.append(_root(point, m, local))
    return roots


def _of_step(step: tuple[Poly, Poly], find: Points) -> list[Root]:
    """Return the roots by the zeros of u = P/Q: F = exp(∫ Q/P) is 0 there as the exponent of the zero and its sign say.

    At a zero of order k > 1 the exponent ∫ Q/P falls to -oo on both sides just where k is odd and Q/P rises through oo.
    """
    top, below = step
    roots = []
    for factor, multiplicity in top.factor_list()[1]:
        for point in find(factor):
            if multiplicity == 1:
                exponent = _reciprocal_slope(top, below, point)
                if exponent is None or exponent.is_negative:
                    continue
                local = order_of_rational_step(step, point) if exponent == 1 else order_of_exponent(exponent)
                roots.append(_root(point, exponent, local))
            elif multiplicity % 2 == 1 and point.is_real and _leading_sign(top, below, point, multiplicity) > 0:
                roots.append(_root(point, sympy.oo, order_of_exponent(sympy.oo)))
    return roots


def _reciprocal_slope(top: Poly, below: Poly, point: AlgebraicPoint) -> Expr | None:
    """Return m = 1/u'(r) = Q(r)/P'(r) where it is rational."""
    ring = point.minimal.set_domain("QQ")
    quotient = (below.set_domain("QQ") * top.diff().set_domain("QQ").invert(ring)).rem(ring)
    return quotient.as_expr() if quotient.degree() <= 0 else None


def _leading_sign(top: Poly, below: Poly, point: AlgebraicPoint, order: int) -> int:
    part = top
    for _ in range(order):
        part = part.diff()
    x, value = top.gen, sympy.Float(str(point.value), 30)
    ratio = below.as_expr().subs(x, value) / part.as_expr().subs(x, value)
    return 1 if ratio > 0 else -1


def _with_parameters(problem: NewtonProblem, numerator: Expr) -> ExactRoots:
    """Return the roots of factors of degree 1 and 2 in x; coefficients may be any expression of the parameters."""
    x, roots, left = problem.state, [], []
    for factor, multiplicity in sympy.factor_list(numerator, x)[1]:
        polynomial = Poly(factor, x)
        leading = polynomial.LC()
        lead = () if leading.is_nonzero else (f"{leading} != 0",)
        if polynomial.degree() == 1:
            roots.append(_general(problem, -polynomial.all_coeffs()[1] / leading, multiplicity, lead))
        elif polynomial.degree() == 2:
            a, b, c = polynomial.all_coeffs()
            inside = sympy.factor(b**2 - 4 * a * c)
            sign = ">" if problem.domain == "real" else "!="
            if problem.domain == "real" and inside.is_nonpositive:
                continue
            conditions = (*lead, *(() if inside.is_positive else (f"{inside} {sign} 0",)))
            for turn in (-1, 1):
                exact = (-b + turn * sympy.sqrt(inside)) / (2 * a)
                roots.append(_general(problem, exact, multiplicity, conditions))
        else:
            left.append(factor)
    names = ", ".join(map(str, problem.parameters))
    notes = (f"the roots of {sympy.Mul(*left)} need values for {names}",) if left and names else ()
    return ExactRoots(tuple(roots), tuple(left), notes)


def _general(problem: NewtonProblem, exact: Expr, multiplicity: int, conditions: tuple[str, ...]) -> Root:
    """Return a root as an expression of parameters, where no two roots meet."""
    m = sympy.Integer(multiplicity)
    local = order_at_exact_root(problem, exact) if m == 1 else order_of_exponent(m)
    value = None if exact.free_symbols else _number(exact)
    return Root(
        value,
        exact,
        None,
        m,
        local.order,
        local.multiplier,
        local.error_constant,
        local.convergence,
        Verdict.PROVED,
        conditions=conditions,
    )


def _number(exact: Expr) -> float | complex:
    digits = decimal_value(exact, 30)
    return float(digits) if digits.is_real else complex(digits)


def _parametric_inverse(problem: NewtonProblem) -> ExactRoots:
    """Solve α·g(β·x + γ) + δ = 0 for a function g that takes each value once."""
    x, names = problem.state, ", ".join(map(str, problem.parameters))
    unsolved = ExactRoots((), (problem.function,), (f"the roots of {problem.function} need values for {names}",))
    calls = functions_of(problem.function, x)
    if len(calls) != 1:
        return unsolved
    (call,) = calls
    value = sympy.Dummy("v", real=True)
    outer, inner = problem.function.xreplace({call: value}), call.args[0]
    row = PREIMAGES.get(call.func.__name__)
    linear = outer.is_polynomial(value) and x not in outer.free_symbols and inner.is_polynomial(x)
    if row is None or row[1] != -sympy.oo or not linear:
        return unsolved
    if Poly(outer, value).degree() != 1 or Poly(inner, x).degree() != 1:
        return unsolved
    alpha, delta = Poly(outer, value).all_coeffs()
    beta, gamma = Poly(inner, x).all_coeffs()
    exact = (row[0](-delta / alpha)[0] - gamma) / beta
    conditions = tuple(f"{part} != 0" for part in (alpha, beta) if not part.is_nonzero)
    lowest = {"tanh": f"abs({-delta / alpha}) < 1", "exp": f"{-delta / alpha} > 0"}.get(call.func.__name__)
    return ExactRoots((_general(problem, exact, 1, (*conditions, *((lowest,) if lowest else ()))),))


def _by_inverse_functions(problem: NewtonProblem) -> ExactRoots:
    """Return the real roots that factors and inverse functions give; what may have others is left."""
    solved = solve_univariate(problem.function, problem.state)
    roots = []
    left = list(solved.left) if problem.domain == "real" else [problem.function]
    for exact in dict.fromkeys(exact for exact, _ in solved.roots):
        found = root_from_exact(problem, exact)
        if found is not None:
            roots.append(found)
        elif not problem.function.xreplace({problem.state: exact}).has(*NO_VALUES):
            left.append(problem.function)
    return ExactRoots(_ordered(roots), tuple(dict.fromkeys(left)))


def root_from_exact(problem: NewtonProblem, exact: Expr) -> Root | None:
    """Return what Newton's step does at a number that is proved to be a root, None where there is no proof.

    >>> from symgrad.derivation.local_theory.problem import newton_problem
    >>> root_from_exact(newton_problem("1 - cos(x)", "x"), 2 * sympy.pi).multiplier
    1/2
    >>> root_from_exact(newton_problem("1 - cos(x)", "x"), sympy.pi) is None
    True
    """
    found = exponent_at(problem.function, problem.state, exact)
    return None if found is None else _general(problem, exact, found[0], ())


def _ordered(roots: list[Root]) -> tuple[Root, ...]:
    def place(root: Root) -> tuple[bool, float, float]:
        number = complex(root.value or 0)
        return isinstance(root.value, complex), number.real, number.imag

    return tuple(sorted(roots, key=place))


def lies_between(exact: Expr, low: Expr, high: Expr) -> bool:
    """Say whether a real constant is in a closed interval.

    >>> lies_between(sympy.pi, sympy.Integer(0), sympy.Integer(3))
    False
    """
    return compare(exact, low) in (0, 1) and compare(high, exact) in (0, 1)
