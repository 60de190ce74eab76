"""SymPy expressions evaluated on arrays of numbers with unlimited exponents: slow, but nothing leaves its range.

An argument below 2**-1000 gets the leading term of the function's Taylor series; one beyond float64 gets the
function's limit or its growth law, and an undefined result where there is neither, as for sin.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Basic, Expr, Piecewise, Symbol
from sympy.codegen.cfunctions import expm1, log1p

from symgrad.errors import InputError
from symgrad.kernels.signed_log import (
    SignedLog,
    absolute,
    add,
    broadcast_to,
    compare,
    divide,
    exponential,
    integer_part,
    logarithm,
    maximum,
    minimum,
    multiply,
    negate,
    power,
    raise_to,
    remainder,
    total,
    undefined,
    where,
)
from symgrad.kernels.special_functions import special
from symgrad.kernels.stable import STABLE
from symgrad.maps import ACTIVATIONS, step
from symgrad.symbols import x as X

Truth = NDArray[np.float64]  # 1 true, 0 false, nan where something compared is undefined
Operation = Callable[..., SignedLog]

TINY = -1000.0  # a float with this exponent still has all its bits
HUGE = 1000.0
ONE_IS_LOST = 60.0  # 1 + x rounds to x
SATURATED = 6.0  # from |x| = 2**6 / 2 on exp(-2|x|) is lost beside 1
ONE, TWO, ROOT_PI = SignedLog.from_float(1.0), SignedLog.from_float(2.0), SignedLog.from_float(np.sqrt(np.pi))


@lru_cache(maxsize=256)
def _leading(function: Any) -> tuple[SignedLog, int]:
    """Return the coefficient and the order of the first term of the function's Taylor series at 0."""
    t = Symbol("t", real=True)
    expr, order = function(t), 0
    while (coefficient := expr.subs(t, 0)) == 0:
        expr, order = expr.diff(t), order + 1
    return _constant(sympy.sympify(coefficient, strict=True) / sympy.factorial(order)), order


def _elementary(function: Any, numeric: Callable[[Any], Any]) -> Operation:
    """Return a function through its float64 form where the argument is a float, its leading term below that."""

    def evaluate(a: SignedLog) -> SignedLog:
        with np.errstate(all="ignore"):
            near = SignedLog.from_float(numeric(a.value))
        small = (a.exponent < TINY) & (a.mantissa != 0.0)
        if not small.any():
            return near
        coefficient, order = _leading(function)
        return where(small, multiply(coefficient, power(a, order)), near)

    return evaluate


def _grown(within: Operation, beyond: Operation, height: float) -> Operation:
    """Return ``within`` for arguments below 2**height and ``beyond`` above."""

    def evaluate(a: SignedLog) -> SignedLog:
        far = a.exponent > height
        return where(far, beyond(a), within(a)) if far.any() else within(a)

    return evaluate


def _reciprocal(operation: Operation) -> Operation:
    return lambda a: divide(ONE, operation(a))


def _signed_like(size: SignedLog, a: SignedLog) -> SignedLog:
    return where(a.mantissa < 0.0, negate(size), size)


def _half_exponential(a: SignedLog) -> SignedLog:
    return divide(exponential(absolute(a)), TWO)


def _log_of_double(a: SignedLog) -> SignedLog:
    return logarithm(multiply(TWO, a))


def _erfc(a: SignedLog) -> SignedLog:
    """Return erfc: from 4 on as erfcx(x) exp(-x**2), which does not underflow."""
    near = _elementary(sympy.erfc, lambda u: special.erfc(u))(a)
    tail = (a.exponent > 2.0) & (a.mantissa > 0.0)
    if not tail.any():
        return near
    scaled = _grown(
        lambda u: SignedLog.from_float(special.erfcx(np.abs(u.value))),
        lambda u: divide(ONE, multiply(ROOT_PI, u)),
        HUGE,
    )
    return where(tail, multiply(scaled(a), exponential(negate(multiply(a, a)))), near)


def _acosh(a: SignedLog) -> SignedLog:
    with np.errstate(invalid="ignore"):
        return SignedLog.from_float(np.arccosh(a.value))


def _sign(a: SignedLog) -> SignedLog:
    with np.errstate(invalid="ignore"):
        return SignedLog.from_float(np.sign(a.mantissa))


