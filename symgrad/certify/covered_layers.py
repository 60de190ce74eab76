"""Reading a chain as layers A·φ(αx + β) + B with a covered φ; everything else is refused in one line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy
from sympy import Dummy, Expr, Integer, Rational, Symbol

from symgrad.certify.box_functions import Shape, shape_of
from symgrad.certify.refusals import NotCovered
from symgrad.derivation.identities import is_zero
from symgrad.errors import InputError
from symgrad.maps import ACTIVATIONS, Composition, Map, as_composition, differentiate
from symgrad.symbols import real

LONGEST_TRANSIENT = 4


@dataclass(frozen=True)
class Layer:
    """One layer A·φ(αx + β) + B; the four coefficients are expressions in the swept parameters.

    Parameters
    ----------
    shape : φ with its proved hulls
    outer, scale, inner, offset : A, α, β and B
    """

    shape: Shape
    outer: Expr
    scale: Expr
    inner: Expr
    offset: Expr

    @property
    def coefficients(self) -> tuple[Expr, Expr, Expr, Expr]:
        """A, α, β, B."""
        return self.outer, self.scale, self.inner, self.offset

    def argument(self, x: Expr) -> Expr:
        """Return αx + β."""
        return sympy.expand(self.scale * x + self.inner)

    def applied(self, call: Expr) -> Expr:
        """Return Aφ + B for a value of φ."""
        return sympy.expand(self.outer * call + self.offset)


def exact(value: Any, name: str) -> Expr:
    """Return a number as an exact expression: a float is the binary fraction it stores."""
    if isinstance(value, float):
        if not abs(value) < float("inf"):
            raise InputError(f"{name} is {value}; a certificate needs a finite number")
        fraction = Fraction(value)
        return Rational(fraction.numerator, fraction.denominator)
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    try:
        number = sympy.sympify(value, strict=True)
    except sympy.SympifyError:
        number = None
    if not isinstance(number, Expr) or not number.is_number or number.is_extended_real is False:
        raise InputError(f"{name} must be a real number for a certificate, got {str(value)[:60]!r}; give e.g. 1/2")
    return number if not number.has(sympy.Float) else exact(float(number), name)


def read_layers(chain: Map | Composition, parameters: Mapping[str, Any], swept: Sequence[str]) -> tuple[Layer, ...]:
    """Return the layers of one application of a tied chain.

    Raises
    ------
    NotCovered : several components, parameters per layer, untied blocks, or a layer that is not A·φ(αx + β) + B

    Examples
    --------
    >>> (layer,) = read_layers(Map("w*sigmoid(x) + b", "x"), {}, ["w", "b"])
    >>> layer.shape.name, layer.coefficients
    ('sigmoid', (w, 1, 0, b))
    >>> read_layers(Map("x*sigmoid(w*x)", "x"), {}, ["w"])
    Traceback (most recent call last):
    ...
    symgrad.certify.refusals.NotCovered: not covered: x*sigmoid(w*x) is not of the form A*phi(a*x + c) + B
    """
    composition = as_composition(chain)
    if composition.dimension != 1 or composition.domain != "real":
        raise NotCovered("not covered: a certificate needs a real state of one component")
    if composition.layered:
        raise NotCovered(f"not covered: {composition.layered[0]!r} has a value per layer; the layers must be tied")
    if len(composition.blocks) != 1:
        raise NotCovered("not covered: the chain has several blocks; one chain that is repeated is needed")
    given = {real(name): exact(value, name) for name, value in parameters.items()}
    for symbol in composition.parameters:
        if symbol.name not in swept and symbol not in given:
            raise InputError(f"{symbol.name} has no value; give it in parameters or a range in the box")
    fixed = {symbol: value for symbol, value in given.items() if symbol.name not in swept}
    return tuple(_layer(layer, fixed) for layer in composition.blocks[0].body)


def _layer(layer: Map, fixed: Mapping[Symbol, Expr]) -> Layer:
    (x,) = layer.state
    refusal = NotCovered(f"not covered: {sympy.sstr(layer.expr)[:80]} is not of the form A*phi(a*x + c) + B")
    expr = layer.expr.xreplace(dict(fixed))
    calls = sorted((f for f in expr.atoms(sympy.Function) if x in f.free_symbols), key=str)
    if not calls:
        scale = differentiate(expr, x)
        if x in scale.free_symbols:
            raise refusal
        return Layer(shape_of("identity"), Integer(1), scale, expr.xreplace({x: Integer(0)}), Integer(0))
    if len(calls) > 1:
        raise refusal
    (call,) = calls
    shape, output = shape_of(call.func.__name__), Dummy("y", real=True)
    form, argument = expr.xreplace({call: output}), call.args[0]
    outer, scale = differentiate(form, output), differentiate(argument, x)
    inner, offset = argument.xreplace({x: Integer(0)}), form.xreplace({output: Integer(0)})
    if {x, output} & (outer.free_symbols | scale.free_symbols | offset.free_symbols):
        raise refusal
    return Layer(shape, outer, scale, inner, offset)


@dataclass(frozen=True)
class Reference:
    """The orbit of the start along a line on which it ends on a fixed point.

    Parameters
    ----------
    parameter : the parameter that the line gives
    line : its value as an expression of the others
    applications : for each application of the chain the (αx + β, new state) of its layers; the last one repeats
    """

    parameter: Symbol
    line: Expr
    applications: tuple[tuple[tuple[Expr, Expr], ...], ...]


def reference_orbit(layers: Sequence[Layer], line: Mapping[str, Expr], start: Expr, names: Sequence[str]) -> Reference:
    """Return the orbit on a line, proved to be constant from some application on.

    Raises
    ------
    InputError : the start does not come to rest on the line, or the line is not one of the box's parameters
    NotCovered : the parameter enters a coefficient in another way than linearly

    Examples
    --------
    >>> from symgrad.maps import sigmoid
    >>> from symgrad.symbols import w
    >>> layers = read_layers(Map("w*sigmoid(x) + b", "x"), {}, ["w", "b"])
    >>> half = Rational(1, 2)
    >>> reference_orbit(layers, {"b": half - w * sigmoid(half)}, half, ["w", "b"]).applications
    (((1/2, 1/2),),)
    """
    if len(line) != 1 or next(iter(line)) not in names:
        raise InputError(f"a line gives one parameter of the box by the others; the box has {', '.join(names)}")
    ((name, expr),) = line.items()
    expr, symbol = sympy.sympify(expr, strict=True), real(name)
    expr = expr.xreplace({s: real(s.name) for s in expr.free_symbols})
    if others := sorted(s.name for s in expr.free_symbols if s.name not in set(names) - {name}):
        raise InputError(f"the line of {name} contains {others[0]!r}; it may contain the other axis of the box only")
    for layer in layers:
        for c in layer.coefficients:
            if symbol in differentiate(c, symbol).free_symbols:
                raise NotCovered(
                    f"not covered: {name} does not enter the layer linearly, so its line has no coordinates"
                )
    y, applications = start, []
    for _ in range(LONGEST_TRANSIENT):
        before, passed = y, []
        for layer in layers:
            z = sympy.expand(layer.argument(y).xreplace({symbol: expr}))
            y = sympy.expand(layer.applied(_call(layer, z)).xreplace({symbol: expr}))
            passed.append((z, y))
        at_rest = is_zero(y - before)
        if at_rest:
            passed[-1] = (passed[-1][0], before)
            y = before
        applications.append(tuple(passed))
        if at_rest:
            return Reference(symbol, expr, tuple(applications))
    raise InputError(
        f"the start is not proved to come to rest on {name} = {sympy.sstr(expr)[:60]}; give a line on which it does"
    )


def _call(layer: Layer, z: Expr) -> Expr:
    return ACTIVATIONS[layer.shape.name].function(z)
