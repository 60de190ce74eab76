"""What is known of the shape of a chain: monotone, of negative Schwarzian derivative, convex, bounded or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import sympy
from sympy import Dummy, Expr, Integer, Rational

from symgrad.derivation.bifurcations.inversion import compare
from symgrad.derivation.bifurcations.schwarzian import schwarzian_of
from symgrad.derivation.identities.proofs import sign_proof
from symgrad.maps import ACTIVATIONS, Composition, Map, differentiate, expand_activations
from symgrad.maps.activations import SELU_ALPHA, SELU_SCALE
from symgrad.symbols import real

End = tuple[Expr, Expr]
ZERO, ONE = Integer(0), Integer(1)

# Name → (slope, constant) of the line that an unbounded activation approaches at −∞ and at +∞.
ENDS: Mapping[str, tuple[End, End]] = {
    "identity": ((ONE, ZERO), (ONE, ZERO)),
    "relu": ((ZERO, ZERO), (ONE, ZERO)),
    "leaky_relu": ((Rational(1, 100), ZERO), (ONE, ZERO)),
    "elu": ((ZERO, -ONE), (ONE, ZERO)),
    "selu": ((ZERO, -SELU_SCALE * SELU_ALPHA), (SELU_SCALE, ZERO)),
    "softplus": ((ZERO, ZERO), (ONE, ZERO)),
    "gelu": ((ZERO, ZERO), (ONE, ZERO)),
    "silu": ((ZERO, ZERO), (ONE, ZERO)),
    "mish": ((ZERO, ZERO), (ONE, ZERO)),
}
BOUNDED = frozenset({"tanh", "sigmoid", "erf", "atan", "softsign", "sin"})
CONVEX = frozenset({"identity", "relu", "leaky_relu", "elu", "softplus", "exp"})
PROBES = (Integer(-3), Rational(-3, 2), Integer(2), Rational(7, 2))
PIECEWISE_INCREASING = frozenset({"relu", "leaky_relu", "elu", "selu", "softsign"})


@dataclass(frozen=True)
class LayerShape:
    """A layer outer·φ(scale·x + inner) + offset; φ is the identity for an affine layer."""

    name: str
    outer: Expr
    scale: Expr
    inner: Expr
    offset: Expr


def shape_of_layer(layer: Map) -> LayerShape | None:
    """Return a scalar layer as outer·φ(scale·x + inner) + offset, None where it is no such layer.

    >>> shape_of_layer(Map("w*tanh(2*x) + b", "x"))
    LayerShape(name='tanh', outer=w, scale=2, inner=0, offset=b)
    """
    (x,) = layer.state
    slope = differentiate(layer.expr, x)
    if x not in slope.free_symbols:
        return LayerShape("identity", slope, ONE, ZERO, layer.expr.xreplace({x: ZERO}))
    calls = [f for f in layer.expr.atoms(sympy.Function) if x in f.free_symbols]
    if len(calls) != 1 or calls[0].func.__name__ not in ACTIVATIONS:
        return None
    output = Dummy("y", real=True)
    form, argument = layer.expr.xreplace({calls[0]: output}), calls[0].args[0]
    outer, scale = differentiate(form, output), differentiate(argument, x)
    inner, offset = argument.xreplace({x: ZERO}), form.xreplace({output: ZERO})
    if {x, output} & (outer.free_symbols | scale.free_symbols | offset.free_symbols):
        return None
    return LayerShape(calls[0].func.__name__, outer, scale, inner, offset)


@lru_cache
def is_increasing(name: str) -> bool:
    """Say whether an activation is known to be nondecreasing everywhere.

    >>> is_increasing("tanh"), is_increasing("silu")
    (True, False)
    """
    u = real("u")
    if name in PIECEWISE_INCREASING or name == "identity":
        return True
    slope = differentiate(ACTIVATIONS[name].function(u), u)
    plain = expand_activations(slope)
    if any(plain.xreplace({u: point}).evalf(20) < 0 for point in PROBES):
        return False
    return bool(sign_proof(slope, strict=True))


@lru_cache
def _negative(name: str) -> bool:
    return schwarzian_of(name).is_negative


@dataclass(frozen=True)
class ChainShape:
    """What is known of one application of a chain.

    Parameters
    ----------
    layers : each as outer·φ(scale·x + inner) + offset
    monotone : every φ is nondecreasing, so the chain is monotone wherever its multiplier is not 0
    negative : it is monotone, and every φ that is not affine has a proved negative Schwarzian derivative
    bounded : some φ is bounded, so every orbit is
    """

    layers: tuple[LayerShape, ...]
    monotone: bool
    negative: bool
    bounded: bool

    @property
    def single(self) -> LayerShape | None:
        """The layer of a chain that has only one."""
        return self.layers[0] if len(self.layers) == 1 else None


def shape_of_chain(chain: Composition) -> ChainShape | None:
    """Return what is known of the layers of one application, None where one is not outer·φ(scale·x + inner) + offset.

    >>> from symgrad.maps import composition_from_text
    >>> shape = shape_of_chain(composition_from_text("tanh(x) | w*x + b"))
    >>> shape.monotone, shape.negative, shape.bounded
    (True, True, True)
    """
    found = [shape_of_layer(layer) for layer in chain.blocks[0].body]
    layers = tuple(layer for layer in found if layer is not None)
    if len(layers) < len(found):
        return None
    names = [layer.name for layer in layers]
    curved = [name for name in names if name != "identity"]
    monotone = all(map(is_increasing, names))
    return ChainShape(
        layers,
        monotone,
        monotone and bool(curved) and all(map(_negative, curved)),
        any(name in BOUNDED for name in names),
    )


def slope_sign(layer: LayerShape) -> int | None:
    """Return the sign of ``outer`` where outer·scale > 0, by whichever of the two is a number."""
    factor = layer.outer if layer.outer.is_number else layer.scale
    return compare(factor, ZERO) if factor.is_number else None
