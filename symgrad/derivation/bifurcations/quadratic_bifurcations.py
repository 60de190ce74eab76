"""Folds and flips of the cycles of a quadratic family, from the multiplier polynomials of z² + c.

A real root of δ_P(c, −1), or of δ_P(c, 1) that is no period doubling, always belongs to a real cycle: at multiplier 1
the real critical orbit converges to the cycle (Fatou 1919), and a cycle that is its own complex conjugate without
being real has a multiplier that is a modulus squared.
"""

from collections.abc import Mapping

import sympy
from sympy import Expr, Poly, Symbol

from symgrad.derivation.bifurcations.curves import Bifurcations, Curve, ExactPoint, Names
from symgrad.derivation.bifurcations.cycles import QuadraticForm, multiplier_polynomial, real_roots
from symgrad.derivation.bifurcations.decimals import decimal_value
from symgrad.derivation.bifurcations.inversion import compare
from symgrad.derivation.bifurcations.triangular import numerator
from symgrad.derivation.identities.proofs import zero_proof
from symgrad.evidence import Verdict
from symgrad.maps import Map, differentiate
from symgrad.symbols import real

KINDS: Mapping[int, str] = {1: "fold", -1: "flip"}
DIGITS = 40
CRITICAL_STEPS = 30_000
NEWTON_STEPS = 40


def of_quadratic_cycles(layer: Map, names: Names, period: int, form: QuadraticForm) -> Bifurcations:
    """Return every fold and flip of the cycles of period P of a quadratic family.

    >>> from symgrad.derivation.bifurcations.cycles import quadratic_form
    >>> logistic = Map("r*x*(1 - x)", "x")
    >>> found = of_quadratic_cycles(logistic, ("r",), 3, quadratic_form(logistic.expr, logistic.state[0]))
    >>> [p.values["r"] for p in found.points if p.kind == "fold"]
    [1 - 2*sqrt(2), 1 + 2*sqrt(2)]
    """
    remarks: list[str] = []
    points: list[ExactPoint] = []
    curves: list[Curve] = []
    for multiplier, kind in KINDS.items():
        polynomial = _own(period, multiplier)
        if len(names) == 1:
            points += _points(layer, names[0], period, form, polynomial, kind, remarks)
        else:
            curves += _curves(layer, names, period, form, polynomial, kind, remarks)
    points.sort(key=lambda p: float(decimal_value(p.values[names[0]])))
    superstable = superstable_points(layer, names, period, form)
    return Bifurcations(layer, names, period, tuple(curves), tuple(points), (), superstable, tuple(remarks))


def superstable_points(layer: Map, names: Names, period: int, form: QuadraticForm) -> tuple[ExactPoint, ...]:
    """Return the parameter values at which the critical point lies on the cycle, so that its multiplier is 0."""
    if len(names) != 1:
        return ()
    return tuple(_points(layer, names[0], period, form, multiplier_polynomial(period, 0), "superstable", []))


