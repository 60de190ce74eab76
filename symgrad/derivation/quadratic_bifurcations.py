"""Folds and flips of the cycles of a quadratic family, from the multiplier polynomials of z² + c.

A real root of δ_P(c, −1), or of δ_P(c, 1) that is no period doubling, always belongs to a real cycle: at multiplier 1
the real critical orbit converges to the cycle (Fatou 1919), and a cycle that is its own complex conjugate without
being real has a multiplier that is a modulus squared.
"""

from collections.abc import Mapping

import sympy
from sympy import Expr, Poly, Symbol

from symgrad.derivation.curves import Bifurcations, Curve, ExactPoint, Names
from symgrad.derivation.cycles import QuadraticForm, dynatomic, multiplier_polynomial, real_roots
from symgrad.derivation.identities import is_zero, zero_proof
from symgrad.derivation.triangular import numerator
from symgrad.evidence import Verdict
from symgrad.maps import Map, differentiate
from symgrad.symbols import real

KINDS: Mapping[int, str] = {1: "fold", -1: "flip"}
DIGITS = 40


def of_quadratic_cycles(layer: Map, names: Names, period: int, form: QuadraticForm) -> Bifurcations:
    """Return every fold and flip of the cycles of period P of a quadratic family.

    >>> from symgrad.derivation.cycles import quadratic_form
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
    points.sort(key=lambda p: float(p.values[names[0]].evalf(30)))
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
        if is_zero(form.leading.xreplace(at)) or not _is_finite(form.c, at):
            continue
        if kind != "superstable" and is_zero(differentiate(form.c, r).xreplace(at)):
            remarks.append(f"at {name} = {root} the family touches a {kind} without crossing it")
            continue
        polynomials = {} if minimal.degree() <= 2 else {name: minimal.as_expr()}
        state = _exact_state(form, at) if kind == "superstable" else None
        found.append(ExactPoint(kind, period, {name: root}, state, polynomials))
    return found


def _is_finite(expr: Expr, at: Mapping[Symbol, Expr]) -> bool:
    return not expr.xreplace(dict(at)).has(sympy.zoo, sympy.nan, sympy.oo)


def _exact_state(form: QuadraticForm, at: Mapping[Symbol, Expr]) -> Expr | None:
    """Return the critical point, where it is short."""
    value = (-form.shift / form.leading).xreplace(dict(at))
    return sympy.expand(value) if not value.has(sympy.CRootOf) else None


def cycle_points(layer: Map, period: int, at: Mapping[Symbol, Expr], multiplier: float) -> tuple[float, ...]:
    """Return the points of the real cycle whose multiplier is nearest to the one given, from its lowest point on.

    Parameters
    ----------
    layer : a quadratic map
    period : of the cycle
    at : the exact value of each parameter
    multiplier : what it should be

    >>> from symgrad.symbols import r
    >>> [round(x, 9) for x in cycle_points(Map("r*x*(1 - x)", "x"), 2, {r: 1 + sympy.sqrt(6)}, -1)]
    [0.439960169, 0.84993778]
    """
    (state,) = layer.state
    digits = {s: v.evalf(DIGITS) for s, v in at.items()}
    expr = layer.expr.xreplace(digits)
    form = dynatomic(layer.expr, state, period) if period <= 3 else None
    polynomial = form.as_expr().xreplace(digits) if form is not None else _difference(expr, state, period)
    roots = Poly(polynomial, state).nroots(n=DIGITS // 2, maxsteps=200)
    slope = sympy.diff(expr, state)
    best: tuple[float, tuple[float, ...]] = (float("inf"), ())
    for root in roots:
        if abs(sympy.im(root)) > 1e-6:
            continue
        cycle, product = [sympy.re(root)], slope.xreplace({state: sympy.re(root)})
        for _ in range(period - 1):
            cycle.append(expr.xreplace({state: cycle[-1]}))
            product *= slope.xreplace({state: cycle[-1]})
        apart = min((abs(a - b) for i, a in enumerate(cycle) for b in cycle[:i]), default=1)
        if apart > 1e-9 and abs(product - multiplier) < best[0]:
            first = cycle.index(min(cycle))
            best = (float(abs(product - multiplier)), tuple(float(x) for x in cycle[first:] + cycle[:first]))
    return best[1]


def _difference(expr: Expr, state: Symbol, period: int) -> Expr:
    """Return f^P(x) − x."""
    image = Poly(state, state)
    step = Poly(expr, state)
    for _ in range(period):
        image = step.compose(image)
    return image.as_expr() - state


def _curves(
    layer: Map, names: Names, period: int, form: QuadraticForm, polynomial: Poly, kind: str, remarks: list[str]
) -> list[Curve]:
    """Solve c(p, q) = c* for one of two parameters."""
    found = []
    for root, minimal in real_roots(polynomial):
        if minimal.degree() > 2:
            remarks.append(
                f"a {kind} of period {period} lies where {form.c} is the root {root.evalf(15)} of {minimal.as_expr()}"
            )
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
