"""Inequalities in one variable: signs of derivatives from exact zeros, values and limits, else certified coverings."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from math import ceil, floor

import sympy
from sympy import Expr, S, Symbol

from symgrad.certify import Ball, UndefinedHere, enclose
from symgrad.claims.components import analytic_pieces, held_at, plain_functions
from symgrad.claims.conditions import Comparison
from symgrad.claims.facts import Facts
from symgrad.claims.limits import Limits
from symgrad.claims.pieces import Piece
from symgrad.claims.places import solutions
from symgrad.claims.points import bounds_of
from symgrad.claims.signs import at_least_zero, sign_of_number, sign_on
from symgrad.claims.statement import Statement
from symgrad.evidence import Verdict

DEEPEST = 4
LARGEST = 80
MOST_STEPS = 60
MOST_BOXES = 256
MOST_TURNING = 4
NARROWEST = Fraction(1, 2**12)
CENTRED = Fraction(1, 2**4)
_SPLITS = tuple(sympy.Rational(p, q) for p, q in ((0, 1), (1, 1), (-1, 1), (1, 2), (-1, 2), (2, 1), (-2, 1)))


def inequality_proof(statement: Statement, link: Comparison, variables: Sequence[Symbol]) -> tuple[str, Verdict] | None:
    """Return the argument by which an inequality in one variable holds on its domain, and how far it reaches."""
    if len(variables) != 1 or link.relation not in ("<", "<=", ">", ">="):
        return None
    if variables[0].is_integer:
        statement, link, variables = over_reals(statement, link, variables[0])
    (x,) = variables
    strict = link.relation in ("<", ">")
    difference = plain_functions(link.difference)
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


def over_reals(statement: Statement, link: Comparison, n: Symbol) -> tuple[Statement, Comparison, Sequence[Symbol]]:
    """Return the claim for all real numbers from the least integer on, which contains that for integers."""
    x = Symbol(n.name, real=True)
    low = bounds_of(n, statement.where).low

    def moved(c: Comparison) -> Comparison:
        return Comparison(c.lhs.xreplace({n: x}), c.relation, c.rhs.xreplace({n: x}), c.text)

    where = [moved(c) for c in statement.where]
    if low is not None:
        least = floor(low) + 1 if n.is_positive and low == 0 else ceil(low)
        where.append(Comparison(x, ">=", sympy.Integer(least), f"{n.name} >= {least}"))
    requirements = tuple(replace(r, subject=r.subject.xreplace({n: x})) for r in statement.requirements)
    return replace(statement, where=tuple(where), requirements=requirements), moved(link), [x]


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
            if False not in held_at(statement, self.x, end) and self.sign_at(expr, end) != 1:
                return False
        return True

    def on(self, expr: Expr, piece: Piece, strict: bool) -> bool:
        """Say whether an expression is proved to be at least 0 (``strict``: positive) on an open piece."""
        if self._above(expr, piece, DEEPEST, strict):
            return True
        turning = islice(solutions(self._stripped(sympy.diff(expr, self.x), piece), self.x), MOST_TURNING)
        for split in dict.fromkeys([*turning, *_SPLITS]):
            inside = split.is_real and piece.contains(split)
            value = self.sign_at(expr, split) if inside else None
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
        return sign_of_number(expr.subs(self.x, value))

    def _above(self, expr: Expr, piece: Piece, depth: int, strict: bool) -> bool:
        self.steps += 1
        if self.steps > MOST_STEPS or sympy.count_ops(expr) > LARGEST or self._falls_short(expr, piece):
            return False
        stripped = self._stripped(expr, piece)
        if at_least_zero(stripped, piece, self.x, strict=strict):
            return True
        forms = dict.fromkeys((expr, stripped) if depth >= DEEPEST - 1 else (stripped,))
        return depth > 0 and any(self._by_slope(form, piece, depth, strict) for form in forms)

    def _by_slope(self, expr: Expr, piece: Piece, depth: int, strict: bool) -> bool:
        """Prove the sign from the value at one end and the sign of the derivative."""
        slope = sympy.diff(expr, self.x)
        if self._is_concave(expr, slope, piece, depth):
            return True
        moves = strict and not self._is_not_flat(slope, piece)
        for end, turned in ((piece.low, slope), (piece.high, -slope)):
            if moves or self._falls_short(turned, piece):
                continue
            value = self.sign_at(expr, end)
            if value is not None and value >= 0 and self._above(turned, piece, depth - 1, False):
                self.used.append(f"{self.x.name} = {end}")
                return True
        return False

    def _stripped(self, expr: Expr, piece: Piece) -> Expr:
        """Return the expression without factors that are positive on the piece."""
        product = sympy.factor_terms(sympy.together(expr))
        if not isinstance(product, sympy.Mul | sympy.Pow) or sympy.count_ops(product) > LARGEST:
            return expr
        left, turn = [], 1
        for factor in sympy.Mul.make_args(product):
            sign = sign_on(factor, piece, self.x)
            turn *= sign or 1
            left += [factor] if sign is None else []
        return turn * sympy.Mul(*left)

    def _is_concave(self, expr: Expr, slope: Expr, piece: Piece, depth: int) -> bool:
        """Say whether the expression is at least 0 at both ends and has no positive second derivative between."""
        if piece.low.is_infinite or piece.high.is_infinite or depth < DEEPEST:
            return False
        bend = self._stripped(-sympy.diff(slope, self.x), piece)
        if self._falls_short(bend, piece) or self.sign_at(bend, piece.inside()) != 1:
            return False
        ends = [self.sign_at(expr, end) for end in (piece.low, piece.high)]
        if any(sign is None or sign < 0 for sign in ends) or not self._above(bend, piece, 1, False):
            return False
        self.used.append(f"{self.x.name} = {piece.low} and {piece.high}, between which it is concave")
        return True

    def _falls_short(self, expr: Expr, piece: Piece) -> bool:
        """Say whether an expression is negative at a point inside, so that a search for its sign is in vain."""
        return any(self._is_negative(expr, point) for point in piece.samples())

    def _is_negative(self, expr: Expr, point: Expr) -> bool:
        try:
            return enclose(expr, {self.x: point}, bits=64).sign == -1
        except UndefinedHere:
            return False

    def _is_not_flat(self, slope: Expr, piece: Piece) -> bool:
        return self.sign_at(slope, piece.inside()) in (1, -1)

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
            if sign == 1 or (sign is None and b - a <= CENTRED and self._above_centred(expr, a, b)):
                continue
            if sign == -1 or b - a < NARROWEST:
                return False
            middle = (a + b) / 2
            waiting += [(a, middle), (middle, b)]
        return not waiting

    def _above_centred(self, expr: Expr, low: Fraction, high: Fraction) -> bool:
        """Say whether the value in the middle and the enclosed slope (mean value theorem) keep a box positive."""
        value, slope, step = (sympy.Dummy(name, real=True) for name in ("value", "slope", "step"))
        half = (high - low) / 2
        try:
            parts: dict[Symbol, Ball] = {
                value: enclose(expr, {self.x: low + half}, bits=64),
                slope: enclose(sympy.diff(expr, self.x), {self.x: Ball.between(low, high)}, bits=64),
                step: Ball.between(-half, half),
            }
            return all(part.is_known for part in parts.values()) and enclose(value + slope * step, parts).sign == 1
        except UndefinedHere:
            return False


def _is_rational_or_infinite(value: Expr) -> bool:
    return bool(value.is_Rational or value.is_infinite)
