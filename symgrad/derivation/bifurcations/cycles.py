"""Cycles of polynomial maps, exactly: dynatomic polynomials, multipliers, superstable points; Jury's conditions.

A cycle of period P solves Φ_P = ∏_{d|P} (f^d − x)^{μ(P/d)} = 0 (μ the Möbius function; Morton & Patel 1994). Every
quadratic map A·x² + B·x + C is conjugate to z² + c with c = A·C + B/2 − B²/4, so that its cycles of multiplier m are
given by one polynomial δ_P(c, m) = ∏ (m − multiplier of the cycle), computed once for each period (Morton & Vivaldi
1995, *Nonlinearity* 8).
"""

import itertools
from dataclasses import dataclass
from functools import lru_cache
from math import gcd, isqrt

import sympy
from sympy import Dummy, Expr, Integer, Poly, Rational, Symbol, divisors
from sympy.functions.combinatorial.numbers import mobius
from sympy.ntheory.modular import crt

from symgrad.derivation.bifurcations.decimals import decimal_value
from symgrad.errors import InputError
from symgrad.maps import Map

LONGEST_PERIOD = 6
LARGEST_DEGREE = 64


def checked_period(period: int) -> int:
    """Return a period that is within reach, or refuse it.

    >>> checked_period(9)
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: period 9 is out of reach of exact algebra; give a period from 1 to 6
    """
    if isinstance(period, bool) or not isinstance(period, int) or not 1 <= period <= LONGEST_PERIOD:
        raise InputError(f"period {period} is out of reach of exact algebra; give a period from 1 to {LONGEST_PERIOD}")
    return period


