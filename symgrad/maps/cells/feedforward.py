"""Feed-forward cells: dense layers on either side of the activation, residual, leaky and highway units."""

from typing import Any

from sympy import Integer

from symgrad.maps.cells.definition import Cell
from symgrad.maps.cells.equations import Complement, Elementwise, Equation, Sum, Summand
from symgrad.maps.cells.registry import Units, activation_name, gate, number, register


def _unit(units: Units, activation: str) -> tuple[Equation, Equation]:
    """Return z = W x + b and y = φ(z)."""
    before, after = units.vector("z"), units.vector("y")
    return (
        Equation(before, units.affine(("W", units.vector("x")), bias="b")),
        Equation(after, Elementwise(activation_name(activation), before), "activation"),
    )


@register()
def dense(units: Units, *, activation: str = "tanh") -> Cell:
    """A dense layer, x ↦ φ(W x + b) (Goodfellow, Bengio & Courville 2016, section 6.1)."""
    x, new, before = units.vector("x"), units.vector("x_new"), units.vector("z")
    steps = (
        Equation(before, units.affine(("W", x), bias="b")),
        Equation(new, Elementwise(activation_name(activation), before), "new state"),
    )
    return Cell("dense", units.width, (x,), (new,), steps)


@register()
def preactivation(units: Units, *, activation: str = "tanh") -> Cell:
    """A layer in its pre-activations, x ↦ W φ(x) + b (Poole et al. 2016, equation 1)."""
    x, new, after = units.vector("x"), units.vector("x_new"), units.vector("y")
    steps = (
        Equation(after, Elementwise(activation_name(activation), x), "activation"),
        Equation(new, units.affine(("W", after), bias="b"), "new state"),
    )
    return Cell("preactivation", units.width, (x,), (new,), steps)


@register()
def residual(units: Units, *, activation: str = "tanh", branch: Any = 1) -> Cell:
    """A residual block, x ↦ x + a φ(W x + b) with branch scale a, e.g. 1, 1/L or 1/√L (He et al. 2016)."""
    x, new = units.vector("x"), units.vector("x_new")
    unit = _unit(units, activation)
    joined = Sum((Summand((x,)), Summand((unit[1].symbol,), coefficient=number(branch))))
    return Cell("residual", units.width, (x,), (new,), (*unit, Equation(new, joined, "new state")))


@register()
def leaky(units: Units, *, activation: str = "tanh", branch: Any = "a") -> Cell:
    """A leaky unit, x ↦ (1 - a) x + a φ(W x + b) (Jaeger et al. 2007, section 2; Bengio et al. 2013)."""
    x, new, share = units.vector("x"), units.vector("x_new"), number(branch)
    unit = _unit(units, activation)
    joined = Sum((Summand((x,), coefficient=Integer(1) - share), Summand((unit[1].symbol,), coefficient=share)))
    return Cell("leaky", units.width, (x,), (new,), (*unit, Equation(new, joined, "new state")))


@register()
def highway(units: Units, *, activation: str = "tanh") -> Cell:
    """A highway unit, x ↦ T ⊙ φ(W x + b) + (1 - T) ⊙ x with T = σ(W_T x + b_T) (Srivastava et al. 2015, eq. 3)."""
    x, new, t, y = (units.vector(name) for name in ("x", "x_new", "t", "y"))
    steps = (
        *gate(y, activation_name(activation), units.affine(("W", x), bias="b"), "candidate"),
        *gate(t, "sigmoid", units.affine(("W_t", x), bias="b_t"), "transform gate"),
        Equation(new, Sum((Summand((t, y)), Summand((Complement(t), x)))), "new state"),
    )
    return Cell("highway", units.width, (x,), (new,), steps)
