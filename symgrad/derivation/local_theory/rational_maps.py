"""Rational maps as pairs of coprime polynomials, their iterates and dynatomic polynomials.

The points of period P of N are the roots of Φ_P = ∏_{d|P} (P_d - x·Q_d)^{μ(P/d)}, with N^d = P_d/Q_d and μ the Möbius
function (Morton & Silverman 1995, *J. reine angew. Math.* 461); infinity is no root, also where it is fixed.
"""

from dataclasses import dataclass
from functools import cached_property

from sympy import Poly, Symbol, divisors
from sympy.functions.combinatorial.numbers import mobius

from symgrad.derivation.local_theory.problem import rational_quotient
from symgrad.errors import InputError
from symgrad.maps import Map

LARGEST_DEGREE = 300


@dataclass(frozen=True)
class RationalMap:
    """N = P/Q with coprime integer polynomials.

    Parameters
    ----------
    top, below : P and Q
    """

    top: Poly
    below: Poly

    @property
    def state(self) -> Symbol:
        """The state x."""
        return self.top.gen

    @property
    def degree(self) -> int:
        """The number of preimages of a point, counted with multiplicity."""
        return int(max(self.top.degree(), self.below.degree()))

    @cached_property
    def critical(self) -> Poly:
        """P'Q - PQ', the numerator of N'."""
        return self.top.diff() * self.below - self.top * self.below.diff()

    def iterate(self, count: int) -> tuple[Poly, Poly]:
        """Return numerator and denominator of the iterate, as they come.

        Raises
        ------
        InputError : the degree is out of reach
        """
        if self.degree**count > LARGEST_DEGREE:
            raise InputError(
                f"the {count}-fold iterate has degree {self.degree}**{count}, out of reach of exact algebra "
                f"beyond {LARGEST_DEGREE}; give a smaller period"
            )
        x = self.state
        one = Poly(1, x, domain="ZZ")
        over, under = Poly(x, x, domain="ZZ"), one
        for _ in range(count):
            upper, lower = [one], [one]
            for _ in range(self.degree):
                upper.append(upper[-1] * over)
                lower.append(lower[-1] * under)
            over, under = (self._homogeneous(part, upper, lower) for part in (self.top, self.below))
        return over, under

    def _homogeneous(self, part: Poly, upper: list[Poly], lower: list[Poly]) -> Poly:
        total = Poly(0, self.state, domain="ZZ")
        for (power,), coefficient in part.terms():
            total = total + upper[power] * lower[self.degree - power] * int(coefficient)
        return total

    def returning(self, count: int) -> Poly:
        """Return P_d - x·Q_d, whose roots are the finite points with N^d(x) = x."""
        over, under = self.iterate(count)
        return over - Poly(self.state, self.state, domain="ZZ") * under

    def dynatomic(self, period: int) -> Poly | None:
        """Return Φ_P; None where an iterate of the map is the identity.

        >>> from symgrad.derivation.updates import newton
        >>> rational_map(newton("x**3 - 2*x + 2", "x")).dynatomic(2).factor_list()[1][0]
        (Poly(x - 1, x, domain='ZZ'), 1)
        """
        top = below = Poly(1, self.state, domain="ZZ")
        for d in divisors(period):
            exponent = int(mobius(period // d))
            if exponent == 0:
                continue
            part = self.returning(d)
            if part.is_zero:
                return None
            top, below = (top * part, below) if exponent == 1 else (top, below * part)
        quotient, rest = top.set_domain("QQ").div(below.set_domain("QQ"))
        if not rest.is_zero:
            raise ArithmeticError(f"the dynatomic polynomial of period {period} of {self.top}/{self.below} has a rest")
        return quotient.clear_denoms(convert=True)[1].primitive()[1]


def rational_map(update: Map) -> RationalMap | None:
    """Return a scalar map as a quotient of integer polynomials, None for a map that is none.

    >>> rational_map(Map("x/2 + 1/x", "x"))
    RationalMap(top=Poly(x**2 + 2, x, domain='ZZ'), below=Poly(2*x, x, domain='ZZ'))
    >>> rational_map(Map("sin(x)", "x")) is None
    True
    """
    quotient = rational_quotient(update.expr, update.state[0]) if update.dimension == 1 else None
    return RationalMap(*quotient) if quotient is not None else None
