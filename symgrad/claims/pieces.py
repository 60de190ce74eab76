"""Open intervals on which an expression keeps its nature."""

from dataclasses import dataclass

import sympy
from sympy import Expr, S


@dataclass(frozen=True)
class Piece:
    """An open interval on which an expression is analytic; the ends are numbers or ±oo."""

    low: Expr
    high: Expr

    def contains(self, value: Expr) -> bool:
        """Say whether a number is certainly inside."""
        return bool(value > self.low) and bool(value < self.high)

    def inside(self) -> Expr:
        """Return a number inside, rational where the ends are."""
        if self.low.is_infinite:
            return S.Zero if self.high.is_infinite else sympy.floor(self.high) - 1
        return sympy.floor(self.low) + 2 if self.high.is_infinite else _near((self.low + self.high) / 2, self)

    def samples(self) -> list[Expr]:
        """Return rational numbers inside, close to both ends and between."""
        if self.low.is_finite and self.high.is_finite:
            shares = [self.low + (self.high - self.low) * sympy.Rational(j, 64) for j in (1, 13, 32, 50, 63)]
            return [_near(share, self) for share in shares]
        start, turn = (self.low, 1) if self.low.is_finite else (self.high, -1)
        steps = [sympy.Rational(j, 32) for j in (1, 24, 70, 250, 2000)]
        if start.is_infinite:
            return [S.Zero, *(turn * step for step in steps for turn in (1, -1))]
        return [_near(start + turn * step, self) for step in steps]


def _near(value: Expr, piece: Piece) -> Expr:
    """Return a rational number near a number inside a piece, itself inside."""
    if value.is_Rational:
        return value
    rounded = sympy.Rational(str(value.evalf(12)))
    return rounded if piece.contains(rounded) else value
