"""The sign of an expression of one variable on an open interval, from its factors, without derivatives."""

from collections.abc import Iterator

import sympy
from sympy import Expr, Mul, Pow, S, Symbol

from symgrad.certify import UndefinedHere, enclose
from symgrad.claims.constants import number_is_zero
from symgrad.claims.pieces import Piece
from symgrad.derivation.identities.proofs import sign_proof

LARGEST = 120
LARGEST_DEGREE = 16
_OPAQUE = (sympy.log, sympy.erf, sympy.atan, sympy.asin, sympy.acos)


def sign_of_number(value: Expr) -> int | None:
    """Return the certain sign of a number, None where it is not certain."""
    if value.has(S.NaN, S.ComplexInfinity, S.Infinity):
        return None
    try:
        found = enclose(value, {}, bits=192).sign
    except UndefinedHere:
        return None
    return 0 if found is None and number_is_zero(value) else found


def sign_on(expr: Expr, piece: Piece, x: Symbol) -> int | None:
    """Return the sign, 1 or -1, that an expression certainly has everywhere on an open interval, None if unknown.

    >>> from symgrad.symbols import x
    >>> sign_on(sympy.sin(x) * (1 - x) ** 3, Piece(S.One, sympy.pi), x)
    -1
    """
    result = 1
    for factor in Mul.make_args(expr):
        base, exponent = factor.as_base_exp()
        if exponent.is_Integer and base != S.Exp1:
            sign = _sign_of_factor(base, piece, x)
            if sign is None:
                return None
            result *= sign if exponent % 2 else 1
        else:
            sign = _sign_of_factor(factor, piece, x)
            if sign is None:
                return None
            result *= sign
    return result


def _sign_of_factor(expr: Expr, piece: Piece, x: Symbol) -> int | None:
    if x not in expr.free_symbols:
        return sign_of_number(expr) or None
    if isinstance(expr, sympy.exp) or (isinstance(expr, Pow) and expr.base == S.Exp1):
        return 1
    if isinstance(expr, sympy.sin | sympy.cos):
        return _trigonometric(expr, piece, x)
    signs = {_sign_at(expr, x, point) for point in piece.samples()} - {None}
    if len(signs) != 1:
        return None
    sign = signs.pop()
    return sign if sign and at_least_zero(sign * expr, piece, x, strict=True) else None


def _sign_at(expr: Expr, x: Symbol, point: Expr) -> int | None:
    try:
        return enclose(expr, {x: point}, bits=64).sign
    except UndefinedHere:
        return None


def _trigonometric(expr: Expr, piece: Piece, x: Symbol) -> int | None:
    """Return the sign of sin(c·x + d) or cos(c·x + d) where the interval lies between neighbouring zeros."""
    angle = expr.args[0] + (sympy.pi / 2 if isinstance(expr, sympy.cos) else 0)
    slope = angle.diff(x)
    if x in slope.free_symbols or piece.low.is_infinite or piece.high.is_infinite:
        return None
    ends = [angle.subs(x, end) / sympy.pi for end in (piece.low, piece.high)]
    turn = sympy.floor((ends[0] + ends[1]) / 2)
    if not turn.is_Integer:
        return None
    signs = [sign_of_number(part) for end in ends for part in (end - turn, turn + 1 - end)]
    return (1 if turn % 2 == 0 else -1) if all(s is not None and s >= 0 for s in signs) else None


def at_least_zero(expr: Expr, piece: Piece, x: Symbol, *, strict: bool) -> bool:
    """Say whether an expression is proved to be at least 0 (``strict``: positive) on an open interval."""
    if not expr.free_symbols:
        sign = sign_of_number(expr)
        return sign == 1 or (sign == 0 and not strict)
    if _bounded_below(expr, strict):
        return True
    opaque = expr.is_Add and expr.has(*_OPAQUE)
    return any(
        (not opaque and sign_proof(placed, strict=strict) is not None)
        or _with_algebraic_coefficients(placed, t, strict)
        or by_squaring(placed, strict)
        or _by_exponential(placed, strict)
        for placed, t in _placed(expr, piece, x)
    )


