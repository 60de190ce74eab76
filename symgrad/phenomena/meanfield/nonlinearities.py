"""The nonlinearity φ of a wide network: its value and slope without cancellation, its kinks, its exact averages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import sympy
from sympy import Abs, Expr, Function, Max, Min, Symbol, floor

from symgrad.errors import InputError
from symgrad.kernels.stable import STABLE
from symgrad.kernels.steps import hide_activations, numeric_forms, opaque_calls
from symgrad.maps import ACTIVATIONS, differentiate, expand_activations, expression, to_text
from symgrad.parsing import GRAMMAR_ARITIES, Name, parse
from symgrad.phenomena.meanfield.closed_forms import ClosedForm, closed_form, piecewise_linear
from symgrad.phenomena.meanfield.quadrature import Array, ArrayFunction

X = Symbol("x", real=True)
BENT = frozenset({"relu", "leaky_relu", "elu", "selu", "softsign", "sign", "step", "Abs"})
MOST_KINKS = 40


@dataclass(frozen=True)
class Nonlinearity:
    """A nonlinearity as the mean-field maps need it.

    Parameters
    ----------
    text : φ(x), as symgrad writes it
    value, slope : φ and φ' on float64 arrays of any shape
    kinks : where φ or one of its derivatives jumps, ascending
    sides : the slopes of φ on both sides of 0, (right, left)
    at_zero : φ(0)
    closed : exact averages, where they are known
    """

    text: str
    value: ArrayFunction = field(repr=False, compare=False)
    slope: ArrayFunction = field(repr=False, compare=False)
    kinks: tuple[float, ...]
    sides: tuple[float, float]
    at_zero: float
    closed: ClosedForm | None = field(default=None, repr=False)

    @property
    def homogeneous(self) -> bool:
        """Whether φ is linear on both sides of 0 and vanishes there, so that lengths have no scale."""
        return self.closed is not None and self.closed.homogeneous

    def squares(self, x: Array) -> Array:
        """Return φ², xφφ' and φ'² at x, shape (3, …): their averages are W, q dW/dq and S."""
        value, slope = self.value(x), self.slope(x)
        return np.stack([value * value, x * value * slope, slope * slope])


Phi: TypeAlias = Nonlinearity | Expr | Callable[[Any], Expr] | str


def nonlinearity(phi: Phi) -> Nonlinearity:
    """Return the nonlinearity of a name or function of the activation table, or of an expression in one variable.

    Raises
    ------
    InputError : an unknown name (the known ones are listed), no or several variables, a jump

    Examples
    --------
    >>> nonlinearity("relu").kinks, nonlinearity("relu").sides
    ((0.0,), (1.0, 0.0))
    >>> nonlinearity("tanh(2*u)").text
    'tanh(2*x)'
    >>> nonlinearity(sympy.tanh) == nonlinearity("tanh")
    True
    >>> nonlinearity("tan_h")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: no activation is named 'tan_h'; known: atan, elu, erf, exp, gelu, identity, leaky_relu, \
mish, relu, selu, sigmoid, silu, sin, softplus, softsign, tanh; or give an expression in one variable, "tanh(2*x)"
    """
    if isinstance(phi, Nonlinearity):
        return phi
    if isinstance(phi, str):
        return _of_expression(_read(phi))
    return _of_expression(phi if isinstance(phi, Expr) else phi(X))


def _read(text: str) -> Expr:
    """Return φ(x) from a name or from the text of an expression."""
    if text in ACTIVATIONS:
        found: Expr = ACTIVATIONS[text].function(X)
        return found
    node = parse(text)
    if isinstance(node, Name):
        if 1 in GRAMMAR_ARITIES.get(node.name, ()):
            return expression(f"{node.name}(x)")
        raise InputError(
            f"no activation is named {text[:60]!r}; known: {', '.join(sorted(ACTIVATIONS))}; "
            'or give an expression in one variable, "tanh(2*x)"'
        )
    return expression(node)


@cache
def _of_expression(given: Expr) -> Nonlinearity:
    free = sorted(given.free_symbols, key=str)
    if len(free) != 1:
        found = ", ".join(map(str, free)) or "none"
        raise InputError(f"φ needs one variable, got {found}; give numbers for the others, e.g. tanh(2*x)")
    phi = given.xreplace({free[0]: X})
    row = next((name for name, a in ACTIVATIONS.items() if phi == a.function(X)), None)
    if row is None and phi == X:
        row = "identity"
    value, slope = STABLE[row].numpy[:2] if row is not None and row in STABLE else _compiled(phi)
    kinks = _kinks(phi)
    text = row if row is not None else to_text(phi)
    lines = _lines(phi)
    if lines is not None:
        exact = piecewise_linear(*lines)
        return Nonlinearity(text, value, slope, kinks, exact.sides, 0.0, exact)
    step = 1e-280
    sides = float(slope(np.array(step))), float(slope(np.array(-step)))
    _check_jumps(value, kinks, text)
    made = Nonlinearity(text, value, slope, kinks, sides, float(value(np.array(0.0))), closed_form(row))
    _check_real(made)
    return made


def _compiled(phi: Expr) -> tuple[ArrayFunction, ArrayFunction]:
    """Return φ and φ' as NumPy functions, activations in their forms without cancellation."""
    hidden = hide_activations(phi)
    exprs = [hidden, differentiate(hidden, X)]
    modules: list[Any] = [numeric_forms(opaque_calls(exprs)), {"step": _indicator}, "scipy", "numpy"]
    return tuple(_shaped(sympy.lambdify([X], e, modules=modules, cse=True)) for e in exprs)  # type: ignore[return-value]


