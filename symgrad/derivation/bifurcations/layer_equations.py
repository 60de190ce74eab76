"""The fixed points of a layer written through one coordinate in which their equations are linear in the parameters.

A layer with one activation φ(u) is f(x) = F(x, y) with y = φ(u). Where φ has an inverse and φ' is known through y, the
coordinate is the output y: u = φ⁻¹(y), φ' = d(y). Otherwise it is the input u itself; without an activation it is x.
"""

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Integer, Symbol

from symgrad.derivation.bifurcations.schwarzian import has_kink
from symgrad.derivation.equilibria import INVERSES
from symgrad.errors import InputError
from symgrad.maps import ACTIVATIONS, Map, differentiate
from symgrad.symbols import real

JUMPS = (sympy.Abs, sympy.Max, sympy.Min, sympy.sign, sympy.floor, sympy.Mod)


@dataclass(frozen=True)
class LayerEquations:
    """A scalar layer in its coordinate.

    Parameters
    ----------
    layer : the map
    coordinate : the symbol of the coordinate: an output, an input of the activation, or the state itself
    low, high : the open interval of the coordinate
    form : F, with the activation's output written through the coordinate
    link : u − φ⁻¹(y), or None where the coordinate is the state
    slope : φ' through the coordinate
    inner : u, or None
    call : φ(u) as it stands in the layer, or None
    """

    layer: Map
    coordinate: Symbol
    low: Expr
    high: Expr
    form: Expr
    link: Expr | None
    slope: Expr
    inner: Expr | None
    call: Expr | None

    @property
    def state(self) -> Symbol:
        """The state's symbol."""
        return self.layer.state[0]

    def along(self, expr: Expr, symbol: Symbol) -> Expr:
        """Return the derivative of G(x, y(x, θ); θ) by the state or a parameter."""
        if self.inner is None:
            return differentiate(expr, symbol)
        rate = self.slope * differentiate(self.inner, symbol)
        if self.by_output:
            return differentiate(expr, symbol) + differentiate(expr, self.coordinate) * rate
        return differentiate(expr, symbol) + differentiate(expr, self.coordinate) * differentiate(self.inner, symbol)

    @property
    def by_output(self) -> bool:
        """Whether the coordinate is the activation's output."""
        return self.form.has(self.coordinate) and self.call is not None and not self.form.has(self.call.func)

    def equations(self, multiplier: int) -> tuple[Expr, ...]:
        """Return what must vanish at a fixed point of this multiplier."""
        fixed = (self.form - self.state, self.along(self.form, self.state) - multiplier)
        return fixed if self.link is None else (*fixed, self.link)

    def original(self, expr: Expr) -> Expr:
        """Return an expression of the coordinate as one of state and parameters."""
        if self.call is None or self.inner is None:
            return expr
        return expr.xreplace({self.coordinate: self.call if self.by_output else self.inner})


def refuse_kinks(layer: Map) -> None:
    """Refuse a layer whose first or second derivative jumps.

    Raises
    ------
    InputError : the message names what has the kink
    """
    for call in {f for e in layer.exprs for f in e.atoms(sympy.Function)}:
        row = ACTIVATIONS.get(call.func.__name__)
        if isinstance(call, JUMPS) or (row is not None and has_kink(row)):
            raise InputError(
                f"{call.func.__name__} has a kink, where its derivatives jump; "
                "folds and flips need a smooth map, e.g. tanh(w*x + b)"
            )


def equations_of_layer(layer: Map) -> LayerEquations:
    """Write a scalar layer through the coordinate in which its fixed points are found.

    Examples
    --------
    >>> equations_of_layer(Map("w*sigmoid(x) + b", "x")).equations(1)
    (b + s*w - x, s*w*(1 - s) - 1, x - log(s/(1 - s)))
    >>> equations_of_layer(Map("w*x*(1 - x)", "x")).equations(-1)
    (w*x*(1 - x) - x, -w*x + w*(1 - x) + 1)
    """
    refuse_kinks(layer)
    (x,) = layer.state
    calls = sorted({f for f in layer.expr.atoms(sympy.Function) if x in f.free_symbols}, key=str)
    outermost = [c for c in calls if not any(c is not o and o.has(c) for o in calls)]
    taken = {s.name for s in layer.expr.free_symbols}
    if len(calls) != 1 or outermost != calls or len(calls[0].args) != 1:
        return LayerEquations(layer, x, -sympy.oo, sympy.oo, layer.expr, None, Integer(1), None, None)
    call = calls[0]
    row, inner = ACTIVATIONS.get(call.func.__name__), call.args[0]
    if row is not None and row.derivative_of_output is not None and row.name in INVERSES:
        y = _fresh("s" if row.name == "sigmoid" else "y", taken)
        inverse, low, high = INVERSES[row.name]
        form = layer.expr.xreplace({call: y})
        return LayerEquations(layer, y, low, high, form, inner - inverse(y), row.derivative_of_output(y), inner, call)
    u = x if inner == x else _fresh("u", taken)
    if u == x:
        return LayerEquations(layer, x, -sympy.oo, sympy.oo, layer.expr, None, Integer(1), None, None)
    form = layer.expr.xreplace({call: _applied(call, u)})
    slope = differentiate(_applied(call, u), u)
    return LayerEquations(layer, u, -sympy.oo, sympy.oo, form, inner - u, slope, inner, call)


def _applied(call: Any, argument: Expr) -> Expr:
    return call.func(argument)


def _fresh(preferred: str, taken: set[str]) -> Symbol:
    """Return a real symbol whose name is not taken.

    >>> _fresh("y", {"y", "x"})
    t
    """
    return real(next(name for name in (preferred, "t", "q", "z", "p", "coordinate") if name not in taken))
