"""Slices: layers tied to swept names are the layers they were, in short blocks."""

import pytest

from symgrad.errors import InputError
from symgrad.maps import Composition, Map, apply_slice, composition_from_canonical, stack
from symgrad.parsing import LayerRange, check_layers
from symgrad.symbols import n

NET = stack(Map("w*x", "x"), 6)


def run(chain: Composition, start: float, values: dict[str, list[float] | float]) -> float:
    """Return the state after the last layer, layer by layer."""
    state = start
    for layer, application in chain.schedule():
        at = {layer.state[0]: state}
        for name in (*(p.name for p in layer.parameters), *layer.layered):
            given = values[name]
            at[layer.symbol(name)] = given[application - 1] if isinstance(given, list) else given
        state = float(layer.expr.xreplace(at))
    return state


def test_layers_of_a_slice_share_the_swept_name() -> None:
    assert apply_slice(NET, "u=w[1..3], v=w[4..6]").composition.canonical == "x -> {u*x}^3 {v*x}^3"
    assert apply_slice(NET, "u=w[1..3]+w[4..6]").composition.canonical == "x -> {u*x}^6"


def test_layers_left_keep_their_values_under_names_of_their_stretch() -> None:
    net = stack(Map("w*x + b", "x"), 7)
    sliced = apply_slice(net, "u=w[2..3]+w[6], v=b[4]")
    weights, biases = [0.5, -1.0, 2.0, 0.75, 1.5, -0.5, 1.25], [0.1, 0.2, -0.3, 0.4, -0.5, 0.6, 0.7]
    u, v = 3.0, -2.0
    whole = run(net, 0.3, {"w": [0.5, u, u, 0.75, 1.5, u, 1.25], "b": [0.1, 0.2, -0.3, v, -0.5, 0.6, 0.7]})
    given: dict[str, list[float] | float] = {
        own: (weights if one.parameter == "w" else biases)[one.first - 1 : one.last] for own, one in sliced.left.items()
    }
    assert run(sliced.composition, 0.3, given | {"u": u, "v": v}) == whole
    assert sliced.names == ("u", "v")


def test_a_name_left_in_one_stretch_is_kept() -> None:
    sliced = apply_slice(NET, "u=w[1..4]")
    assert sliced.composition.canonical == "x -> {u*x}^4 {x*w[k]}^2"
    assert sliced.left == {"w": LayerRange("w", 5, 6)}


def test_a_name_that_is_taken_gets_an_underscore() -> None:
    sliced = apply_slice(stack(Map("w*x + w_1", "x"), 6, untied=["w"]), "u=w[3]")
    assert set(sliced.left) == {"w_1_", "w_4"}


def test_layers_of_several_maps_count_applications() -> None:
    net = stack([Map("tanh(v*x)", "x"), Map("w*x + b", "x")], 4, untied=["w"])
    assert apply_slice(net, "u=w[1..4]").composition.canonical == "x -> {tanh(v*x) | b + u*x}^4"


def test_a_deep_slice_stays_short() -> None:
    sliced = apply_slice(stack(Map("w*x", "x"), 10**6), "u=w[1..400000], v=w[400001..999999]").composition
    assert sliced.canonical == "x -> {u*x}^400000 {v*x}^599999 {x*w[k]}^1"
    assert composition_from_canonical(sliced.canonical) == sliced


@pytest.mark.parametrize(
    ("chain", "ties", "part"),
    [
        (NET, "u=w[1..7]", "there are layers 1 to 6 only"),
        (NET, "x=w[1]", "x, which is a component of the state"),
        (NET, "w=w[1]", "w, which is a parameter of the chain"),
        (NET, "u=b[1]", "b has no value per layer (w)"),
        (Map("w*x", "x") ** 6, "u=w[1]", "w has no value per layer (none has)"),
        (stack(Map("w*x", "x"), n), "u=w[1]", "one chain of literal depth"),
        (NET, "relu=w[1]", "cannot name a symbol"),
        (NET, {"u": (LayerRange("w", 1, 3), LayerRange("w", 2, 4))}, "share a layer"),
    ],
)
def test_what_cannot_be_sliced_is_refused(chain: Composition, ties: str, part: str) -> None:
    with pytest.raises(InputError, match=part.replace("(", r"\(").replace(")", r"\)")):
        apply_slice(chain, ties)


def test_the_guard_of_layers_accepts_the_last_one() -> None:
    check_layers(LayerRange("w", 1, 6), layered=["w"], depth=6)
    with pytest.raises(InputError, match="layers 1 to 5 only"):
        check_layers(LayerRange("w", 1, 6), layered=["w"], depth=5)
