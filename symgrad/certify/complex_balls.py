"""Complex balls, for expressions that contain the imaginary unit: principal values throughout."""

import operator
from collections.abc import Mapping
from functools import reduce
from typing import Any

import sympy
from flint import acb, arb, fmpq
from sympy import S

from symgrad.certify.refusals import UnclearError, UndefinedHere

_FUNCTIONS = frozenset(
    "exp log sin cos tan cot sec csc sinh cosh tanh coth sech csch asin acos atan asinh acosh atanh erf gamma".split()
)


def complex_value(expr: Any, where: Mapping[Any, fmpq]) -> acb:
    """Return a complex ball around the value of an expression; a nan where it may be undefined."""
    if expr in where:
        return acb(where[expr])
    if expr.is_Rational:
        return acb(fmpq(int(expr.p), int(expr.q)))
    if expr in _CONSTANTS:
        return acb(*_CONSTANTS[expr]())
    if isinstance(expr, sympy.Add | sympy.Mul):
        combine = operator.add if isinstance(expr, sympy.Add) else operator.mul
        return reduce(combine, [complex_value(a, where) for a in expr.args])
    if isinstance(expr, sympy.Pow):
        return _power(expr, where)
    name = expr.func.__name__
    if len(expr.args) != 1:
        raise UndefinedHere(f"{name} has no value for complex arguments here")
    u = complex_value(expr.args[0], where)
    if name in _PARTS:
        return acb(_PARTS[name](u))
    if name not in _FUNCTIONS:
        raise UndefinedHere(f"{name} has no value for complex arguments here")
    return acb(getattr(u, name)())


def _power(expr: Any, where: Mapping[Any, fmpq]) -> acb:
    base = complex_value(expr.base, where)
    if not expr.exp.is_Integer:
        return base ** complex_value(expr.exp, where)
    if expr.exp < 0 and base.contains(0):
        if base.is_zero():
            raise UndefinedHere("a divisor is 0")
        raise UnclearError
    return base ** int(expr.exp)


_CONSTANTS: dict[Any, Any] = {
    S.ImaginaryUnit: lambda: (0, 1),
    sympy.pi: lambda: (arb.pi(),),
    S.Exp1: lambda: (arb.const_e(),),
}
_PARTS: dict[str, Any] = {
    "Abs": abs,
    "re": lambda u: u.real,
    "im": lambda u: u.imag,
    "conjugate": lambda u: acb(u.real, -u.imag),
}
