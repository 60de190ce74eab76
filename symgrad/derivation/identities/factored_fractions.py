"""Fractions of polynomials with factored denominators, bounded in size; what the normal form computes with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import sympy
from sympy import Expr, Rational, Symbol
from sympy.polys.rings import PolyElement, PolyRing

MAX_TERMS = 2000
MAX_PRODUCT = 40_000
MAX_NUMBER_BITS = 4000

Fraction = tuple[PolyElement, dict[PolyElement, int]]


class TooHardError(Exception):
    """The expression leaves the reach of the normal form; nothing is claimed about it."""


@dataclass(frozen=True)
class Frame:
    """The polynomial ring one expression is computed in: generator g enters as t with t**order = g, latest first."""

    ring: PolyRing
    generators: tuple[Symbol, ...]
    orders: tuple[int, ...]
    values: dict[int, Fraction] = field(default_factory=dict)

    def power(self, generator: Symbol, exponent: Rational) -> Fraction:
        """Return generator**exponent."""
        place = self.generators.index(generator)
        t, e = self.ring.gens[place], int(exponent * self.orders[place])
        return (t**e, {}) if e >= 0 else (self.ring.one, {t: -e})

    def expression(self, polynomial: PolyElement) -> Expr:
        """Return the polynomial written in the generators themselves."""
        roots = [g ** Rational(1, order) for g, order in zip(self.generators, self.orders, strict=True)]
        return polynomial.as_expr(*roots, *self.ring.symbols[len(roots) :])


def times(a: PolyElement, b: PolyElement) -> PolyElement:
    """Multiply two polynomials, unless the product would be too large."""
    if len(a) * len(b) > MAX_PRODUCT:
        raise TooHardError("a product of large sums")
    product = a * b
    if len(product) > MAX_TERMS:
        raise TooHardError("too many terms")
    return product


def raised(a: PolyElement, exponent: int) -> PolyElement:
    """Raise a polynomial to a natural power, unless the power would be too large."""
    if len(a) <= 1:
        if a and exponent * int(max(a.LC.numerator.bit_length(), a.LC.denominator.bit_length()) - 1) > MAX_NUMBER_BITS:
            raise TooHardError("a number of too many digits")
        return a**exponent
    if exponent * (len(a) - 1) > MAX_TERMS:
        raise TooHardError("a high power of a sum")
    power = a.ring.one
    for bit in bin(exponent)[2:]:
        power = times(power, power)
        power = times(power, a) if bit == "1" else power
    return power


def expanded(den: dict[PolyElement, int], one: PolyElement) -> PolyElement:
    """Multiply a factored denominator out."""
    return reduce(times, (raised(base, e) for base, e in den.items()), one)


def divisor(polynomial: PolyElement) -> tuple[PolyElement, dict[PolyElement, int]]:
    """Write 1/polynomial as a constant and a factored denominator with monic bases."""
    ring = polynomial.ring
    den: dict[PolyElement, int] = {}
    common = [min(e) for e in zip(*polynomial.monoms(), strict=True)]
    for t, e in zip(ring.gens, common, strict=True):
        if e:
            den[t] = e
    if any(common):
        polynomial = ring.from_dict(
            {tuple(a - b for a, b in zip(monom, common, strict=True)): c for monom, c in polynomial.terms()}
        )
    constant = polynomial.LC
    if len(polynomial) > 1:
        den[polynomial.quo_ground(constant)] = 1
    return ring.one.quo_ground(constant), den


def total(fractions: Iterable[Fraction], ring: PolyRing) -> Fraction:
    """Add fractions over their least common denominator, as far as their factors show it."""
    listed = list(fractions)
    den: dict[PolyElement, int] = {}
    for _, part in listed:
        for base, e in part.items():
            den[base] = max(e, den.get(base, 0))
    num = ring.zero
    for top, part in listed:
        for base, e in den.items():
            top = times(top, raised(base, e - part.get(base, 0)))
        num += top
        if len(num) > MAX_TERMS:
            raise TooHardError("too many terms")
    return num, den


def product(a: Fraction, b: Fraction) -> Fraction:
    """Multiply two fractions."""
    den = dict(a[1])
    for base, e in b[1].items():
        den[base] = den.get(base, 0) + e
    return times(a[0], b[0]), den


def degree(polynomial: PolyElement) -> int:
    """Return the total degree of a polynomial, 0 for the zero polynomial."""
    return max((sum(m) for m in polynomial.monoms()), default=0)


def cyclotomic(t: PolyElement, order: int) -> PolyElement:
    """Return the minimal polynomial of exp(iπ/order) at t."""
    coefficients = sympy.Poly(sympy.cyclotomic_poly(2 * order, Symbol("t"))).all_coeffs()
    return sum((t**e * int(c) for e, c in enumerate(reversed(coefficients))), t.ring.zero)


def substituted(num: PolyElement, den: dict[PolyElement, int], place: int, order: int, value: Fraction) -> Fraction:
    """Put t**order = value into a fraction's numerator, clearing the value's denominator."""
    buckets: dict[int, dict[tuple[int, ...], Any]] = {}
    for monom, c in num.terms():
        quotient, rest = divmod(monom[place], order)
        lowered = (*monom[:place], rest, *monom[place + 1 :])
        bucket = buckets.setdefault(quotient, {})
        bucket[lowered] = bucket.get(lowered, 0) + c
    ring = num.ring
    top, bottom = value
    return product(
        total(
            (
                (times(ring.from_dict(part), raised(top, e)), {base: k * e for base, k in bottom.items()})
                for e, part in buckets.items()
            ),
            ring,
        ),
        (ring.one, den),
    )
