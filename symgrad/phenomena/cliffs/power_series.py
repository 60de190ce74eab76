"""Truncated power series of an expression in one symbol, by the recurrences of its operations instead of differences.

If v = exp(u) then k·v_k = Σ i·u_i·v_{k−i}, and likewise for the other functions that solve a differential equation
with rational coefficients (Knuth 1997, *The Art of Computer Programming* 2, § 4.7).
"""

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from sympy import Expr, Symbol

Series = list[Any]


def power_series(
    expr: Expr, symbol: Symbol, at: Any, order: int, evaluate: Callable[[Expr], Any], ctx: Any
) -> Series | None:
    """Return the coefficients of (symbol − at)^k, k = 0 … order, None where an operation has no recurrence here.

    Parameters
    ----------
    expr : an expression of the symbol and of others
    at : the centre, a number of the context
    evaluate : the value at the centre of an expression, a number of the context
    ctx : an mpmath context

    Examples
    --------
    >>> from symgrad.kernels.multiprecision import context
    >>> x = Symbol("x")
    >>> found = power_series(1 / (1 + sympy.exp(-x)), x, 0, 3, lambda e: e.subs(x, 0), context(60))
    >>> [float(c) for c in found]
    [0.5, 0.25, 0.0, -0.020833333333333332]
    """
    zero = ctx.mpf(0)

    def of(part: Expr) -> Series | None:
        if symbol not in part.free_symbols:
            return [_number(evaluate(part), ctx)] + [zero] * order
        if part == symbol:
            return [ctx.mpf(at), ctx.mpf(1), *[zero] * order][: order + 1]
        if part.is_Pow and part.exp.is_Rational:
            base = of(part.base)
            return None if base is None else _power(base, part.exp, _number(evaluate(part), ctx), ctx)
        arguments = [of(a) for a in part.args]
        if any(a is None for a in arguments):
            return None
        series = [a for a in arguments if a is not None]
        if part.is_Add:
            return [ctx.fsum(column) for column in zip(*series, strict=True)]
        if part.is_Mul:
            product = series[0]
            for factor in series[1:]:
                product = _times(product, factor, ctx)
            return product
        slope = _SLOPES.get(part.func)
        return None if slope is None else slope(series[0], _number(evaluate(part), ctx), ctx)

    return of(expr)


def _number(value: Any, ctx: Any) -> Any:
    return value if isinstance(value, ctx.mpf) else ctx.mpf(sympy.Float(value, ctx.dps)._mpf_)


def _times(a: Series, b: Series, ctx: Any) -> Series:
    return [ctx.fdot(a[: k + 1], b[k::-1]) for k in range(len(a))]


def _power(u: Series, exponent: Expr, first: Any, ctx: Any) -> Series | None:
    """Return u^r from k·u_0·v_k = Σ (r·i − (k − i))·u_i·v_{k−i}."""
    if exponent == 2:
        return _times(u, u, ctx)
    if u[0] == 0 or not ctx.isfinite(first):
        return None
    r, v = ctx.mpf(exponent.p) / exponent.q, [first]
    for k in range(1, len(u)):
        v.append(ctx.fsum((r * i - (k - i)) * u[i] * v[k - i] for i in range(1, k + 1)) / (k * u[0]))
    return v


def _exp(u: Series, first: Any, ctx: Any) -> Series:
    v = [first]
    for k in range(1, len(u)):
        v.append(ctx.fsum(i * u[i] * v[k - i] for i in range(1, k + 1)) / k)
    return v


def _tanh(u: Series, first: Any, ctx: Any) -> Series:
    """Return tanh(u) = v from v' = (1 − v²)·u'; w is 1 − v² as far as v is known."""
    v, w = [first], [1 - first**2]
    for k in range(1, len(u)):
        v.append(ctx.fsum(i * u[i] * w[k - i] for i in range(1, k + 1)) / k)
        w.append(-ctx.fdot(v, v[::-1]))
    return v


def _log(u: Series, first: Any, ctx: Any) -> Series:
    v = [first]
    for k in range(1, len(u)):
        v.append((u[k] - ctx.fsum(i * v[i] * u[k - i] for i in range(1, k)) / k) / u[0])
    return v


_SLOPES: Mapping[Any, Callable[[Series, Any, Any], Series]] = {sympy.exp: _exp, sympy.tanh: _tanh, sympy.log: _log}