def _ceiling(a: SignedLog) -> SignedLog:
    return negate(integer_part(negate(a)))


def _heaviside(a: SignedLog, at_zero: SignedLog) -> SignedLog:
    one_sided = SignedLog.from_float(np.where(undefined(a), np.nan, (a.mantissa > 0.0) * 1.0))
    return where(a.mantissa == 0.0, at_zero, one_sided)


def _step(a: SignedLog) -> SignedLog:
    return _heaviside(a, SignedLog.from_float(0.0))


_SINH = _grown(_elementary(sympy.sinh, np.sinh), lambda a: _signed_like(_half_exponential(a), a), SATURATED)
_COSH = _grown(_elementary(sympy.cosh, np.cosh), _half_exponential, SATURATED)
_TANH = _elementary(sympy.tanh, np.tanh)
_SIN, _COS, _TAN = _elementary(sympy.sin, np.sin), _elementary(sympy.cos, np.cos), _elementary(sympy.tan, np.tan)

OPERATIONS: Mapping[Any, Operation] = {
    sympy.exp: exponential,
    sympy.log: logarithm,
    log1p: _grown(_elementary(log1p, np.log1p), logarithm, ONE_IS_LOST),
    expm1: _grown(_elementary(expm1, np.expm1), lambda a: add(exponential(a), negate(ONE)), SATURATED),
    sympy.sinh: _SINH,
    sympy.cosh: _COSH,
    sympy.tanh: _TANH,
    sympy.sin: _SIN,
    sympy.cos: _COS,
    sympy.tan: _TAN,
    sympy.csch: _reciprocal(_SINH),
    sympy.sech: _reciprocal(_COSH),
    sympy.coth: _reciprocal(_TANH),
    sympy.csc: _reciprocal(_SIN),
    sympy.sec: _reciprocal(_COS),
    sympy.cot: _reciprocal(_TAN),
    sympy.asin: _elementary(sympy.asin, np.arcsin),
    sympy.acos: _elementary(sympy.acos, np.arccos),
    sympy.atan: _elementary(sympy.atan, np.arctan),
    sympy.asinh: _grown(
        _elementary(sympy.asinh, np.arcsinh), lambda a: _signed_like(_log_of_double(absolute(a)), a), HUGE
    ),
    sympy.acosh: _grown(_acosh, _log_of_double, HUGE),
    sympy.atanh: _elementary(sympy.atanh, np.arctanh),
    sympy.erf: _elementary(sympy.erf, lambda u: special.erf(u)),
    sympy.erfc: _erfc,
    sympy.Abs: absolute,
    sympy.sign: _sign,
    sympy.floor: integer_part,
    sympy.ceiling: _ceiling,
    sympy.Mod: remainder,
    sympy.Heaviside: _heaviside,
    sympy.Min: lambda *args: reduce(minimum, args),
    sympy.Max: lambda *args: reduce(maximum, args),
    sympy.Add: lambda *args: total(args),
    sympy.Mul: lambda *args: reduce(multiply, args),
    step: _step,
}

RELATIONS: Mapping[Any, tuple[float, float, float]] = {  # truth where left < right, left = right, left > right
    sympy.StrictLessThan: (1.0, 0.0, 0.0),
    sympy.LessThan: (1.0, 1.0, 0.0),
    sympy.Equality: (0.0, 1.0, 0.0),
    sympy.Unequality: (1.0, 0.0, 1.0),
    sympy.GreaterThan: (0.0, 1.0, 1.0),
    sympy.StrictGreaterThan: (0.0, 0.0, 1.0),
}
CONNECTIVES: Mapping[Any, Callable[..., Truth]] = {
    sympy.And: lambda *args: reduce(np.minimum, args),
    sympy.Or: lambda *args: reduce(np.maximum, args),
    sympy.Not: lambda arg: 1.0 - arg,
}


def _compared(relation: Any, left: SignedLog, right: SignedLog) -> Truth:
    order = compare(left, right)
    below, equal, above = RELATIONS[relation]
    truth = np.where(order < 0, below, np.where(order > 0, above, equal))
    return np.where(np.isnan(order), np.nan, truth)


def _piecewise(branches: Sequence[tuple[SignedLog, Truth]]) -> SignedLog:
    """Return the first branch whose condition is true, undefined where a condition before it is."""
    result, open_ = SignedLog.from_float(np.nan), np.asarray(True)
    for value, condition in branches:
        result = where(open_ & (condition == 1.0), value, result)
        open_ = open_ & (condition == 0.0)
    return result


