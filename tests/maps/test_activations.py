"""The registry takes one decorated formula for an activation, and refuses one that it could not use."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sympy
from sympy import Abs, Expr, Rational

from symgrad.errors import InputError, RegistryError
from symgrad.maps import ACTIVATIONS, activation, differentiate, expand_activations, expression, unregister
from symgrad.symbols import real, x


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    """Leave the table as it was."""
    before = set(ACTIVATIONS)
    yield
    for name in set(ACTIVATIONS) - before:
        unregister(name)


def named(name: str, formula: Callable[..., Any], sentence: str = "A test.") -> Callable[..., Any]:
    def own(x: Expr) -> Any:
        return formula(x)

    own.__name__, own.__doc__ = name, sentence
    return own


def test_one_definition_is_enough() -> None:
    bump = activation(latex="B", lipschitz=Rational(1, 2), kinks={Rational(1, 2): 0})(
        named("bump", lambda x: Abs(x - Rational(1, 2)) / 2)
    )
    assert ACTIVATIONS["bump"].kinks == {Rational(1, 2): 0}
    assert expression("bump(x)") == bump(x)
    assert sympy.latex(bump(x)) == r"B\left(x\right)"
    assert differentiate(bump(x), x).subs(x, 2) == Rational(1, 2)
    unregister("bump")
    with pytest.raises(InputError, match="unknown function 'bump'"):
        expression("bump(x)")


def test_a_right_derivative_through_the_output_is_taken() -> None:
    derivative = {"derivative_of_output": lambda y: (1 - y**2) ** Rational(3, 2)}
    unit = activation(latex="U", lipschitz=1, **derivative)(named("unit", lambda x: x / sympy.sqrt(1 + x**2)))
    assert differentiate(unit(x), x) == (1 - unit(x) ** 2) ** Rational(3, 2)


def test_a_name_can_be_defined_anew() -> None:
    for factor in (1, 2):
        bump = activation(latex="B", lipschitz=factor)(named("bump", lambda x, factor=factor: factor * sympy.atan(x)))
        assert expand_activations(bump(x)) == factor * sympy.atan(x)
        assert differentiate(bump(x), x).subs(x, 0) == factor
        unregister("bump")


REFUSED: list[tuple[str, Callable[..., Any], dict[str, Any], str]] = [
    ("tanh", sympy.tanh, {}, "'tanh' exists already"),
    ("sigmoid", sympy.tanh, {}, "'sigmoid' exists already"),
    ("cos", sympy.cos, {}, "'cos' has a meaning in expressions already"),
    ("pi", sympy.cos, {}, "'pi' has a meaning in expressions already"),
    ("step", sympy.cos, {}, "'step' has a meaning in expressions already"),
    ("diff", sympy.cos, {}, "'diff' has a meaning in expressions already"),
    ("x y", sympy.cos, {}, "'x y' cannot be written in expressions"),
    ("__init__", sympy.cos, {}, "'__init__' cannot be written in expressions"),
    ("scaled", lambda x: real("q") * x, {}, r"'scaled' must be an expression of its argument alone, got 'q\*z'"),
    ("text", lambda x: "x", {}, "'text' must be an expression of its argument alone"),
    ("bounded", sympy.cos, {"lipschitz": x}, "the Lipschitz bound of 'bounded' must be a real number"),
    ("bounded", sympy.cos, {"lipschitz": sympy.I}, "the Lipschitz bound of 'bounded' must be a real number"),
    (
        "shifted",
        sympy.atan,
        {"derivative_of_output": lambda y: sympy.cos(y)},
        "the derivative of 'shifted' through its output is not its derivative at -17/10",
    ),
    ("kinked", sympy.cos, {"kinks": {x: 1}}, "a kink of 'kinked' must be a real number"),
]


@pytest.mark.parametrize(("name", "formula", "options", "message"), REFUSED, ids=[m for *_, m in REFUSED])
def test_what_cannot_be_an_activation_is_refused(
    name: str, formula: Callable[..., Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(RegistryError, match=message) as refused:
        activation(**{"latex": "q", "lipschitz": 1, **options})(named(name, formula))
    assert "\n" not in str(refused.value)


def test_an_undocumented_or_binary_activation_is_refused() -> None:
    with pytest.raises(RegistryError, match="activation 'bare' has no docstring"):
        activation(latex="q", lipschitz=1)(named("bare", sympy.cos, ""))

    def two(x: Expr, y: Expr) -> Expr:
        """Two arguments."""
        return x + y

    with pytest.raises(RegistryError, match="'two' must take one argument"):
        activation(latex="q", lipschitz=1)(two)
    with pytest.raises(InputError, match="no activation is named 'two'; known: atan"):
        unregister("two")
