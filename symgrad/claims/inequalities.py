"""Inequalities in one variable: signs of derivatives from exact zeros, values and limits, else certified coverings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import sympy
from sympy import Expr, Mul, Pow, S, Symbol

from symgrad.certify import Ball, UndefinedHere, enclose
from symgrad.claims.components import Piece, analytic_pieces
from symgrad.claims.conditions import Comparison
from symgrad.claims.facts import Facts
from symgrad.claims.limits import Limits
from symgrad.claims.statement import Statement
from symgrad.derivation.identities.proofs import sign_proof, zero_proof
from symgrad.evidence import Verdict
from symgrad.maps import expand_activations

DEEPEST = 4
LARGEST = 80
MOST_STEPS = 60
MOST_BOXES = 256
NARROWEST = Fraction(1, 2**12)
_SPLITS = tuple(sympy.Rational(p, q) for p, q in ((0, 1), (1, 1), (-1, 1), (1, 2), (-1, 2), (2, 1), (-2, 1)))


def inequality_proof(statement: Statement, link: Comparison, variables: Sequence[Symbol]) -> tuple[str, Verdict] | None:
    """Return the argument by which an inequality in one variable holds on its domain, and how far it reaches."""
    if len(variables) != 1 or link.relation not in ("<", "<=", ">", ">="):
        return None
    (x,) = variables
    strict = link.relation in ("<", ">")
    difference = expand_activations(link.difference)
    pieces = analytic_pieces(difference, statement, x)
    if not pieces:
        return None
    search = _Search(x)
    if strict and not all(search.holds_at_ends(difference, piece, statement) for piece in pieces):
        return None
    if not all(search.on(difference, piece, strict) for piece in pieces):
        return None
    words = "signs of derivatives, from " + ", ".join(dict.fromkeys(search.used)) if search.used else "signs of factors"
    words = f"{words}; enclosures on boxes that cover the rest" if search.boxes else words
    return words, Verdict.CERTIFIED if search.by_balls else Verdict.PROVED


@dataclass
class _Search:
    """The search for an argument in one variable, with what it used."""

    x: Symbol
    used: list[str] = field(default_factory=list)
    by_balls: bool = False
    boxes: int = 0
    steps: int = 0

    def holds_at_ends(self, expr: Expr, piece: Piece, statement: Statement) -> bool:
        """Say whether an expression is positive at those finite ends of a piece that belong to the domain."""
        for end in (piece.low, piece.high):
            if end.is_infinite:
                continue
            point = {self.x: end}
            conditions = [*(c.holds(point) for c in statement.where), *(r.holds(point) for r in statement.requirements)]
            if False not in conditions and self.sign_at(expr, end) != 1:
                return False
        return True

    def on(self, expr: Expr, piece: Piece, strict: bool) -> bool:
        """Say whether an expression is proved to be at least 0 (``strict``: positive) on an open piece."""
        if self._above(expr, piece, DEEPEST, strict):
            return True
        for split in _SPLITS:
            value = self.sign_at(expr, split) if piece.contains(split) else None
            if value is None or value < 0 or (strict and value == 0):
                continue
            halves = (Piece(piece.low, split), Piece(split, piece.high))
            if all(self._above(expr, half, DEEPEST, strict) for half in halves):
                return True
        return self._by_boxes(expr, piece, strict)

    def sign_at(self, expr: Expr, value: Expr) -> int | None:
        """Return the certain sign at a number or the sign of the limit at ±oo, None where it is not certain."""
        if value.is_infinite:
            t = sympy.Dummy("t", positive=True)
            limits = Limits(t, Facts())
            found = limits.of(expr.subs(self.x, t if value is S.Infinity else -t))
            return None if found is None or found is S.NaN else limits.sign(found)
        there = expr.subs(self.x, value)
        if there.has(S.NaN, S.ComplexInfinity, S.Infinity):
            return None
        try:
            found_sign = enclose(there, {}, bits=192).sign
        except UndefinedHere:
            return None
        if found_sign is None and zero_proof(there):
            return 0
        return found_sign

    def _above(self, expr: Expr, piece: Piece, depth: int, strict: bool) -> bool:
        self.steps += 1
        if self.steps > MOST_STEPS or sympy.count_ops(expr) > LARGEST:
            return False
        if self._directly(expr, piece, strict):
            return True
        if depth == 0:
            return False
        slope = sympy.diff(expr, self.x)
        moves = strict and not self._is_not_flat(slope, piece)
        for end, turned in ((piece.low, slope), (piece.high, -slope)):
            if moves or self._falls_short(turned, piece):
                continue
            value = self.sign_at(expr, end)
            if value is not None and value >= 0 and self._above(turned, piece, depth - 1, False):
                self.used.append(f"{self.x.name} = {end}")
                return True
        return False

    def _falls_short(self, expr: Expr, piece: Piece) -> bool:
        """Say whether an expression is negative at a point inside, so that a search for its sign is in vain."""
        return self.sign_at(expr, piece.inside()) == -1

    def _is_not_flat(self, slope: Expr, piece: Piece) -> bool:
        return self.sign_at(slope, piece.inside()) in (1, -1)

    def _directly(self, expr: Expr, piece: Piece, strict: bool) -> bool:
        if not expr.free_symbols:
            sign = self.sign_at(expr, S.Zero)
            return sign == 1 or (sign == 0 and not strict)
        if _bounded_below(expr, strict):
            return True
        return any(sign_proof(placed, strict=strict) is not None for placed in self._placed(expr, piece))

    def _placed(self, expr: Expr, piece: Piece) -> list[Expr]:
        """Return the expression on the piece, the variable written by a positive symbol."""
        t = sympy.Dummy("t", positive=True)
        found = [expr]
        if piece.low.is_finite:
            found.append(expr.subs(self.x, piece.low + t))
        if piece.high.is_finite:
            found.append(expr.subs(self.x, piece.high - t))
        if piece.low.is_finite and piece.high.is_finite:
            found.append(expr.subs(self.x, (piece.low + piece.high * t) / (1 + t)))
        return found

    def _by_boxes(self, expr: Expr, piece: Piece, strict: bool) -> bool:
        """Cover a bounded part by boxes on which enclosures are positive; beyond it derivatives must do."""
        if not (_is_rational_or_infinite(piece.low) and _is_rational_or_infinite(piece.high)):
            return False
        for reach in (2, 8):
            low = sympy.Integer(-reach) if piece.low.is_infinite else piece.low
            high = sympy.Integer(reach) if piece.high.is_infinite else piece.high
            if low >= high:
                continue
            tails = [Piece(high, S.Infinity)] if piece.high.is_infinite else []
            tails += [Piece(S.NegativeInfinity, low)] if piece.low.is_infinite else []
            self.steps = 0
            if self._covered(expr, low, high) and all(self._above(expr, tail, DEEPEST, strict) for tail in tails):
                self.by_balls = True
                return True
        return False

    def _covered(self, expr: Expr, low: Expr, high: Expr) -> bool:
        """Say whether enclosures on boxes that cover a closed interval are all positive."""
        waiting = [(Fraction(int(low.p), int(low.q)), Fraction(int(high.p), int(high.q)))]
        for _ in range(MOST_BOXES):
            if not waiting:
                return True
            a, b = waiting.pop()
            self.boxes += 1
            try:
                sign = enclose(expr, {self.x: Ball.between(a, b)}, bits=64).sign
            except UndefinedHere:
                return False
            if sign == 1:
                continue
            if sign == -1 or b - a < NARROWEST:
                return False
            middle = (a + b) / 2
            waiting += [(a, middle), (middle, b)]
        return not waiting


def _is_rational_or_infinite(value: Expr) -> bool:
    return bool(value.is_Rational or value.is_infinite)


def _bounded_below(expr: Expr, strict: bool) -> bool:
    """Say whether c + Σ c_i·(sines and cosines of real arguments) has c >= Σ |c_i|."""
    constant, size = S.Zero, S.Zero
    for term in sympy.Add.make_args(sympy.expand(expr)):
        factor, rest = term.as_coeff_Mul()
        if rest == 1:
            constant += factor
        elif all(_at_most_one(f) for f in Mul.make_args(rest)):
            size += abs(factor)
        else:
            return False
    return bool(constant > size) or (not strict and bool(constant == size))


def _at_most_one(expr: Expr) -> bool:
    if isinstance(expr, Pow) and expr.exp.is_Integer and expr.exp > 0:
        return _at_most_one(expr.base)
    return isinstance(expr, sympy.sin | sympy.cos | sympy.tanh | sympy.erf) and bool(expr.args[0].is_real)
