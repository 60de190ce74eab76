"""Is a number exactly zero? Algebraic numbers by their separation bound, sums of logarithms and angles through them.

The bound is that of Burnikel, Funke, Mehlhorn, Schirra and Schmitt (2001, *A Separation Bound for Real Algebraic
Expressions*, ESA, section 3): a number is U/L with algebraic integers U and L whose conjugates are at most u and l in
modulus; if U has degree at most D and is not 0, then |U/L| >= u**(1 - D)/l. Sines and cosines of rational multiples of
π are sums of two roots of unity over 2, up to a fourth root of unity.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from math import lcm, log2, prod

import sympy
from sympy import Expr, Integer, Pow, S

from symgrad.certify import Ball, UndefinedHere, enclose
from symgrad.derivation.identities.proofs import zero_proof

MOST_DEGREE = 2000
MOST_BITS = 40_000
MOST_TURNS = 400
LARGEST = 400
LARGEST_EXPONENT = 64
_TURNS = (sympy.sin, sympy.cos, sympy.tan, sympy.cot, sympy.sec, sympy.csc)
_ANGLES = (sympy.atan, sympy.asin, sympy.acos)
_ZERO = Ball.between(0, 0)


class _NotAlgebraicError(Exception):
    """The number has a part for which no bound is known."""


@dataclass
class _Bounds:
    """log2 of u and l for each part, and the roots and roots of unity that make up the degree."""

    roots: dict[tuple[Expr, int], int] = field(default_factory=dict)
    turn: int = 1

    @property
    def degree(self) -> int:
        return int(prod(self.roots.values()) * (sympy.totient(self.turn) if self.turn > 1 else 1))

    def of(self, expr: Expr) -> tuple[float, float]:
        """Return log2 of the bounds (u, l) of the conjugates above and below."""
        if expr.is_Rational:
            return _size(int(expr.p)), _size(int(expr.q))
        if expr.is_Add:
            u, low = self.of(expr.args[0])
            for part in expr.args[1:]:
                v, under = self.of(part)
                u, low = max(u + under, v + low) + 1, low + under
            return u, low
        if expr.is_Mul:
            pairs = [self.of(part) for part in expr.args]
            return sum(p[0] for p in pairs), sum(p[1] for p in pairs)
        if isinstance(expr, Pow) and expr.exp.is_Rational and abs(expr.exp.p) <= LARGEST_EXPONENT:
            return self._power(expr.base, int(expr.exp.p), int(expr.exp.q))
        if isinstance(expr, _TURNS):
            return self._turned(expr.args[0] / sympy.pi)
        raise _NotAlgebraicError

    def _power(self, base: Expr, p: int, q: int) -> tuple[float, float]:
        u, low = self.of(base)
        if q > 1:
            if not _is_positive(base):
                raise _NotAlgebraicError
            self.roots[base, q] = q
            u = (u + (q - 1) * low) / q
        return (p * u, p * low) if p > 0 else (-p * low, -p * u)

    def _turned(self, half_turns: Expr) -> tuple[float, float]:
        if not half_turns.is_Rational or half_turns.q > MOST_TURNS:
            raise _NotAlgebraicError
        self.turn = lcm(self.turn, 2 * int(half_turns.q), 4)
        return 1.0, 1.0


def _size(number: int) -> float:
    number = abs(number)
    return log2(number) if number > 1 else 0.0


def _is_positive(expr: Expr) -> bool:
    try:
        return enclose(expr, {}, bits=576).sign == 1
    except UndefinedHere:
        return False


def number_is_zero(expr: Expr) -> str | None:
    """Name the argument by which a number is exactly 0, or return None where there is no proof.

    >>> number_is_zero(sympy.sqrt(5 + 2 * sympy.sqrt(6)) - sympy.sqrt(2) - sympy.sqrt(3))
    'smaller than the separation bound of algebraic numbers of degree at most 16'
    >>> number_is_zero(4 * sympy.atan(sympy.Rational(1, 5)) - sympy.atan(sympy.Rational(1, 239)) - sympy.pi / 4)
    'a sum of angles below 1 with sine 0'
    >>> number_is_zero(sympy.sqrt(2) - sympy.Rational(665857, 470832)) is None
    True
    """
    return _number_is_zero(expr) if not expr.free_symbols and sympy.count_ops(expr) <= LARGEST else None


@lru_cache(maxsize=256)
def _number_is_zero(expr: Expr) -> str | None:
    if not _is_tiny(expr, 100):
        return None
    try:
        return _algebraic(expr) or zero_proof(expr) or _of_logarithms(expr) or _of_angles(expr)
    except (UndefinedHere, OverflowError, RecursionError):
        return None


def _is_tiny(expr: Expr, bits: int) -> bool:
    """Say whether |expr| is certainly below 2**-bits."""
    try:
        return enclose(expr, {}, bits=bits + 160).is_small_beside(_ZERO, bits)
    except UndefinedHere:
        return False


def _algebraic(expr: Expr) -> str | None:
    bounds = _Bounds()
    try:
        u, low = bounds.of(expr)
    except _NotAlgebraicError:
        return None
    needed = (bounds.degree - 1) * u + low
    if bounds.degree > MOST_DEGREE or needed > MOST_BITS:
        return None
    if not _is_tiny(expr, int(needed * 1.001) + 8):
        return None
    return f"smaller than the separation bound of algebraic numbers of degree at most {bounds.degree}"


def _weighted(expr: Expr) -> list[tuple[int, Expr]]:
    """Return the terms of a sum with whole coefficients, up to a common positive factor."""
    terms = [term.as_coeff_Mul() for term in sympy.Add.make_args(sympy.expand(expr))]
    common = lcm(*(int(c.q) for c, _ in terms))
    return [(int(c * common), rest) for c, rest in terms]


def _of_logarithms(expr: Expr) -> str | None:
    """Prove Σ c·log(a) = 0 by Π a**c = 1, for positive algebraic a and whole c."""
    terms = _weighted(expr.rewrite([sympy.asinh, sympy.acosh, sympy.atanh], sympy.log))
    if not all(isinstance(part, sympy.log) and abs(c) <= LARGEST_EXPONENT for c, part in terms):
        return None
    if not all(_is_positive(part.args[0]) for _, part in terms):
        return None
    method = _algebraic(sympy.Mul(*[part.args[0] ** c for c, part in terms]) - 1)
    return method and f"a sum of logarithms, its exponential: {method}"


def _of_angles(expr: Expr) -> str | None:
    """Prove that a sum of angles, below 1 in modulus, is 0 because its sine is."""
    terms = _weighted(expr)
    common = max(abs(c) for c, _ in terms)
    if not all(isinstance(part, _ANGLES) or part == sympy.pi for _, part in terms) or common > LARGEST_EXPONENT:
        return None
    shares = [Integer(c) * part for c, part in terms]
    if not _is_tiny(sympy.Add(*shares), 1):
        return None
    cosine, sine = S.One, S.Zero
    for c, s in _directions(expr, terms):
        cosine, sine = sympy.expand(cosine * c - sine * s), sympy.expand(sine * c + cosine * s)
        if sympy.count_ops(sine) > LARGEST:
            return None
    return "a sum of angles below 1 with sine 0" if sine == 0 or _algebraic(sine) else None


def _directions(expr: Expr, terms: list[tuple[int, Expr]]) -> Iterator[tuple[Expr, Expr]]:
    """Yield numbers proportional to cosine and sine of each angle, as often as it counts."""
    for count, part in terms:
        if part == sympy.pi:
            yield (Integer((-1) ** count), S.Zero)
            continue
        u = part.args[0]
        turn = 1 if count > 0 else -1
        if isinstance(part, sympy.atan):
            pair = (S.One, turn * u)
        else:
            other = sympy.sqrt(1 - u**2)
            pair = (other, turn * u) if isinstance(part, sympy.asin) else (u, turn * other)
        yield from [pair] * abs(count)
