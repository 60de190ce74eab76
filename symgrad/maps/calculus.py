"""Differentiation almost everywhere, recognition of activations, and their expansion into formulas."""

from collections.abc import Iterable
from typing import Any

import sympy
from sympy import Abs, Expr, Function, Integer, Max, Min, Mod, Symbol, floor, sign
from sympy.core.cache import cacheit

from symgrad.maps.activations import ACTIVATIONS, Formula, sigmoid, softplus, step


class _modulus(Function):
    """|u| with the derivative sign(u): 0 at the kink."""

    def fdiff(self, argindex: int = 1) -> Expr:
        return sign(self.args[0])


class _flat(Function):
    """A function of a number and an argument that is constant between its jumps: derivative 0 almost everywhere."""

    def fdiff(self, argindex: int = 1) -> Expr:
        return Integer(0)


_JUMPS: tuple[Any, ...] = (sign, floor)


def _pairwise(arguments: Iterable[Expr], turn: int) -> Expr:
    """Return the maximum (turn = 1) or minimum (turn = -1) through moduli: ties share their derivative evenly."""
    first, *rest = arguments
    for other in rest:
        first = (first + other + turn * _modulus(first - other)) / 2
    return first


def differentiate(expr: Expr, symbol: Expr) -> Expr:
    """Return the derivative of ``expr`` almost everywhere, with one convention for every kink.

    ``sign``, ``floor`` and ``step`` have derivative 0; |u|' = sign(u), 0 at the kink; where arguments of Min or
    Max tie each carries an equal share; activations take the value their row states.

    >>> from symgrad.symbols import x
    >>> differentiate(Abs(x) + floor(x), x)
    sign(x)
    """
    if symbol not in expr.free_symbols:
        return Integer(0)
    if expr.has(Max, Min):
        expr = expr.replace(Max, lambda *a: _pairwise(a, 1)).replace(Min, lambda *a: _pairwise(a, -1))
    if expr.has(Mod):
        expr = expr.replace(Mod, lambda a, b: a - b * floor(a / b))
    if expr.has(Abs, *_JUMPS):
        expr = expr.replace(Abs, _modulus)
        for index, jump in enumerate(_JUMPS):
            expr = expr.replace(jump, lambda a, index=index: _flat(index, a))
    derivative = sympy.diff(expr, symbol)
    if derivative.has(_modulus, _flat):
        derivative = derivative.replace(_modulus, Abs).replace(_flat, lambda index, a: _JUMPS[int(index)](a))
    return derivative


def _logistic_argument(base: Expr) -> Expr | None:
    """Return u where ``base`` is 1 + exp(u)."""
    if base.is_Add and len(base.args) == 2 and base.args[0] == 1 and isinstance(base.args[1], sympy.exp):
        return base.args[1].args[0]
    return None


def _cancel_exponentials(product: Expr) -> Expr:
    """Write exp(u)·sigmoid(-u) as sigmoid(u)."""
    for factor in product.args:
        if isinstance(factor, sympy.exp):
            partner = sigmoid(-factor.args[0])
            if partner in product.args or any(f.is_Pow and f.base == partner for f in product.args):
                return _cancel_exponentials(product / factor / partner * sigmoid(factor.args[0]))
    return product


def recognise(expr: Expr) -> Expr:
    """Write 1/(1 + exp(-u)) as sigmoid(u) and log(1 + exp(u)) as softplus(u), wherever they occur.

    >>> from symgrad.symbols import x
    >>> recognise(2 / (1 + sympy.exp(-3 * x)) + sympy.log(1 + sympy.exp(x)))
    2*sigmoid(3*x) + softplus(x)
    """
    if not expr.has(sympy.exp):
        return expr

    def power(base: Expr, exponent: Expr) -> Expr:
        u = _logistic_argument(base) if exponent.is_Integer and exponent.is_negative else None
        return base**exponent if u is None else sigmoid(-u) ** (-exponent)

    def logarithm(argument: Expr) -> Expr:
        u = _logistic_argument(argument)
        return sympy.log(argument) if u is None else softplus(u)

    expr = expr.replace(sympy.log, logarithm).replace(sympy.Pow, power)
    return expr.replace(lambda e: e.is_Mul and e.has(sigmoid), _cancel_exponentials) if expr.has(sigmoid) else expr


@cacheit  # type: ignore[untyped-decorator]
def _formula(formula: Formula) -> Expr:
    return expand_activations(formula(Symbol("z", real=True)))


def expand_activations(expr: Expr) -> Expr:
    """Replace every activation SymPy does not know, and ``step``, by its formula.

    >>> from symgrad.symbols import x
    >>> expand_activations(sigmoid(2 * x))
    1/(1 + exp(-2*x))
    """
    for row in ACTIVATIONS.values():
        if not row.function.__module__.startswith("sympy.") and expr.has(row.function):
            form = _formula(row.formula)
            expr = expr.replace(row.function, lambda a, form=form: form.xreplace({Symbol("z", real=True): a}))
    return expr.replace(step, lambda a: Max(0, sign(a))) if expr.has(step) else expr