@lru_cache(maxsize=4096)
def _constant(number: Expr) -> SignedLog:
    """Return a number rounded once."""
    if number.is_Rational:
        return SignedLog.from_ratio(int(number.p), int(number.q))
    if number.is_Float:
        sign, mantissa, exponent, _ = number._mpf_
        whole = SignedLog.from_ratio(int(-mantissa if sign else mantissa))
        return SignedLog.from_parts(whole.mantissa, whole.exponent + float(exponent))
    if number in (sympy.oo, -sympy.oo):
        return SignedLog.from_float(float(number))
    if number in (sympy.nan, sympy.zoo):
        return SignedLog.from_float(np.nan)
    if number.is_extended_real and number.is_comparable:
        return _constant(number.evalf(30))
    raise InputError(f"only real numbers can be evaluated here, got {number}; rewrite the expression over the reals")


def _operate(node: Basic, args: Sequence[Any]) -> SignedLog | Truth:
    """Apply the operation at the top of ``node`` to the values of its arguments."""
    kind = node.func
    if kind in OPERATIONS:
        return OPERATIONS[kind](*args)
    if kind is sympy.Pow:
        exponent = node.args[1]
        rational = exponent.is_Rational
        return power(args[0], _fraction(exponent)) if rational else raise_to(args[0], args[1])
    if kind is Piecewise:
        return _piecewise(list(zip(args[::2], args[1::2], strict=True)))
    if kind in RELATIONS:
        return _compared(kind, *args)
    if kind in CONNECTIVES:
        return CONNECTIVES[kind](*args)
    if kind.__name__ in STABLE:
        return evaluate_extended([STABLE[kind.__name__].exact[0]], {X: args[0]})[0]
    if kind.__name__ in ACTIVATIONS:
        return evaluate_extended([ACTIVATIONS[kind.__name__].formula(X)], {X: args[0]})[0]
    known = sorted({*(f.__name__ for f in OPERATIONS), *STABLE})
    raise InputError(f"no arithmetic with unlimited exponents for {kind.__name__}; known: {', '.join(known)}")


def _fraction(number: Expr) -> Fraction:
    return Fraction(int(number.p), int(number.q))


def _children(node: Basic) -> tuple[Basic, ...]:
    if isinstance(node, Piecewise):
        return tuple(part for branch in node.args for part in branch.args)
    return tuple(node.args)


def _leaf(node: Basic) -> SignedLog | Truth:
    if node in (sympy.true, sympy.false):
        return np.asarray(1.0 if node == sympy.true else 0.0)
    if isinstance(node, Expr) and not node.free_symbols:
        return _constant(node)
    raise InputError(f"the symbol {node} has no value; give it one in values")


def evaluate_extended(exprs: Sequence[Expr], values: Mapping[Symbol, SignedLog]) -> list[SignedLog]:
    """Return the expressions at the values given, in numbers that neither overflow nor underflow.

    Parameters
    ----------
    exprs : real expressions; what they share is computed once
    values : the value of every symbol (or of any other subexpression), each shape (…), broadcast together

    Returns
    -------
    one SignedLog per expression, each of the broadcast shape of all values

    Raises
    ------
    InputError : a symbol without a value, a function without a rule, a number that is not real

    Examples
    --------
    >>> slope = STABLE["tanh"].exact[1]
    >>> (result,) = evaluate_extended([slope], {X: SignedLog.from_float([0.0, 1e6])})
    >>> result.log_abs
    array([       0.        , -1999998.61370564])
    """
    known: dict[Basic, Any] = dict(values)
    for expr in exprs:
        stack = [sympy.sympify(expr, strict=True)]
        while stack:
            node = stack[-1]
            if node in known:
                stack.pop()
                continue
            children = _children(node)
            waiting = [child for child in children if child not in known]
            if waiting:
                stack.extend(waiting)
                continue
            known[node] = _operate(node, [known[child] for child in children]) if children else _leaf(node)
            stack.pop()
    shape = np.broadcast_shapes(*(value.shape for value in values.values()))
    return [broadcast_to(known[sympy.sympify(expr, strict=True)], shape) for expr in exprs]
