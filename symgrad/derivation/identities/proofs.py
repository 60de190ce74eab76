"""Is this expression identically zero? Decided exactly or not at all.

``is_zero`` never samples and never trusts a simplifier: an expression is written over formal exponentials, roots and
functions (``normal_form``), where a vanishing numerator is a proof. Moduli, signs, maxima and piecewise definitions
that the normal form does not decide are split into the cases of the sign of one argument, each proved on its own.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import sympy
from sympy import Abs, Dummy, Expr, Max, Min, Mod, Piecewise, Pow, S
from sympy.functions.elementary.hyperbolic import HyperbolicFunction
from sympy.functions.elementary.trigonometric import TrigonometricFunction
from sympy.polys.polyerrors import BasePolynomialError

from symgrad.derivation.identities.cases import by_cases
from symgrad.derivation.identities.factored_fractions import TooHardError
from symgrad.derivation.identities.normal_form import (
    Generators,
    atom,
    exponential,
    known_sign,
    logarithm,
    modulus,
    written,
)
from symgrad.errors import InputError
from symgrad.maps import expand_activations

MAX_NODES = 4000
PROOFS = 512

_BY_EXPONENTIALS: dict[Any, Callable[[Expr], Expr]] = {
    "sinh": lambda e: (e - 1 / e) / 2,
    "cosh": lambda e: (e + 1 / e) / 2,
    "tanh": lambda e: (e**2 - 1) / (e**2 + 1),
    "coth": lambda e: (e**2 + 1) / (e**2 - 1),
    "sech": lambda e: 2 * e / (e**2 + 1),
    "csch": lambda e: 2 * e / (e**2 - 1),
}
_HYPERBOLIC_OF_IMAGINARY = {
    "sin": lambda e, i: (e - 1 / e) / (2 * i),
    "cos": lambda e, i: (e + 1 / e) / 2,
    "tan": lambda e, i: (e**2 - 1) / (e**2 + 1) / i,
    "cot": lambda e, i: i * (e**2 + 1) / (e**2 - 1),
    "sec": lambda e, i: 2 * e / (e**2 + 1),
    "csc": lambda e, i: 2 * i * e / (e**2 - 1),
}
_BY_LOGARITHMS: dict[str, Callable[[Expr], Expr]] = {
    "asinh": lambda u: sympy.log(u + sympy.sqrt(u**2 + 1)),
    "acosh": lambda u: sympy.log(u + sympy.sqrt(u - 1) * sympy.sqrt(u + 1)),
    "atanh": lambda u: (sympy.log(1 + u) - sympy.log(1 - u)) / 2,
    "acos": lambda u: sympy.pi / 2 - sympy.asin(u),
}
_ODD = (sympy.erf, sympy.atan, sympy.asin)
_REFUSALS = (TooHardError, BasePolynomialError, RecursionError, NotImplementedError, OverflowError)
_NOT_NUMBERS = (S.NaN, S.Infinity, S.NegativeInfinity, S.ComplexInfinity)


def _read(expr: object) -> Expr:
    """Return an expression or number as an expression; text is refused, because SymPy would run it."""
    if isinstance(expr, str):
        raise InputError(f"an expression is needed, got the text {expr[:60]!r}; read it with symgrad.expression first")
    return sympy.sympify(expr, strict=True)


def is_zero(expr: Expr) -> bool | None:
    """Say whether an expression vanishes identically wherever it is defined.

    Parameters
    ----------
    expr : any SymPy expression; its symbols range over what their assumptions allow

    Returns
    -------
    True where that is proved, False where the contrary is, None where neither is

    Examples
    --------
    >>> from sympy import cosh, log, sqrt, tanh
    >>> from symgrad.symbols import x
    >>> is_zero(1 - tanh(x) ** 2 - 1 / cosh(x) ** 2)
    True
    >>> is_zero((x - 1) * (x + 1) - x**2)
    False
    >>> is_zero(log(x**2) - 2 * log(x)) is None
    True
    """
    return _decide(expr)[0]


def zero_proof(expr: Expr, *, nonzero: Sequence[Expr] = ()) -> str | None:
    """Name the argument by which an expression is identically zero, or return None where there is no proof.

    Nothing is claimed where an expression of ``nonzero`` is 0.

    >>> from sympy import cos, sin
    >>> from symgrad.symbols import x
    >>> zero_proof(sin(2 * x) - 2 * sin(x) * cos(x))
    'trigonometric normal form'
    """
    zero, method = _decide(expr, nonzero)
    return method if zero else None


def sign_proof(expr: Expr, *, strict: bool = False, nonzero: Sequence[Expr] = ()) -> str | None:
    """Name the argument by which an expression is at least 0 (``strict``: positive) wherever it is defined, or None.

    >>> from symgrad.maps import sigmoid
    >>> from symgrad.symbols import x
    >>> sign_proof(S(1) / 4 - sigmoid(x) * (1 - sigmoid(x)))
    'signs of the factors of the normal form'
    """
    expr = expand_activations(_read(expr))
    return _sign_method(expr, strict, tuple(nonzero)) if _admissible(expr) else None


@lru_cache(maxsize=PROOFS)
def _sign_method(expr: Expr, strict: bool, nonzero: tuple[Expr, ...]) -> str | None:
    def prove(part: Expr) -> bool:
        sign, positive = _known_sign(part)
        return (sign == 1 and (positive or not strict)) or (sign == 0 and positive and not strict)

    if prove(expr):
        return "signs of the factors of the normal form"
    return "by cases, signs of the factors of the normal form" if by_cases(expr, prove, nonzero=nonzero) else None


def _known_sign(expr: Expr) -> tuple[int, bool]:
    """Return the sign as ``known_sign`` does; (0, True) for an expression that is 0, (0, False) for an unknown sign."""
    table = Generators()
    try:
        return known_sign(table, _rewritten(table, expr))
    except _REFUSALS:
        return 0, False


def _decide(expr: Expr, nonzero: Sequence[Expr] = ()) -> tuple[bool | None, str]:
    expr = expand_activations(_read(expr))
    return _verdict(expr, tuple(nonzero)) if _admissible(expr) else (None, "")


@lru_cache(maxsize=PROOFS)
def _verdict(expr: Expr, nonzero: tuple[Expr, ...]) -> tuple[bool | None, str]:
    verdict = _normal(expr)
    if verdict is not None:
        return verdict, _method(expr) if verdict else ""
    if by_cases(expr, _normal, nonzero=nonzero):
        return True, f"by cases, {_method(expr)} in each"
    return None, ""


def _admissible(expr: Any) -> bool:
    if not isinstance(expr, Expr) or expr.has(*_NOT_NUMBERS, sympy.Float) or _size(expr) > MAX_NODES:
        return False
    return not any(s.is_zero or not s.is_commutative for s in expr.free_symbols)


def _size(expr: Expr) -> int:
    count = 0
    for count, _ in enumerate(sympy.preorder_traversal(expr)):
        if count > MAX_NODES:
            break
    return count


def _normal(expr: Expr) -> bool | None:
    """Decide by the normal form alone."""
    if expr.is_Rational:
        return bool(expr == 0)
    table = Generators()
    try:
        rational = _rewritten(table, expr)
        frame = table.frame(rational)
        num, den = table.fraction(rational, frame)
        if any(not table.reduced(base, {}, frame)[0] for base in den):
            return None
    except _REFUSALS:
        return None
    if not num:
        return True
    transcendental = all(not isinstance(g, Dummy) or g in (table.unit, table.pi) for g in frame.generators)
    return False if transcendental else None


def _method(expr: Expr) -> str:
    """Name the normal form by the functions it had to deal with."""
    if expr.has(TrigonometricFunction):
        return "trigonometric normal form"
    if expr.has(sympy.exp, HyperbolicFunction, sympy.log) or any(not p.exp.is_Rational for p in expr.atoms(Pow)):
        return "exponential normal form"
    if any(not p.exp.is_Integer for p in expr.atoms(Pow)):
        return "algebraic normal form"
    if any(p.exp.is_negative and p.base.free_symbols for p in expr.atoms(Pow)):
        return "rational normal form"
    return "polynomial normal form"


def _rewritten(table: Generators, expr: Expr) -> Expr:
    """Write an expression as a rational function of generators."""
    if expr in _NOT_NUMBERS:
        raise TooHardError("no finite number")
    if expr.is_Rational or expr.is_Symbol:
        return expr
    if expr == S.ImaginaryUnit:
        return table.i
    if expr == sympy.pi:
        return table.pi
    if expr == S.Exp1:
        return exponential(table, S.One)
    if expr.is_Add or expr.is_Mul:
        return expr.func(*[_rewritten(table, a) for a in expr.args])
    if expr.is_Pow:
        return _power(table, expr.base, expr.exp)
    if isinstance(expr, sympy.exp):
        return exponential(table, _rewritten(table, expr.args[0]))
    if expr.is_Function and expr.args:
        return _function(table, expr)
    return atom(table, expr, (S.Zero,), real=expr.is_real is True, positive=expr.is_positive is True)


def _power(table: Generators, base: Expr, exponent: Expr) -> Expr:
    """Write a power; one of symbolic exponent is exp(exponent·log(base))."""
    if base == S.Exp1:
        return exponential(table, _rewritten(table, exponent))
    under = _rewritten(table, base)
    if exponent.is_Integer:
        return under**exponent
    above = _rewritten(table, exponent)
    if exponent.is_Rational is not True and not _may_be_split(base, exponent):
        raise TooHardError("a power whose base may vanish")
    return exponential(table, above * logarithm(table, under, integer=exponent.is_integer is True))


def _may_be_split(base: Expr, exponent: Expr) -> bool:
    """Say whether b**(e+c) = b**e·b**c loses no more than isolated zeros of b, where continuity fills the gap."""
    return bool(base.is_nonzero) or bool(base.is_polynomial() and base.free_symbols and base.expand() != 0)


def _function(table: Generators, expr: Expr) -> Expr:
    """Write a function through exponentials, logarithms and moduli, or else as a generator of its own."""
    name = expr.func.__name__
    if name in _BY_LOGARITHMS:
        return _rewritten(table, _BY_LOGARITHMS[name](expr.args[0]))
    if isinstance(expr, Mod):
        a, b = expr.args
        return _rewritten(table, a - b * sympy.floor(a / b))
    if isinstance(expr, Max | Min):
        first, rest = expr.args[0], expr.func(*expr.args[1:])
        turn = 1 if isinstance(expr, Max) else -1
        return _rewritten(table, (first + rest) / 2) + turn * _rewritten(table, Abs(first - rest, evaluate=False)) / 2
    if isinstance(expr, Piecewise) or any(not isinstance(a, Expr) for a in expr.args):
        return atom(table, expr, (S.Zero,), real=expr.is_real is True)
    arguments = tuple(_rewritten(table, a) for a in expr.args)
    u = arguments[0]
    if name in _BY_EXPONENTIALS:
        return _BY_EXPONENTIALS[name](exponential(table, u))
    if name in _HYPERBOLIC_OF_IMAGINARY:
        return _HYPERBOLIC_OF_IMAGINARY[name](exponential(table, table.i * u), table.i)
    if isinstance(expr, sympy.log) and len(arguments) == 1:
        return logarithm(table, u)
    if isinstance(expr, Abs) and table.is_real(u):
        return modulus(table, u)
    return _atomic(table, expr, arguments)


def _atomic(table: Generators, expr: Expr, arguments: tuple[Expr, ...]) -> Expr:
    """Return the generator of a function at canonical arguments, an odd one at the argument of positive sign."""
    arguments = tuple(written(table, a) for a in arguments)
    if all(a.is_Rational for a in arguments) and arguments != expr.args:
        value = expr.func(*arguments)
        return _rewritten(table, value)
    turn = 1
    if expr.func in _ODD:
        num, _, _ = table.canonical(arguments[0])
        if num and num.LC < 0:
            arguments, turn = (written(table, -arguments[0]),), -1
    real = expr.is_real is True
    return turn * atom(table, expr.func, arguments, real=real, positive=turn > 0 and expr.is_positive is True)
