"""What is known to be positive under the conditions of a claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sympy import Dummy, Expr, Rational, Symbol

from symgrad.claims.conditions import Comparison, Requirement
from symgrad.claims.points import bounds_of
from symgrad.derivation.identities.proofs import sign_proof
from symgrad.parsing import Condition

MOST_SYMBOLS = 3


@dataclass(frozen=True)
class Facts:
    """The conditions of a claim, as far as they help to tell signs.

    Parameters
    ----------
    where : the conditions
    requirements : where the text of the claim is defined
    """

    where: Sequence[Comparison] = ()
    requirements: Sequence[Requirement] = ()

    def positive(self, expr: Expr, *, strict: bool = True) -> bool:
        """Say whether an expression is proved to be positive (at least 0 without ``strict``) under the conditions."""
        if expr.is_number and expr.is_Rational:
            return bool(expr > 0) or (not strict and bool(expr == 0))
        if sign_proof(expr, strict=strict):
            return True
        for condition in self.where:
            if condition.relation in ("<", ">", "<=", ">="):
                weak = condition.relation.endswith("=") and strict
                if sign_proof(expr - condition.difference, strict=weak):
                    return True
        for requirement in self.requirements:
            for part, certain in requirement.positive_parts:
                if sign_proof(expr - part, strict=strict and not certain):
                    return True
        return any(sign_proof(placed, strict=strict) for placed in self._placed(expr))

    def nonzero(self, expr: Expr) -> bool:
        """Say whether an expression is proved not to be 0 under the conditions."""
        stated = (r.subject for r in self.requirements if r.condition is Condition.NONZERO)
        return self.positive(expr) or self.positive(-expr) or any(expr in (part, -part) for part in stated)

    def _placed(self, expr: Expr) -> list[Expr]:
        """Return the expression with every bounded symbol written from its bound by a symbol of known sign."""
        placed = expr
        for symbol in sorted(expr.free_symbols, key=str)[:MOST_SYMBOLS]:
            bounds = bounds_of(symbol, self.where, self.requirements)
            edge, side, closed = (
                (bounds.low, 1, bounds.low_closed) if bounds.low is not None else (bounds.high, -1, bounds.high_closed)
            )
            if edge is not None:
                placed = placed.subs(
                    symbol, Rational(edge.numerator, edge.denominator) + side * _beyond(symbol, closed)
                )
        return [] if placed == expr else [placed]


@cache
def _beyond(symbol: Symbol, closed: bool) -> Symbol:
    return Dummy(symbol.name, nonnegative=True) if closed else Dummy(symbol.name, positive=True)