def _own(period: int, multiplier: int) -> Poly:
    """Return δ_P without the c at which the cycle is born from one of half its period."""
    polynomial = multiplier_polynomial(period, multiplier)
    if multiplier == 1 and period % 2 == 0:
        polynomial = polynomial.quo(polynomial.gcd(multiplier_polynomial(period // 2, -1)))
    return polynomial


def _points(
    layer: Map, name: str, period: int, form: QuadraticForm, polynomial: Poly, kind: str, remarks: list[str]
) -> list[ExactPoint]:
    """Solve δ(c(r)) = 0 for r."""
    r = real(name)
    top = numerator(polynomial.as_expr().subs(Symbol("c"), form.c))
    if not top.is_polynomial(r) or Poly(top, r).domain not in (sympy.ZZ, sympy.QQ):
        remarks.append(f"the parameter of the conjugate z**2 + c is no rational polynomial in {name}; solve it for c")
        return []
    if r not in top.free_symbols:
        return []
    found = []
    for root, minimal in real_roots(Poly(top, r)):
        at = {r: root}
        if _vanishes(form.leading.xreplace(at)) or not _is_finite(form.c, at):
            continue
        if kind != "superstable" and _vanishes(differentiate(form.c, r).xreplace(at)):
            remarks.append(f"at {name} = {root} the family touches a {kind} without crossing it")
            continue
        polynomials = {} if minimal.degree() <= 2 else {name: minimal.as_expr()}
        state = _exact_state(form, at) if kind == "superstable" else None
        found.append(ExactPoint(kind, period, {name: root}, state, polynomials))
    return found


def _vanishes(value: Expr) -> bool:
    return compare(value, sympy.S.Zero) == 0


def attracting_cycles(period: int, c: Expr) -> int:
    """Return how many attracting cycles of period P the map z² + c has, 0 or 1.

    On the real line the c with one are disjoint intervals, each from the multiplier −1 up to the multiplier 1
    (Douady & Hubbard 1984: the multiplier is one to one on every hyperbolic component).

    Parameters
    ----------
    period : P, at most 6
    c : an exact real number at which no cycle has multiplier ±1

    >>> [attracting_cycles(2, sympy.Rational(c, 10)) for c in (-5, -10, -14)]
    [0, 1, 0]
    """
    births, flips = (
        sum(compare(root, c) == 1 for root, _ in real_roots(multiplier_polynomial(period, m))) for m in (1, -1)
    )
    return births - flips


def _is_finite(expr: Expr, at: Mapping[Symbol, Expr]) -> bool:
    return not expr.xreplace(dict(at)).has(sympy.zoo, sympy.nan, sympy.oo)


def _exact_state(form: QuadraticForm, at: Mapping[Symbol, Expr]) -> Expr | None:
    """Return the critical point, where it is short."""
    value = (-form.shift / form.leading).xreplace(dict(at))
    return sympy.expand(value) if not value.has(sympy.CRootOf) else None


def cycle_points(layer: Map, period: int, at: Mapping[Symbol, Expr], multiplier: int) -> tuple[float, ...]:
    """Return the points of the one real cycle of multiplier −1, 0 or 1, from its lowest point on.

    The critical orbit converges to it (Fatou 1919), slowly at ±1, so that Newton's method takes over: on
    (f^P)' − 1 at a fold, where f^P − x has a double root, and on f^P − x elsewhere.

    Parameters
    ----------
    layer : a quadratic map
    period : of the cycle
    at : the exact value of each parameter
    multiplier : the one it has there

    Examples
    --------
    >>> from symgrad.symbols import r
    >>> [round(x, 9) for x in cycle_points(Map("r*x*(1 - x)", "x"), 2, {r: 1 + sympy.sqrt(6)}, -1)]
    [0.439960169, 0.84993778]
    """
    (state,) = layer.state
    digits = {s: decimal_value(v, DIGITS) for s, v in at.items()}
    a, b, c = (float(e.xreplace(digits).evalf(DIGITS)) for e in Poly(layer.expr, state).all_coeffs())
    x = -b / (2 * a)
    for _ in range(0 if multiplier == 0 else CRITICAL_STEPS):
        x = (a * x + b) * x + c
    for _ in range(NEWTON_STEPS if multiplier else 0):
        image, first, second = _iterated(a, b, c, x, period)
        residual, slope = (first - 1, second) if multiplier == 1 else (image - x, first - 1)
        x -= residual / slope if slope else 0.0
    cycle = [x]
    for _ in range(period - 1):
        cycle.append((a * cycle[-1] + b) * cycle[-1] + c)
    lowest = cycle.index(min(cycle))
    return tuple(cycle[lowest:] + cycle[:lowest])


def _iterated(a: float, b: float, c: float, x: float, period: int) -> tuple[float, float, float]:
    """Return f^P(x) with its first and second derivative."""
    image, first, second = x, 1.0, 0.0
    for _ in range(period):
        slope = 2 * a * image + b
        image, first, second = (a * image + b) * image + c, slope * first, 2 * a * first**2 + slope * second
    return image, first, second


def _curves(
    layer: Map, names: Names, period: int, form: QuadraticForm, polynomial: Poly, kind: str, remarks: list[str]
) -> list[Curve]:
    """Solve c(p, q) = c* for one of two parameters."""
    found = []
    for root, minimal in real_roots(polynomial):
        if minimal.degree() > 2:
            where = f"{form.c} is the root {decimal_value(root, 15)} of {minimal.as_expr()}"
            remarks.append(f"a {kind} of period {period} lies where {where}")
            continue
        for solved, free in (names, names[::-1]):
            p = real(solved)
            if not form.c.is_polynomial(p) or Poly(form.c, p).degree() != 1:
                continue
            slope, rest = Poly(form.c, p).all_coeffs()
            value = sympy.expand((root - rest) / slope)
            proof = zero_proof(form.c.xreplace({p: value}) - root)
            if proof is not None:
                expressions = {name: value if name == solved else real(name) for name in names}
                conditions = (
                    (f"{-slope if slope.could_extract_minus_sign() else slope} != 0",) if slope.free_symbols else ()
                )
                proof = f"conjugate to z**2 + c with c = {root}: {proof}"
                found.append(
                    Curve(kind, period, real(free), -sympy.oo, sympy.oo, conditions, expressions, Verdict.PROVED, proof)
                )
                break
    return found