def _placed(expr: Expr, piece: Piece, x: Symbol) -> Iterator[tuple[Expr, Symbol]]:
    """Yield the expression on the interval, the variable written by a symbol that is positive there."""
    t = sympy.Dummy("t", positive=True)
    if piece.low.is_infinite and piece.high.is_infinite:
        yield expr, x
    if piece.low.is_finite:
        yield expr.subs(x, piece.low + t), t
    if piece.high.is_finite:
        yield expr.subs(x, piece.high - t), t
    if piece.low.is_finite and piece.high.is_finite:
        yield expr.subs(x, (piece.low + piece.high * t) / (1 + t)), t


def _with_algebraic_coefficients(expr: Expr, t: Symbol, strict: bool) -> bool:
    """Decide a rational function of t or of exp(t) whose coefficients contain square roots, by its factors."""
    if not any(p.base.is_Rational and p.exp.q == 2 for p in expr.atoms(Pow) if p.exp.is_Rational):
        return False
    p = sympy.Dummy("p", positive=True)
    written = expr if expr.is_rational_function(t) else sympy.powsimp(expr.rewrite(sympy.exp).subs(t, sympy.log(p)))
    symbol = t if written is expr else p
    if written.free_symbols != {symbol} or not written.is_rational_function(symbol):
        return False
    above, below = sympy.fraction(sympy.together(written))
    if max(sympy.degree(above, symbol), sympy.degree(below, symbol)) > LARGEST_DEGREE:
        return False
    signs = [_polynomial_sign(part, symbol) for part in (above, below)]
    if None in signs:
        return False
    (top, certain), (bottom, _) = signs  # type: ignore[misc]
    return bool(top * bottom > 0) and (certain or not strict)


def _polynomial_sign(expr: Expr, t: Symbol) -> tuple[int, bool] | None:
    """Return the sign of a polynomial with algebraic coefficients for all t (t > 0 where t is positive)."""
    if t not in expr.free_symbols:
        sign = sign_of_number(expr)
        return (sign, True) if sign else None
    constant, factors = sympy.Poly(expr, t, extension=True).factor_list()
    result, strict = sign_of_number(constant) or 0, True
    for factor, exponent in factors:
        signs = [sign_of_number(c) for c in factor.all_coeffs()]
        positive = all(s is not None and s >= 0 for s in signs) and (t.is_positive or factor.degree() == 0)
        if not positive and factor.degree() == 2 and sign_of_number(factor.discriminant()) == -1:
            positive = signs[0] == 1
        if positive:
            continue
        if exponent % 2:
            return None
        strict = False
    return (result, strict) if result else None


def by_squaring(expr: Expr, strict: bool, depth: int = 2) -> bool:
    """Prove a + b·sqrt(c) >= 0 from a >= 0 and a**2 >= b**2·c, or from b >= 0 and b**2·c >= a**2."""
    roots = {p.base for p in expr.atoms(Pow) if p.exp.is_Rational and p.exp.q == 2 and p.base.free_symbols}
    if not roots or len(roots) > depth or sympy.count_ops(expr) > LARGEST:
        return False
    c = max(roots, key=sympy.count_ops)
    s = sympy.Dummy("s", positive=True)
    above, below = sympy.fraction(sympy.together(expr.subs(sympy.sqrt(c), s)))
    if not above.is_polynomial(s) or sign_proof(below.subs(s, sympy.sqrt(c)), strict=True) is None:
        return False
    poly = sympy.Poly(above, s)
    a, b = (
        sympy.expand(sum((q * c ** (m // 2) for (m,), q in poly.terms() if m % 2 == odd), S.Zero)) for odd in (0, 1)
    )
    gap = sympy.expand(a**2 - b**2 * c)

    def prove(part: Expr, strictly: bool) -> bool:
        return sign_proof(part, strict=strictly) is not None or by_squaring(part, strictly, depth - 1)

    return (prove(a, False) and prove(gap, strict)) or (prove(b, False) and prove(-gap, strict))


def _by_exponential(expr: Expr, strict: bool) -> bool:
    """Prove Σ c·log(u) + v >= 0 from Π u**c·exp(v) >= 1."""
    terms = [term.as_coeff_Mul() for term in sympy.Add.make_args(expr)]
    logs = [(c, part.args[0]) for c, part in terms if isinstance(part, sympy.log) and abs(c) <= LARGEST_DEGREE]
    rest = sympy.Add(*[c * part for c, part in terms if not isinstance(part, sympy.log)])
    if not logs or rest.has(sympy.log) or sympy.count_ops(expr) > LARGEST:
        return False
    return sign_proof(sympy.Mul(*[u**c for c, u in logs]) * sympy.exp(rest) - 1, strict=strict) is not None


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