def _indicator(x: Array) -> Array:
    return np.heaviside(x, 0.0)


def _shaped(function: Any) -> ArrayFunction:
    """Return the function with constants spread over the shape of its argument."""

    def shaped(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.array(np.broadcast_to(np.asarray(function(x), dtype=float), np.shape(x)))

    return shaped


def _lines(phi: Expr) -> tuple[Expr, Expr] | None:
    """Return the slopes right and left of 0 when φ is linear on both sides and φ(0) = 0, else None."""
    t = Symbol("t", positive=True)
    plain = expand_activations(phi)
    slopes = []
    for side in (t, -t):
        part = plain.xreplace({X: side})
        slope = sympy.diff(part, t) if not part.has(Max, Min, Abs, sympy.sign) else None
        if slope is None or slope.free_symbols or sympy.expand(part - slope * t) != 0:
            return None
        slopes.append(slope)
    return slopes[0], -slopes[1]


def _kinks(phi: Expr) -> tuple[float, ...]:
    """Return the places, ascending, at which φ or a derivative of it jumps."""
    plain = expand_activations(phi)
    if plain.has(floor, sympy.Mod):
        raise InputError("floor and Mod jump without end; give a φ without them")
    edges: set[Expr] = {a.args[0] for e in (phi, plain) for a in e.atoms(Function) if a.func.__name__ in BENT}
    for bend in plain.atoms(Max, Min):
        edges |= {a - b for a in bend.args for b in bend.args if str(a) < str(b)}
    found: set[float] = set()
    for edge in edges:
        if edge.has(X):
            found |= _roots(edge)
    return tuple(sorted(found))


def _roots(edge: Expr) -> set[float]:
    """Return the real roots of the argument of a bent function: of a polynomial all, else those seen to change sign."""
    if edge.is_polynomial(X):
        roots = sympy.Poly(edge, X).nroots(n=30, maxsteps=200)
        return {float(sympy.re(r)) for r in roots if abs(sympy.im(r)) < 1e-12}
    from scipy import optimize  # at start-up it would cost 0.1 s

    value, _ = _compiled(edge)
    places = np.sinh(np.linspace(-8.0, 8.0, 4001))
    signs = np.sign(value(places))
    crossed = np.flatnonzero(signs[:-1] * signs[1:] < 0)
    if crossed.size > MOST_KINKS:
        raise InputError(f"φ has a kink wherever {to_text(edge)} = 0, too many to cut at; give a φ with few kinks")
    ends = [(places[i], places[i + 1]) for i in crossed]
    found = {float(optimize.brentq(lambda x: float(value(np.array(x))), *pair, xtol=1e-15)) for pair in ends}
    return found | {float(p) for p in places[signs == 0]}


def _check_jumps(value: ArrayFunction, kinks: tuple[float, ...], text: str) -> None:
    """Refuse a φ that is not continuous: its slope has no mean square."""
    for place in kinks:
        step = 1e-9 * max(1.0, abs(place))
        high, low = (float(value(np.array(place + side))) for side in (step, -step))
        if abs(high - low) > 1e-6 * max(1.0, abs(high), abs(low)):
            raise InputError(f"{text} jumps at x = {place:g}, so that χ₁ is infinite; give a continuous φ")


def _check_real(found: Nonlinearity) -> None:
    """Refuse a φ that is undefined or infinite at a middling point."""
    places = np.array([-2.3, -0.7, 0.0, 0.9, 3.1])
    values = np.stack([found.value(places), found.slope(places)])
    bad = ~np.isfinite(values).all(axis=0)
    if bad.any():
        raise InputError(
            f"{found.text} or its slope is not a finite real number at x = {places[bad][0]:g}; "
            "give a function that is real on the whole line"
        )


def named() -> Mapping[str, Nonlinearity]:
    """Return the nonlinearity of every activation of the table.

    >>> sorted(named())[:3]
    ['atan', 'elu', 'erf']
    """
    return {name: nonlinearity(name) for name in ACTIVATIONS}
