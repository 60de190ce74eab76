"""When none can have been missed, and when nobody may say so."""

from fractions import Fraction

import pytest

from symgrad.evidence import Verdict
from symgrad.maps import Composition, Map, composition_from_text
from symgrad.phenomena.cliffs.completeness import coverage, monotony_evidence, schwarzian_evidence, unit

BOX = {"w": (Fraction(4), Fraction(8)), "b": (Fraction(-6), Fraction(-1))}


def chain(text: str, depth: int = 50) -> Composition:
    return composition_from_text(text, depth=depth)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "atan", "erf", "softplus", "exp"])
@pytest.mark.parametrize("form", ["w*{}(x) + b", "{}(w*x + b)", "v*{}(w*x + b) + c | tanh(x)"])
def test_increasing_activations_of_negative_schwarzian_are_covered(name: str, form: str) -> None:
    assert schwarzian_evidence(chain(form.format(name))) is not None


@pytest.mark.parametrize("name", ["gelu", "silu", "mish", "sin", "relu", "leaky_relu", "elu", "selu", "softsign"])
@pytest.mark.parametrize("form", ["w*{}(x) + b", "{}(w*x + b)", "tanh(x) | w*{}(x) + b"])
def test_all_others_are_not(name: str, form: str) -> None:
    assert schwarzian_evidence(chain(form.format(name))) is None


@pytest.mark.parametrize(
    "text", ["x*sigmoid(w*x)", "x + tanh(w*x + b)", "tanh(w*x**2)", "tanh(x)**2", "tanh(u[k] + x)"]
)
def test_the_state_must_enter_each_layer_through_one_activation_only(text: str) -> None:
    assert schwarzian_evidence(chain(text)) is None


def test_a_unit_is_recognised_by_its_form() -> None:
    assert unit(Map("3*erf(2*x - 1) + b", "x")).name == "erf"  # type: ignore[union-attr]
    assert unit(Map("w*x + b", "x")).name is None  # type: ignore[union-attr]
    assert unit(Map("x + erf(x)", "x")) is None


def test_a_rectifier_is_covered_by_monotony_but_not_where_its_weight_may_be_negative() -> None:
    layers = chain("w*relu(x) + b")
    assert monotony_evidence(layers, BOX, {}, "b") is not None
    assert monotony_evidence(layers, {**BOX, "w": (Fraction(-1), Fraction(8))}, {}, "b") is None


def test_monotony_needs_the_sign_of_the_derivative_in_the_parameter_too() -> None:
    assert monotony_evidence(chain("w*tanh(x) + b"), BOX, {}, "w") is None  # tanh changes sign
    assert monotony_evidence(chain("w*sigmoid(x) + b"), BOX, {}, "w") is not None


def test_driven_nets_are_covered_by_monotony() -> None:
    found = coverage(chain("w*sigmoid(x) + b + u[k]"), BOX, {}, along="b", listed=False)
    assert found.method == "certified"
    assert "crossed at most once" in found.statement


@pytest.mark.parametrize("text", ["w*gelu(x) + b", "w*silu(x) + b", "w*sin(x) + b", "silu(w*x + b)"])
def test_without_an_argument_nothing_is_certified(text: str) -> None:
    found = coverage(chain(text), BOX, {}, along="b", listed=True)
    assert found.verdict is Verdict.SAMPLED
    assert "others may exist" in found.statement


def test_the_argument_needs_the_whole_list() -> None:
    layers, negative = chain("w*sigmoid(x) + b"), {**BOX, "w": (Fraction(-8), Fraction(-4))}
    assert coverage(layers, negative, {}, along="b", listed=True).method == "certified"
    assert coverage(layers, negative, {}, along="b", listed=False).method == "sampled"
