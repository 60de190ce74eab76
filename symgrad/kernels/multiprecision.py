"""The oracle: steps evaluated by mpmath with any number of digits, each run in a context of its own."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import sympy
from sympy import Expr

from symgrad.errors import InputError
from symgrad.kernels.fold import Arithmetic
from symgrad.kernels.steps import Step
from symgrad.maps import expand_activations

_BY_NAME = frozenset(
    "exp log sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc log1p expm1 floor sign".split()
)
GROWING = frozenset({"exp", "sinh", "cosh", "expm1"})
LARGEST_EXPONENT_BITS = 20_000


def context(bits: int) -> Any:
    """Return a fresh mpmath context of that working precision, shared with nobody."""
    fresh = mpmath.ctx_mp.MPContext()
    fresh.prec = bits
    return fresh


def to_mpf(value: Any, ctx: Any) -> Any:
    """Return a number as an mpf of the context: fractions and SymPy rationals exactly rounded, floats exactly."""
    if isinstance(value, Fraction):
        return ctx.mpf(value.numerator) / value.denominator
    if isinstance(value, sympy.Rational):
        return ctx.mpf(int(value.p)) / int(value.q)
    if isinstance(value, Expr):
        return evaluate(expand_activations(value), {}, ctx)
    return ctx.mpf(value)


def _out_of_reach(value: Any) -> bool:
    """Whether exp of the value would need more bits than memory holds: a tower of exponentials."""
    return bool(value.man) and int(value.exp) + int(value.bc) > LARGEST_EXPONENT_BITS


def _call(name: str, arguments: Sequence[Any], ctx: Any) -> Any:
    if name in GROWING and _out_of_reach(arguments[0]):
        return ctx.inf if arguments[0] > 0 or name == "cosh" else ctx.nan
    if name in _BY_NAME:
        return getattr(ctx, name)(*arguments)
    if name == "Abs":
        return abs(arguments[0])
    if name == "Min":
        return min(arguments)
    if name == "Max":
        return max(arguments)
    if name == "Mod":
        return arguments[0] - arguments[1] * ctx.floor(arguments[0] / arguments[1])
    raise InputError(f"the mpmath backend has no function {name}; use the lambdify backend")


def _piecewise(expr: Expr, known: Mapping[Any, Any], ctx: Any, seen: dict[Any, Any]) -> Any:
    for value, condition in expr.args:
        if _holds(condition, known, ctx, seen):
            return _evaluate(value, known, ctx, seen)
    return ctx.nan


_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "StrictGreaterThan": lambda a, b: bool(a > b),
    "GreaterThan": lambda a, b: bool(a >= b),
    "StrictLessThan": lambda a, b: bool(a < b),
    "LessThan": lambda a, b: bool(a <= b),
    "Equality": lambda a, b: bool(a == b),
    "Unequality": lambda a, b: bool(a != b),
}


def _holds(condition: Any, known: Mapping[Any, Any], ctx: Any, seen: dict[Any, Any]) -> bool:
    if condition in (sympy.true, sympy.false):
        return bool(condition)
    if isinstance(condition, sympy.And | sympy.Or):
        parts = [_holds(c, known, ctx, seen) for c in condition.args]
        return all(parts) if isinstance(condition, sympy.And) else any(parts)
    a, b = (_evaluate(e, known, ctx, seen) for e in condition.args)
    return _RELATIONS[type(condition).__name__](a, b)


def _evaluate(expr: Expr, known: Mapping[Any, Any], ctx: Any, seen: dict[Any, Any]) -> Any:
    if expr in seen:
        return seen[expr]
    if expr.is_Symbol:
        result = known[expr]
    elif isinstance(expr, sympy.Rational):
        result = to_mpf(expr, ctx)
    elif expr.is_NumberSymbol:
        result = ctx.make_mpf(expr._as_mpf_val(ctx.prec))
    elif isinstance(expr, sympy.Piecewise):
        result = _piecewise(expr, known, ctx, seen)
    else:
        arguments = [_evaluate(a, known, ctx, seen) for a in expr.args]
        if expr.is_Add:
            result = ctx.fsum(arguments)
        elif expr.is_Mul:
            result = ctx.fprod(arguments)
        elif expr.is_Pow:
            result = _power(expr, arguments, ctx)
        else:
            result = _call(expr.func.__name__, arguments, ctx)
    seen[expr] = result
    return result


def _power(expr: Expr, arguments: Sequence[Any], ctx: Any) -> Any:
    base, exponent = arguments
    if expr.exp.is_Integer:
        return base ** int(expr.exp)
    result = ctx.power(base, exponent)
    return result if isinstance(result, ctx.mpf) else ctx.nan


def evaluate(expr: Expr, known: Mapping[Any, Any], ctx: Any) -> Any:
    """Return the value of a SymPy expression in the context; nan where it is undefined over the reals."""
    return _real(expr, known, ctx, {})


def _real(expr: Expr, known: Mapping[Any, Any], ctx: Any, seen: dict[Any, Any]) -> Any:
    try:
        result = _evaluate(expr, known, ctx, seen)
    except InputError:
        raise
    except (ZeroDivisionError, ValueError):
        return ctx.nan
    return result if isinstance(result, ctx.mpf) else ctx.nan


def arithmetic(ctx: Any) -> Arithmetic:
    """Return the fold's arithmetic in the context."""

    def evaluate_step(step: Step, known: Mapping[Any, Any]) -> list[Any]:
        seen: dict[Any, Any] = {}
        return [_real(expr, known, ctx, seen) for expr in step.exact_outputs]

    return Arithmetic(evaluate_step, lambda a, b: a * b, lambda a, b: a + b, lambda a: -a, ctx.mpf(0), ctx.mpf(1))