def dynatomic(expr: Expr, state: Symbol, period: int) -> Poly:
    """Return the dynatomic polynomial Φ_P of a polynomial map, whose roots are the points of period P.

    Parameters
    ----------
    expr : f(x), a polynomial in the state
    state : x
    period : P, at most 6

    Examples
    --------
    >>> from symgrad.symbols import r, x
    >>> dynatomic(r * x * (1 - x), x, 2).as_expr().factor()
    r**2*x**2 - r**2*x - r*x + r + 1
    """
    checked_period(period)
    f = _polynomial(expr, state)
    if f.degree() ** period > LARGEST_DEGREE:
        raise InputError(f"the {period}-fold iterate of degree {f.degree()} is out of reach; give a smaller period")
    x = Poly(state, state, domain=f.domain)
    iterates, top, below = [x], Poly(1, state, domain=f.domain), Poly(1, state, domain=f.domain)
    for _ in range(period):
        iterates.append(f.compose(iterates[-1]))
    for d in divisors(period):
        exponent = int(mobius(period // d))
        top = top * (iterates[d] - x) if exponent == 1 else top
        below = below * (iterates[d] - x) if exponent == -1 else below
    quotient, rest = top.div(below)
    if not rest.is_zero:
        raise InputError(f"{str(expr)[:40]} has a multiple fixed point for every parameter; give another map")
    monic_sign = quotient.LC()
    return quotient if not getattr(monic_sign, "could_extract_minus_sign", bool)() else -quotient


def _polynomial(expr: Expr, state: Symbol) -> Poly:
    if not expr.is_polynomial(state):
        raise InputError(f"{str(expr)[:60]} is no polynomial in {state}; dynatomic polynomials need one")
    f = Poly(expr, state)
    if f.degree() < 2:
        raise InputError(f"{str(expr)[:60]} has degree {f.degree()} in {state}; cycles are isolated from degree 2 on")
    return Poly(f, state, field=True) if f.domain.is_Exact else f


def cycle_multiplier(expr: Expr, state: Symbol, period: int) -> Expr:
    """Return the derivative of the P-fold iterate as the product of the factors along the cycle.

    >>> from symgrad.symbols import r, x
    >>> cycle_multiplier(r * x * (1 - x), x, 1)
    -2*r*x + r
    """
    product, point = Integer(1), state
    slope = sympy.diff(expr, state)
    for _ in range(period):
        product *= slope.xreplace({state: point})
        point = expr.xreplace({state: point})
    return sympy.expand(product) if period == 1 else product


@dataclass(frozen=True)
class QuadraticForm:
    """A quadratic map in the coordinate z = leading·x + shift, in which it is z² + c.

    Parameters
    ----------
    c : the parameter of the conjugate map
    leading, shift : the coordinate
    """

    c: Expr
    leading: Expr
    shift: Expr


def quadratic_form(expr: Expr, state: Symbol) -> QuadraticForm | None:
    """Return the conjugate z² + c of a quadratic map, None for any other map.

    >>> from symgrad.symbols import r, x
    >>> quadratic_form(r * x * (1 - x), x).c
    -r**2/4 + r/2
    """
    if not expr.is_polynomial(state) or Poly(expr, state).degree() != 2:
        return None
    a, b, constant = Poly(expr, state).all_coeffs()
    c = sympy.expand(a * constant + b / 2 - b**2 / 4)
    return QuadraticForm(c, a, b / 2)


def multiplier_polynomial(period: int, multiplier: int) -> Poly:
    """Return δ_P(c, m), whose roots are the c for which z² + c has a cycle of period P and multiplier m.

    Parameters
    ----------
    period : P, at most 6
    multiplier : m, one of -1, 0 and 1

    Notes
    -----
    Res_z(Φ_P, λ − m) is the P-th power of ±δ_P, of degree deg Φ_P / 2 in c, and has no root c >= 1 since |m| <= 1 only
    inside the Mandelbrot set; so its values at c = 1, 2, … determine it.

    Examples
    --------
    >>> multiplier_polynomial(3, 1).factor_list()[1][0][0].as_expr()
    4*c + 7
    """
    checked_period(period)
    if multiplier not in (-1, 0, 1):
        raise InputError(f"the multiplier {multiplier} is none of -1, 0 and 1; a cycle changes its kind only there")
    return _superstable(period) if multiplier == 0 else _delta(period, multiplier)


@lru_cache
def _superstable(period: int) -> Poly:
    """Return δ_P(c, 0): up to its sign the product of all 2z on the cycles, Φ_P(0) times a power of 2."""
    c = Symbol("c")
    values = [Poly(0, c)]
    for _ in range(period):
        values.append(values[-1] ** 2 + Poly(c, c))
    result = Poly(1, c)
    for d in divisors(period):
        result = result * values[d] if mobius(period // d) == 1 else result
    for d in divisors(period):
        result = result.quo(values[d]) if mobius(period // d) == -1 else result
    points = sum(int(mobius(period // d)) * 2**d for d in divisors(period))
    return result * 2**points


@lru_cache
def _delta(period: int, multiplier: int) -> Poly:
    c = Symbol("c")
    degree = sum(int(mobius(period // d)) * 2**d for d in divisors(period)) // 2
    *values, beyond = [_delta_at(at, period, multiplier) for at in range(1, degree + 3)]
    found = _through(values, c)
    if found.eval(degree + 2) != beyond:
        raise ArithmeticError(f"the values of the multiplier polynomial of period {period} do not agree")
    return found


def _through(values: list[int], symbol: Symbol) -> Poly:
    """Return the polynomial with these values at 1, 2, …, by Newton's forward differences.

    >>> _through([1, 4, 9], Symbol("c")).as_expr()
    c**2
    """
    differences = []
    while values:
        differences.append(values[0])
        values = [b - a for a, b in itertools.pairwise(values)]
    result = Poly(0, symbol, domain="QQ")
    for order, difference in reversed(list(enumerate(differences))):
        result = result * Poly(symbol - order - 1, symbol) * Rational(1, order + 1) + difference
    return result


def _delta_at(c: int, period: int, multiplier: int) -> int:
    """Return |δ_P(c, m)| from its powers modulo primes, up to a bound of its size.

    The resultant is δ^P; for odd P the P-th root modulo a prime p is unique where gcd(P, p − 1) = 1, for even P the
    square δ² is the only quadratic residue whose P/2-th power it is, where gcd(P/2, (p − 1)/2) = 1 and p = 3 mod 4.
    """
    cycles, slope = _cycle_lists(c, period)
    slope[-1] -= multiplier
    share = 1 if period % 2 else 2
    # |z| <= 1/2 + √(1/4 + c) on every cycle, and the multiplier is 2^P times the product of its points.
    bound = ((2 + isqrt(1 + 4 * c)) ** period + 1) ** ((len(cycles) - 1) // period * share)
    primes, residues, size, prime = [], [], 1, 2**62
    while size <= 2 * bound:
        prime = sympy.prevprime(prime)
        order = (prime - 1) // share
        if gcd(period // share, order) > 1 or (share == 2 and prime % 4 == 1):
            continue
        power = _resultant_modulo(cycles, slope, prime)
        primes.append(prime)
        residues.append(pow(power, pow(period // share, -1, order), prime))
        size *= prime
    found = abs(int(crt(primes, residues, symmetric=True, check=False)[0]))
    root, exact = sympy.integer_nthroot(found, share)
    if not exact:
        raise ArithmeticError(f"the value at c = {c} is no square")
    return int(root)


def _cycle_lists(c: int, period: int) -> tuple[list[int], list[int]]:
    """Return the coefficients of Φ_P and of the multiplier modulo Φ_P, for z² + c with an integer c."""
    z = Dummy("z")
    iterate, slope, found = Poly(z, z), Poly(1, z), []
    for _ in range(period):
        slope = slope * (2 * iterate)
        iterate = iterate**2 + c
        found.append(iterate - Poly(z, z))
    top = below = Poly(1, z)
    for d in divisors(period):
        top = top * found[d - 1] if mobius(period // d) == 1 else top
        below = below * found[d - 1] if mobius(period // d) == -1 else below
    cycles = top.quo(below)
    rest = slope.rem(cycles)
    return [int(a) for a in cycles.all_coeffs()], [int(a) for a in rest.all_coeffs()]


def _resultant_modulo(f: list[int], g: list[int], prime: int) -> int:
    """Return the resultant of two polynomials modulo a prime, by Euclid's algorithm.

    >>> _resultant_modulo([1, 0, -2], [1, -1], 101)
    100
    """
    f, g = _reduced(f, prime), _reduced(g, prime)
    result = 1
    while len(g) > 1:
        if len(f) % 2 == 0 and len(g) % 2 == 0:
            result = -result
        rest = _remainder(f, g, prime)
        result = result * pow(g[0], len(f) - len(rest), prime) % prime
        f, g = g, rest
    return result * pow(g[0], len(f) - 1, prime) % prime if g else 0


def _reduced(coefficients: list[int], prime: int) -> list[int]:
    values = [a % prime for a in coefficients]
    first = next((i for i, a in enumerate(values) if a), len(values))
    return values[first:]


def _remainder(f: list[int], g: list[int], prime: int) -> list[int]:
    inverse, rest = pow(g[0], -1, prime), list(f)
    for i in range(len(f) - len(g) + 1):
        factor = rest[i] * inverse % prime
        rest[i : i + len(g)] = [(a - factor * b) % prime for a, b in zip(rest[i : i + len(g)], g, strict=True)]
    return _reduced(rest[max(0, len(f) - len(g) + 1) :], prime)


@dataclass(frozen=True)
class Jury:
    """The conditions under which a fixed point of a map of two components attracts.

    Parameters
    ----------
    trace, determinant : of the Jacobian, as expressions of state and parameters
    """

    trace: Expr
    determinant: Expr

    @property
    def margins(self) -> dict[str, Expr]:
        """What must be positive: fold 1 − tr + det, flip 1 + tr + det, Neimark–Sacker 1 − det."""
        tr, det = self.trace, self.determinant
        return {"fold": 1 - tr + det, "flip": 1 + tr + det, "neimark-sacker": 1 - det}

    @property
    def condition(self) -> str:
        """The three conditions as text: |tr| < 1 + det < 2."""
        from symgrad.maps import to_text

        return f"abs({to_text(self.trace)}) < {to_text(1 + self.determinant)} < 2"


def jury(layer: Map) -> Jury:
    """Return Jury's conditions (Jury 1974) of a map of two components.

    Examples
    --------
    >>> jury(Map(("1 - a*x**2 + y", "b*x"), ("x", "y"))).condition
    'abs(-2*a*x) < 1 - b < 2'
    """
    if layer.dimension != 2:
        raise InputError(f"Jury's conditions are for two components, got {layer.dimension}; give a map of two")
    (a, b), (c, d) = layer.jacobian
    return Jury(sympy.expand(a + d), sympy.expand(a * d - b * c))


def real_roots(polynomial: Poly) -> list[tuple[Expr, Poly]]:
    """Return each real root once, in radicals up to degree 2, with the irreducible polynomial it is a root of.

    >>> from symgrad.symbols import r
    >>> [(str(root), factor.as_expr()) for root, factor in real_roots(Poly(r**3 - 2 * r, r))]
    [('-sqrt(2)', r**2 - 2), ('0', r), ('sqrt(2)', r**2 - 2)]
    """
    found = []
    for factor, _ in polynomial.factor_list()[1]:
        if factor.degree() <= 2:
            found += [(root, factor) for root in sympy.roots(factor, multiple=True) if root.is_real]
        else:
            found += [(root, factor) for root in factor.real_roots()]
    return sorted(found, key=lambda pair: float(decimal_value(pair[0])))
