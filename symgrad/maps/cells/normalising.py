"""Normalising cells: layer normalisation, batch normalisation of one unit, and a normalised dense layer."""

from typing import Any

from symgrad.maps.cells.definition import Cell
from symgrad.maps.cells.equations import Elementwise, Equation, Normalised, Sum, Summand
from symgrad.maps.cells.registry import Units, activation_name, number, register


@register()
def layer_norm(units: Units, *, epsilon: Any = "epsilon") -> Cell:
    """Layer normalisation, x ↦ g ⊙ (x - mean)/σ + b over the units (Ba, Kiros & Hinton 2016, section 3)."""
    x, new, hat = units.vector("x"), units.vector("x_new"), units.vector("n")
    scaled = Sum((Summand((units.vector("g"), hat)), Summand((units.vector("b"),))))
    steps = (Equation(hat, Normalised(x, number(epsilon)), "normalisation"), Equation(new, scaled, "new state"))
    return Cell("layer_norm", units.width, (x,), (new,), steps)


@register()
def batch_norm(units: Units, *, gain: Any = "g", shift: Any = "b", epsilon: Any = "epsilon") -> Cell:
    """Batch normalisation of one unit in training, over the members of its batch (Ioffe & Szegedy 2015, Algorithm 1).

    The state is the unit's value for each of ``width`` members: the Jacobian couples members, not units.
    """
    x, new, hat = units.vector("x"), units.vector("x_new"), units.vector("n")
    scaled = Sum((Summand((hat,), coefficient=number(gain)), Summand((), coefficient=number(shift))))
    steps = (Equation(hat, Normalised(x, number(epsilon)), "normalisation"), Equation(new, scaled, "new state"))
    return Cell("batch_norm", units.width, (x,), (new,), steps)


@register()
def normalised_dense(units: Units, *, activation: str = "tanh", epsilon: Any = "epsilon") -> Cell:
    """A dense layer with layer normalisation before its activation, x ↦ φ(g ⊙ N(W x) + b) (Ba et al. 2016, eq. 4)."""
    x, new, sums, hat, before = (units.vector(name) for name in ("x", "x_new", "a", "n", "z"))
    scaled = Sum((Summand((units.vector("g"), hat)), Summand((units.vector("b"),))))
    steps = (
        Equation(sums, Sum((Summand((x,), units.weight("W")),))),
        Equation(hat, Normalised(sums, number(epsilon)), "normalisation"),
        Equation(before, scaled),
        Equation(new, Elementwise(activation_name(activation), before), "new state"),
    )
    return Cell("normalised_dense", units.width, (x,), (new,), steps)
