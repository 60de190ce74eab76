"""Recurrent cells: the vanilla unit, the LSTM with a forget gate and the GRU, driven by an input in every step."""

from symgrad.maps.cells.definition import Cell
from symgrad.maps.cells.equations import Complement, Elementwise, Equation, Sum, Summand, Weighing
from symgrad.maps.cells.registry import Units, activation_name, gate, register


def _gate_sum(units: Units, name: str, *vectors: Weighing) -> Sum:
    """Return W u + V (product of the vectors) + b with the subscript of a gate; no W u without inputs."""
    ending = f"_{name}" if name else ""
    driven = [(f"W{ending}", u) for u in units.outside]
    return units.affine(*driven, (f"V{ending}", *vectors), bias=f"b{ending}")


@register(driven=True)
def rnn(units: Units, *, activation: str = "tanh") -> Cell:
    """The vanilla recurrent unit, h ↦ φ(W u + V h + b) (Elman 1990)."""
    h, new, before = units.vector("h"), units.vector("h_new"), units.vector("z")
    steps = (
        Equation(before, _gate_sum(units, "", h)),
        Equation(new, Elementwise(activation_name(activation), before), "new state"),
    )
    return Cell("rnn", units.width, (h,), (new,), steps, units.outside)


@register(driven=True)
def lstm(units: Units) -> Cell:
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000), no peepholes.

    i, f, o = σ(W u + V h + b) each, g = tanh(W_g u + V_g h + b_g), c ↦ f ⊙ c + i ⊙ g, h ↦ o ⊙ tanh(c).
    """
    h, c, new_h, new_c = (units.vector(name) for name in ("h", "c", "h_new", "c_new"))
    i, f, o, g, y = (units.vector(name) for name in "ifogy")
    gates: list[Equation] = []
    for symbol, words in ((i, "input gate"), (f, "forget gate"), (o, "output gate")):
        gates += gate(symbol, "sigmoid", _gate_sum(units, symbol.name, h), words)
    steps = (
        *gates,
        *gate(g, "tanh", _gate_sum(units, "g", h), "candidate"),
        Equation(new_c, Sum((Summand((f, c)), Summand((i, g)))), "cell state"),
        Equation(y, Elementwise("tanh", new_c, "D_c")),
        Equation(new_h, Sum((Summand((o, y)),)), "output"),
    )
    return Cell("lstm", units.width, (h, c), (new_h, new_c), steps, units.outside)


@register(driven=True)
def gru(units: Units) -> Cell:
    """The gated recurrent unit (Cho et al. 2014, equations 5 to 8).

    r, z = σ(W u + V h + b) each, y = tanh(W_y u + V_y (r ⊙ h) + b_y), h ↦ z ⊙ h + (1 - z) ⊙ y.
    """
    h, new, r, z, y = (units.vector(name) for name in ("h", "h_new", "r", "z", "y"))
    steps = (
        *gate(r, "sigmoid", _gate_sum(units, "r", h), "reset gate"),
        *gate(z, "sigmoid", _gate_sum(units, "z", h), "update gate"),
        *gate(y, "tanh", _gate_sum(units, "y", r, h), "candidate"),
        Equation(new, Sum((Summand((z, h)), Summand((Complement(z), y)))), "new state"),
    )
    return Cell("gru", units.width, (h,), (new,), steps, units.outside)
