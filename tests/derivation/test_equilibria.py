"""Exact regimes: each statement is confirmed by the chain product itself, exactly, at small depths."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Expr, Integer, Rational, Symbol, atanh, log, symbols

from symgrad.derivation import Regime, constant_factor, exact_regimes, fixed_start, is_zero, uniform_bound
from symgrad.derivation.equilibria import regime_of_number
from symgrad.errors import InputError
from symgrad.maps import ACTIVATIONS, Map, composition_from_text, expression, stack
from symgrad.symbols import n

w, b, c, x, r = symbols("w b c x r", real=True)
HALF = Rational(1, 2)


def words(statements: tuple[object, ...]) -> dict[str, str]:
    return {s.regime.word: s.condition for s in statements}  # type: ignore[attr-defined]


def chain_product_at(layer: Map, point: dict[Symbol, Expr], start: Expr, depth: int) -> Expr:
    product, state = Integer(1), start
    for _ in range(depth):
        at = {**point, layer.state[0]: state}
        product *= layer.jacobian[0][0].xreplace(at)
        state = layer.expr.xreplace(at)
    return product


def test_the_four_regimes_of_a_constant_factor() -> None:
    assert words(exact_regimes(Map("a*x", "x") ** n)) == {
        "vanishing": "0 < abs(a) < 1",
        "exploding": "abs(a) > 1",
        "constant": "a = 1",
        "alternating": "a = -1",
        "zero": "a = 0",
    }


@pytest.mark.parametrize(
    ("text", "factor"), [("w*x + b", "w"), ("(x + 1)**2 - x**2", "2"), ("x + b", "1"), ("w*tanh(v)*x", "w*tanh(v)")]
)
def test_a_factor_that_depends_on_neither_state_nor_layer_is_found(text: str, factor: str) -> None:
    found = constant_factor(Map(text, "x") ** n)
    assert found is not None
    assert is_zero(found - expression(factor))


@pytest.mark.parametrize("text", ["tanh(w*x)", "relu(w*x)", "w*abs(x)", "floor(x) + x**2", "w*x**2"])
def test_a_factor_that_depends_on_the_state_is_not_taken_for_constant(text: str) -> None:
    assert constant_factor(Map(text, "x") ** n) is None


def test_layers_with_values_of_their_own_have_no_constant_factor() -> None:
    assert constant_factor(stack(Map("w*x + b", "x"), n, untied=["w"])) is None
    assert exact_regimes(stack(Map("w*x + b", "x"), n, untied=["w"]), [HALF]) == ()
    assert exact_regimes(Map(("y", "x"), ("x", "y")) ** n, [HALF, HALF]) == ()
    assert constant_factor(composition_from_text("2*x | v*x + c", depth=n)) == 2 * Symbol("v", real=True)


def test_the_sigmoid_family_has_product_c_to_the_n() -> None:
    fixed = fixed_start(Map("w*sigmoid(x) + b", "x") ** n, Integer(0))
    assert fixed is not None
    family = fixed.family(c)
    assert family == {"w": 4 * c, "b": -2 * c}
    layer = Map("w*sigmoid(x) + b", "x")
    for depth in (1, 2, 5):
        product = chain_product_at(layer, {w: family["w"], b: family["b"]}, Integer(0), depth)
        assert is_zero(product - c**depth)


def test_the_line_on_which_the_start_of_the_reference_surface_is_fixed() -> None:
    fixed = fixed_start(Map("w*sigmoid(x) + b", "x") ** n, HALF)
    assert fixed is not None
    assert fixed.condition == "b = -w*sigmoid(1/2) + 1/2"
    assert fixed.solved["b"].xreplace({w: Integer(5)}).evalf(12) == pytest.approx(-2.6122966560, abs=1e-9)
    assert float(1 / fixed.multiplier.xreplace({w: Integer(1)}).evalf(15)) == pytest.approx(4.25525193, abs=1e-8)


@pytest.mark.parametrize(
    ("text", "start", "condition"),
    [
        ("tanh(w*x + b)", HALF, "b = -w/2 + atanh(1/2)"),
        ("sigmoid(w*x + b)", Rational(1, 3), "b = -w/3 - log(2)"),
        ("tanh(w*x)", Integer(0), ""),
        ("r*x*(1 - x)", HALF, "r = 2"),
        ("softplus(w*x + b)", Integer(1), "b = -w + log(-1 + E)"),
        ("relu(w*x + b)", Integer(2), "b = 2 - 2*w"),
        ("tanh(w*x) | v*x + c", HALF, "c = -v*tanh(w/2) + 1/2"),
        ("w*sigmoid(x) + b", x, "b = -w*sigmoid(x) + x"),
    ],
)
def test_a_fixed_start_is_solved_for_and_proved(text: str, start: Expr, condition: str) -> None:
    chain = composition_from_text(text, depth=n)
    fixed = fixed_start(chain, start)
    assert fixed is not None
    assert fixed.condition == condition
    assert fixed.proof


@pytest.mark.parametrize(
    ("text", "start"),
    [("tanh(w*x + b)", Integer(2)), ("sin(w*x + b)", HALF), ("x**2 + 1", HALF), ("sigmoid(b)", -HALF)],
)
def test_a_start_that_is_never_fixed_or_cannot_be_solved_for_gives_no_statement(text: str, start: Expr) -> None:
    assert fixed_start(Map(text, "x"), start) is None


@settings(max_examples=20, deadline=None)
@given(c=st.fractions(-3, 3, max_denominator=9), start=st.fractions(-2, 2, max_denominator=7))
def test_on_the_line_of_a_linear_map_the_product_is_the_power_of_the_multiplier(c: object, start: object) -> None:
    begin = Rational(str(start))
    fixed = fixed_start(Map("r*x*(1 - x) + b", "x"), begin)
    assert fixed is not None
    at = {Symbol(name, real=True): value.xreplace({r: Rational(str(c))}) for name, value in fixed.solved.items()}
    point = {r: Rational(str(c)), **at}
    product = chain_product_at(Map("r*x*(1 - x) + b", "x"), point, begin, 4)
    assert product == fixed.multiplier.xreplace(point) ** 4


def test_the_regimes_on_the_line_and_the_equations_of_its_points() -> None:
    statements = {s.regime: s for s in exact_regimes(Map("tanh(w*x + b)", "x") ** n, [HALF]) if s.solved}
    assert statements[Regime.CONSTANT].condition == f"w = 4/3 and b = {atanh(HALF) - Rational(2, 3)}"
    assert statements[Regime.EXPLODING].condition == "b = -w/2 + atanh(1/2) and abs(3*w/4) > 1"
    assert statements[Regime.CONSTANT].equation.args[0].lhs == w
    assert statements[Regime.EXPLODING].equation.lhs == b


def test_impossible_regimes_are_left_out() -> None:
    regimes = words(exact_regimes(Map("w**2*x + x", "x")))
    assert set(regimes) == {"vanishing", "exploding", "constant"}
    assert exact_regimes(Map("w**2*x", "x"))[2].equation.lhs == w**2


def test_a_product_of_parameters_is_solved_where_that_is_complete() -> None:
    conditions = words(exact_regimes(Map("u*v*x", "x")))
    assert conditions["constant"] == "u = 1/v and v != 0"
    assert conditions["zero"] == "u*v = 0"


def test_a_known_multiplier_gives_one_statement() -> None:
    (only,) = exact_regimes(Map("x + b", "x"))
    assert (only.regime, only.condition, only.equation) == (Regime.CONSTANT, "always", None)
    (superstable,) = exact_regimes(Map("r*x*(1 - x)", "x"), [HALF])
    assert (superstable.regime, superstable.condition) == (Regime.ZERO, "r = 2")


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_uniform_bound_of_every_activation_bounds_its_factors(name: str) -> None:
    layer = Map(f"3*{name}(w*x + b) + c", "x")
    bound = uniform_bound(layer)
    assert (bound is None) == (name == "exp")
    if bound is not None:
        for value in (-7, -1, -HALF, 0, HALF, 1, 7):
            factor = layer.jacobian[0][0].xreplace({w: Integer(2), b: Integer(0), x: value / Integer(2)})
            assert abs(factor.evalf(30)) <= abs(bound.xreplace({w: Integer(2)}).evalf(30)) + 1e-25


@pytest.mark.parametrize("text", ["x + tanh(w*x)", "tanh(w*x)**2", "x*tanh(w)*tanh(x)", "tanh(x) + sin(x)", "exp(w*x)"])
def test_no_bound_is_claimed_for_layers_of_another_form(text: str) -> None:
    assert uniform_bound(Map(text, "x")) is None


def test_a_uniform_bound_is_a_statement_for_every_start() -> None:
    assert words(exact_regimes(Map("w*sigmoid(x) + b", "x") ** n)) == {"vanishing": "abs(w/4) < 1"}
    assert words(exact_regimes(Map("sigmoid(x)", "x") ** n)) == {"vanishing": "always"}
    assert exact_regimes(Map("2*tanh(x)", "x") ** n) == ()


@pytest.mark.parametrize(
    ("number", "regime"),
    [
        (Integer(0), Regime.ZERO),
        (Integer(1), Regime.CONSTANT),
        (Integer(-1), Regime.ALTERNATING),
        (log(2) + log(HALF) + 1, Regime.CONSTANT),
        (1 + Rational(1, 10**15), Regime.EXPLODING),
        (-1 + Rational(1, 10**15), Regime.VANISHING),
        (expression("4*sigmoid(1/2)*(1 - sigmoid(1/2))"), Regime.VANISHING),
        (expression("-tanh(1)*2"), Regime.EXPLODING),
    ],
)
def test_a_number_is_compared_exactly(number: Expr, regime: Regime) -> None:
    assert regime_of_number(number) is regime


def test_a_floating_point_start_is_refused() -> None:
    with pytest.raises(InputError, match="exact start"):
        exact_regimes(Map("w*sigmoid(x) + b", "x"), [0.5])  # type: ignore[list-item]
