"""State, loss and gradient of a tied chain at an exact point, in balls of any precision.

This is a second road to the values that the enclosures over boxes bound: the layers are not read as A·φ(αx + β) + B,
the derivatives are SymPy's, and the arithmetic is python-flint's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add, mul
from typing import Any

import sympy
from flint import arb, ctx
from sympy import Expr, Integer, Symbol

from symgrad.certify.balls import Ball, enclose
from symgrad.certify.covered_layers import exact
from symgrad.derivation import Gradient
from symgrad.errors import InputError
from symgrad.maps import Map, differentiate, expand_activations
from symgrad.symbols import real

Rule = Callable[[Mapping[Any, Any]], Any]
SMOOTH = frozenset({"exp", "tanh", "atan", "erf", "sin", "cos", "cosh", "sinh"})


@dataclass(frozen=True)
class BallGradient:
    """Enclosures at one exact point.

    Parameters
    ----------
    state : the state after the last application
    loss : the loss there, None for a gradient without one
    gradient : name → ∂L/∂name (∂x_T/∂name without a loss)
    product : ∂x_T/∂x_0
    """

    state: Ball
    loss: Ball | None
    gradient: Mapping[str, Ball]
    product: Ball


def ball_gradient(
    target: Gradient,
    point: Mapping[str, Any],
    *,
    start: Any,
    parameters: Mapping[str, Any] | None = None,
    depth: int | None = None,
    bits: int = 256,
) -> BallGradient:
    """Enclose the state, the loss, its gradient and the product of a scalar tied chain at an exact point.

    Parameters
    ----------
    target : the gradient of a loss, or of the last state, of any scalar chain whose parameters all layers share
    point, parameters : name → exact value (a float is the binary fraction it stores; an exact expression may be
        irrational, such as 1/2 - 5*sigmoid(1/2))
    start : the first state
    depth : how often the chain is applied; None for the depth it was built with
    bits : the working precision

    Raises
    ------
    InputError : several components, parameters per layer, a parameter without a value
    UndefinedHere : a layer has no value at the state it meets

    Examples
    --------
    >>> from symgrad.derivation import gradient
    >>> from sympy import Rational
    >>> from symgrad.maps import sigmoid
    >>> half = Rational(1, 2)
    >>> g = gradient(Map("w*sigmoid(x) + b", "x"), "(sigmoid(x) - 0.7)**2", wrt="b")
    >>> ball_gradient(g, {"w": 5, "b": half - 5 * sigmoid(half)}, start=half, depth=50).gradient["b"].text(14)
    '-661.68280132266'
    """
    composition = target.composition
    if composition.dimension != 1 or composition.layered or len(composition.blocks) != 1:
        raise InputError("ball_gradient needs one tied chain of one component; use to_kernel(..., backend='mpmath')")
    if depth is None:
        depth = int(composition.at_depth(None).depth)
    with ctx.workprec(bits):
        where = {real(n): _value(v, n, bits) for n, v in {**(parameters or {}), **dict(point)}.items()}
        needed = {p.name for p in composition.parameters} | _loss_names(target)
        if missing := sorted(needed - {s.name for s in where}):
            raise InputError(f"{missing[0]} has no value; give it in the point or in parameters")
        x = composition.state[0]
        steps = [_Step(layer, x, target.wrt) for layer in composition.blocks[0].body]
        state, product = _value(start, "start", bits).value, arb(1)
        sensitivities = {name: arb(1 if name == x.name else 0) for name in target.wrt}
        here = {symbol: ball.value for symbol, ball in where.items()}
        for _ in range(depth):
            for step in steps:
                here[x] = state
                state, slope, local = step.at(here)
                sensitivities = {name: slope * s + local[name] for name, s in sensitivities.items()}
                product = slope * product
        return _with_loss(target, {**where, x: Ball(state)}, sensitivities, product, bits)


def _with_loss(
    target: Gradient, where: dict[Any, Ball], sensitivities: Mapping[str, Any], product: Any, bits: int
) -> BallGradient:
    x = target.composition.state[0]
    if target.loss is None:
        return BallGradient(where[x], None, {n: Ball(s) for n, s in sensitivities.items()}, Ball(product))
    outer = enclose(differentiate(target.loss, x), where, bits=bits).value
    gradient = {}
    for name, s in sensitivities.items():
        own = Integer(0) if name == x.name else differentiate(target.loss, real(name))
        gradient[name] = Ball(outer * s + (0 if own == 0 else enclose(own, where, bits=bits).value))
    return BallGradient(where[x], enclose(target.loss, where, bits=bits), gradient, Ball(product))


def _loss_names(target: Gradient) -> set[str]:
    if target.loss is None:
        return set()
    return {s.name for s in target.loss.free_symbols} - {target.composition.state[0].name}


def _value(given: Any, name: str, bits: int) -> Ball:
    if isinstance(given, Ball):
        return given
    return Ball(arb(enclose(exact(given, name), {}, bits=bits).value))


class _Step:
    """One layer with its derivatives; what they have in common is evaluated once."""

    def __init__(self, layer: Map, x: Symbol, names: tuple[str, ...]) -> None:
        known = {p.name for p in layer.parameters} - {x.name}
        local = [layer.derivative(n)[0] if n in known else Integer(0) for n in names]
        shared, whole = sympy.cse([expand_activations(e) for e in (layer.expr, layer.jacobian[0][0], *local)])
        self.names = names
        self.shared = [(symbol, _compiled(e)) for symbol, e in shared]
        self.whole = [_compiled(e) for e in whole]

    def at(self, here: dict[Any, Any]) -> tuple[Any, Any, dict[str, Any]]:
        """Return the new state, the slope and the derivative in each name."""
        for symbol, rule in self.shared:
            here[symbol] = rule(here)
        value, slope, *local = (rule(here) for rule in self.whole)
        return value, slope, dict(zip(self.names, local, strict=True))


def _compiled(expr: Expr) -> Rule:
    """Return an expression as a function of balls; what is neither arithmetic nor smooth goes through ``enclose``."""
    name = expr.func.__name__
    if expr.is_Symbol:
        return lambda here: here[expr]
    if expr.is_Rational:
        p, q = int(expr.p), int(expr.q)
        return lambda here: arb(p) / q
    parts = [_compiled(a) for a in expr.args]
    if expr.is_Add:
        return lambda here: reduce(add, (part(here) for part in parts))
    if expr.is_Mul:
        return lambda here: reduce(mul, (part(here) for part in parts))
    if expr.is_Pow and expr.exp.is_Integer:
        exponent = int(expr.exp)
        return lambda here: parts[0](here) ** exponent
    if name in SMOOTH:
        return lambda here: getattr(parts[0](here), name)()
    return lambda here: arb(enclose(expr, {s: Ball(v) for s, v in here.items()}, bits=ctx.prec).value)
