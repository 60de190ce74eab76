"""A layer in which two parameters are linear once invertible activations are peeled off: ℓ(x; w, b) = G(f(x), x).

Every condition on an orbit, f(x_t) = x_{t+1}, is then linear in the two parameters, and so is the condition on a
multiplier, for ℓ_x = G_y·f' + G_x.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sympy
from sympy import Dummy, Expr, Integer, Symbol

from symgrad.derivation.bifurcations.inversion import compare
from symgrad.derivation.equilibria import INVERSES
from symgrad.derivation.identities.proofs import is_zero
from symgrad.maps import ACTIVATIONS, Map, differentiate, expand_activations
from symgrad.symbols import real

Y = Dummy("y", real=True)
PIECEWISE: Mapping[str, Callable[[Expr], Expr]] = {
    "identity": lambda y: y,
    "leaky_relu": lambda y: y if y > 0 else 100 * y,
    "elu": lambda y: y if y > 0 else sympy.log(1 + y),
}
DIGITS = 30
PROBES = (sympy.Rational(3, 7), sympy.Rational(-8, 5))
PIECES = frozenset({"relu", "leaky_relu", "elu", "selu"})


@dataclass(frozen=True)
class LinearForm:
    """ℓ(x; p, q) = coefficients[0](x)·p + coefficients[1](x)·q + rest(x), which equals G(f(x), x).

    Parameters
    ----------
    layer : the map f
    names : p and q
    coefficients : of p and q, expressions of the state
    rest : of ℓ
    inverted : the activations that were peeled off, outermost first, each with what its value is an affine function of
    """

    layer: Map
    names: tuple[str, str]
    coefficients: tuple[Expr, Expr]
    rest: Expr
    inverted: tuple[tuple[str, Expr, Expr], ...]

    @property
    def state(self) -> Symbol:
        """The state's symbol."""
        return self.layer.state[0]

    @property
    def image(self) -> Expr:
        """G as an expression of the next state ``Y`` and the state."""
        value: Expr = Y
        for name, factor, offset in self.inverted:
            value = INVERSES[name][0]((value - offset) / factor)
        return value

    def solve(self, at: Expr, to: Expr) -> Expr | None:
        """Return G(to, at) for two states, None where no parameter takes ``at`` there."""
        value: Expr = to
        for name, factor, offset in self.inverted:
            value = (value - offset.xreplace({self.state: at})) / factor.xreplace({self.state: at})
            low, high = INVERSES[name][1:] if name in INVERSES else (-sympy.oo, sympy.oo)
            if name in PIECEWISE and value.is_number:
                value = PIECEWISE[name](value)
                continue
            if value.is_number and (compare(value, low) != 1 or compare(high, value) != 1):
                return None
            if name not in INVERSES:
                return None
            value = INVERSES[name][0](value)
        return value

    def line(self, at: Expr, to: Expr) -> tuple[Expr, Expr, Expr] | None:
        """Return (a, c, g) so that a·p + c·q = g says f(at) = to."""
        image = self.solve(at, to)
        if image is None:
            return None
        here = {self.state: at}
        a, c = (settled(e.xreplace(here)) for e in self.coefficients)
        return a, c, settled(image - self.rest.xreplace(here))


def settled(expr: Expr) -> Expr:
    """Evaluate piecewise linear activations at numbers.

    >>> from symgrad.maps import relu
    >>> settled(relu(sympy.Rational(1, 2)))
    1/2
    """
    pieces = {f: ACTIVATIONS[f.func.__name__].formula(f.args[0]) for f in expr.atoms(sympy.Function) if _at_number(f)}
    return expr.xreplace(pieces) if pieces else expr


def _at_number(call: Expr) -> bool:
    return call.func.__name__ in PIECES and bool(call.args[0].is_number)


def differs_from_zero(expr: Expr) -> bool:
    """Say whether an expression of one real symbol is certainly not identically 0: some value of it is not.

    >>> from symgrad.symbols import x
    >>> differs_from_zero(sympy.sin(x)), differs_from_zero(sympy.sin(x) ** 2 + sympy.cos(x) ** 2 - 1)
    (True, False)
    """
    plain = expand_activations(expr)
    for point in PROBES:
        value = plain.xreplace(dict.fromkeys(plain.free_symbols, point)).evalf(DIGITS)
        if value.is_Float and abs(value) > sympy.Float(10) ** (-DIGITS // 2):
            return True
    return False


def linear_form(layer: Map, names: Sequence[str]) -> LinearForm | None:
    """Return a layer in its linear form, None where two parameters do not enter like that.

    Examples
    --------
    >>> form = linear_form(Map("2*tanh(w*x + b)", "x"), ("w", "b"))
    >>> form.coefficients, form.rest, form.image.subs(Y, Symbol("y"))
    ((x, 1), 0, atanh(y/2))
    """
    p, q = (real(name) for name in names)
    expr = layer.expr
    inverted: list[tuple[str, Expr, Expr]] = []
    while True:
        slopes = differentiate(expr, p), differentiate(expr, q)
        rest = expr.xreplace({p: Integer(0), q: Integer(0)})
        if not any({p, q} & s.free_symbols for s in slopes) and is_zero(expr - slopes[0] * p - slopes[1] * q - rest):
            return LinearForm(layer, (names[0], names[1]), slopes, rest, tuple(inverted))
        peeled = _peeled(expr, {p, q})
        if peeled is None:
            return None
        expr, step = peeled
        inverted.append(step)


def _peeled(expr: Expr, unknown: set[Symbol]) -> tuple[Expr, tuple[str, Expr, Expr]] | None:
    """Return what the one activation of the unknowns is applied to, with its name, factor and offset."""
    calls = [f for f in expr.atoms(sympy.Function) if f.free_symbols & unknown]
    outermost = [c for c in calls if not any(o is not c and o.has(c) for o in calls)]
    if len(outermost) != 1:
        return None
    (call,), value = outermost, Dummy("v", real=True)
    name = call.func.__name__
    if name not in INVERSES and name not in PIECEWISE:
        return None
    outer = expr.xreplace({call: value})
    factor, offset = differentiate(outer, value), outer.xreplace({value: Integer(0)})
    if (unknown | {value}) & (factor.free_symbols | offset.free_symbols):
        return None
    return call.args[0], (name, factor, offset)
