"""Parameter values at which a critical point of a family of rational maps is periodic.

The critical points of Newton's update are the roots of F, which are fixed, and the free ones, where F'' = 0: a cycle of
multiplier 0 attracts starts to something that is no root (Curry, Garnett & Sullivan 1983, *Commun. Math. Phys.* 91).
"""

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Poly, Symbol

from symgrad.derivation.bifurcations.cycles import checked_period
from symgrad.derivation.local_theory.algebraic import AlgebraicPoint, context, numbered, real_points
from symgrad.derivation.local_theory.cycles import orbit_modulo
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map

LARGEST = 80
NEAR = 1e-18


@dataclass(frozen=True)
class SuperattractingParameter:
    """A parameter value at which a cycle through a critical point has multiplier 0.

    Parameters
    ----------
    value : of the parameter, in float64
    exact : in radicals or as a numbered root of ``minimal``
    minimal : the irreducible polynomial in the parameter
    period : of the cycle
    points : the cycle, the critical point first
    verdict : what it rests on
    """

    value: float
    exact: Expr | None
    minimal: Expr
    period: int
    points: tuple[float, ...]
    verdict: Verdict


def superattracting_parameters(
    update: Map, parameter: Symbol | str, period: int
) -> tuple[SuperattractingParameter, ...]:
    """Return the real parameters at which a free real critical point of a rational family has the period.

    Parameters
    ----------
    update : a scalar map, rational in its state and in its one parameter
    parameter : the parameter
    period : of the cycle, at most 6

    Raises
    ------
    InputError : the map is not rational, has other parameters, or the degree is out of reach

    Examples
    --------
    >>> from symgrad.derivation.updates import newton
    >>> (found,) = superattracting_parameters(newton("x**3 - a*x + 2", "x"), "a", 2)
    >>> found.exact, found.points
    (2, (0.0, 1.0))
    """
    checked_period(period)
    symbol, top, below = _family(update, str(parameter))
    found: dict[float, SuperattractingParameter] = {}
    critical = top.diff() * below - top * below.diff()
    if critical.is_zero:
        return ()
    for factor, _ in critical.set_domain(sympy.ZZ[symbol]).factor_list()[1]:
        if factor.degree() == 0:
            continue
        equation = _equation(top, below, factor, period, symbol)
        for minimal, _ in equation.factor_list()[1] if equation is not None else ():
            for point in real_points(minimal):
                for cycle in _cycles(top, below, factor, point, period):
                    found.setdefault(float(point.value), _found(point, period, cycle, symbol))
    return tuple(found[value] for value in sorted(found))


def _found(point: AlgebraicPoint, period: int, cycle: tuple[float, ...], symbol: Symbol) -> SuperattractingParameter:
    value = float(point.value)
    return SuperattractingParameter(
        value, numbered(point, symbol), point.minimal.as_expr(), period, cycle, Verdict.PROVED
    )


def _family(update: Map, name: str) -> tuple[Symbol, Poly, Poly]:
    """Return the parameter with the numerator and denominator over Q(parameter)."""
    if update.dimension != 1:
        raise InputError(f"superattracting parameters are for one component, got {update.dimension}; give a scalar map")
    (x,) = update.state
    if [p.name for p in update.parameters] != [name]:
        has = ", ".join(p.name for p in update.parameters) or "none"
        raise InputError(f"the map must have {name} as its only parameter, it has {has}; give the others values")
    (symbol,) = update.parameters
    quotient = sympy.cancel(sympy.together(update.expr))
    if not quotient.is_rational_function(x, symbol):
        raise InputError(
            f"{str(update.expr)[:60]} is no rational function of {x} and {name}; isolate its cycles instead"
        )
    top, below = (Poly(part, x) for part in sympy.fraction(quotient))
    ring = sympy.ZZ[symbol]
    return symbol, top.set_domain(ring), below.set_domain(ring)


def _equation(top: Poly, below: Poly, factor: Poly, period: int, symbol: Symbol) -> Poly | None:
    """Return the polynomial in the parameter that vanishes where a root of the factor returns after the period.

    None where its points are fixed for every parameter: they are no free critical points.
    """
    if (top - Poly(top.gen, top.gen) * below).rem(factor).is_zero and period > 1:
        return None
    orbit = orbit_modulo(top, below, factor, period)
    if orbit is None:
        return None
    difference = sympy.together((orbit[-1] - orbit[0]).as_expr())
    numerator = sympy.fraction(sympy.cancel(difference))[0]
    if numerator == 0:
        return None
    within = sympy.resultant(factor.as_expr(), numerator, top.gen) if factor.degree() > 1 else numerator
    if not within.has(symbol):
        return None
    equation = Poly(within, symbol)
    equation = equation.clear_denoms(convert=True)[1].primitive()[1]
    if equation.degree() > LARGEST:
        raise InputError(
            f"the parameters of period {period} are roots of a polynomial of degree {equation.degree()}, out of reach "
            f"beyond {LARGEST}; give a smaller period"
        )
    return equation


def _cycles(top: Poly, below: Poly, factor: Poly, point: AlgebraicPoint, period: int) -> list[tuple[float, ...]]:
    """Return the cycles of exactly this period through a real critical point, followed at the parameter's digits."""
    own = context()
    parts = [_specialised(own, p, point) for p in (top, below, factor)]
    cycles = []
    for start in _real_starts(own, parts[2]):
        orbit = [start]
        while len(orbit) <= period:
            under = own.polyval(parts[1], orbit[-1])
            if abs(under) < NEAR:
                break
            orbit.append(own.polyval(parts[0], orbit[-1]) / under)
        returns = [abs(z - start) < NEAR * max(1, abs(start)) for z in orbit[1:]]
        if len(orbit) == period + 1 and returns[-1] and not any(returns[:-1]):
            cycles.append(tuple(float(z) for z in orbit[:-1]))
    return cycles


def _specialised(own: Any, polynomial: Poly, point: AlgebraicPoint) -> list[Any]:
    """Return the coefficients at a parameter value, as numbers."""
    symbol = point.minimal.gen
    coefficients = []
    for coefficient in polynomial.all_coeffs():
        inner = [own.mpf(int(a)) for a in Poly(coefficient, symbol).all_coeffs()]
        coefficients.append(own.polyval(inner, point.value))
    return coefficients


def _real_starts(own: Any, coefficients: list[Any]) -> list[Any]:
    while len(coefficients) > 1 and abs(coefficients[0]) < NEAR:
        coefficients = coefficients[1:]
    if len(coefficients) < 2:
        return []
    if len(coefficients) == 2:
        return [-coefficients[1] / coefficients[0]]
    roots = own.polyroots(coefficients, maxsteps=200, extraprec=200)
    return sorted(own.re(z) for z in roots if abs(own.im(z)) < NEAR)
