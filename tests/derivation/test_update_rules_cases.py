"""Update rules on the classical cases: short forms, singular sets, systems, refusals."""

import pytest
import sympy
from sympy import ImmutableMatrix, Rational

from symgrad.derivation.identities import is_zero
from symgrad.derivation.update_rules import Update, update
from symgrad.derivation.update_rules.simplifying import shortest, zeros
from symgrad.derivation.updates import momentum_step, newton
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map, relu
from symgrad.symbols import a, b, real, w, x, y


@pytest.mark.parametrize(
    ("text", "shown", "derivative"),
    [
        ("x**3 - 2*x + 2", "(2*x**3 - 2)/(3*x**2 - 2)", "6*x*(x**3 - 2*x + 2)/(3*x**2 - 2)**2"),
        ("sign(x)*abs(x)**(1/3)", "-2*x", "-2"),
        ("abs(x)**(3/2)", "x/3", "1/3"),
        ("x**3", "2*x/3", "2/3"),
        ("x**2 - a", "(a + x**2)/(2*x)", "(x**2 - a)/(2*x**2)"),
        ("x*exp(-1/x**2)", "2*x/(x**2 + 2)", "2*(2 - x**2)/(x**2 + 2)**2"),
        ("x**2 + 1", "(x**2 - 1)/(2*x)", "(x**2 + 1)/(2*x**2)"),
    ],
)
def test_newtons_step_is_short_and_right(text: str, shown: str, derivative: str) -> None:
    step = update("newton", text, "x")
    assert step.map == Map(shown, "x")
    assert is_zero(step.derivative - Map(derivative, "x").expr)
    assert {s.verdict for s in step.statements} == {Verdict.PROVED}


def test_a_step_with_free_parameters() -> None:
    step = update("newton", "w*sigmoid(x) + b - x", "x")
    assert set(step.map.parameters) == {w, b}
    assert is_zero(step.map.expr - newton("w*sigmoid(x) + b - x", "x").expr)
    assert {s.name for s in step.order.constant.free_symbols} == {"w", "r"}


@pytest.mark.parametrize(
    ("text", "singular", "removable"),
    [
        ("x**3 - 2*x + 2", [3 * x**2 - 2], []),
        ("(x - 1)**3*(x + 2)", [4 * x + 5, x - 1], [x - 1]),
        ("x/x*(x - a)", [x], [x]),
        ("sign(x)*abs(x)**(1/3)", [x], [x]),
        ("atan(x)", [], []),
        ("log(x) - a", [x], []),
        ("sqrt(x) - a", [x], [x]),
        ("10*x - 10/x", [x], [x]),
        ("tanh(w*x + b) - y", [w], []),
        ("(x**2 - 1)/(x - 1) - a", [x - 1], [x - 1]),
    ],
)
def test_where_the_step_has_no_value(text: str, singular: list[object], removable: list[object]) -> None:
    step = update("newton", text, "x")
    assert list(step.singular) == singular
    assert list(step.removable) == removable


def test_conditions_of_the_function_are_kept() -> None:
    step = update("newton", "log(x) - a", "x")
    assert step.conditions == ("x != 0", "x must be greater than 0")
    assert update("newton", "x**n - 1", "x").singular


def test_kinks_are_named() -> None:
    assert update("newton", "relu(x - 1) + abs(x) - 3", "x").kinks == (x, x - 1)
    assert update("newton", "x**2 - 1", "x").kinks == ()


def test_a_form_that_is_not_equal_is_not_shown() -> None:
    """A planted fault: |x| and x are the same length and differ."""
    assert shortest(sympy.Abs(x) / x)[0] != 1
    assert shortest(relu(x) / x)[0] == relu(x) / x
    assert zeros(x**2 + 1) == ()


def test_orders_at_multiple_roots() -> None:
    step = update("newton", "(x - 1)**3*(x + 2)", "x")
    third = step.order_at(3)
    assert (third.order, third.constant) == (1, Rational(2, 3))
    told = update("schroder", "(x - 1)**3*(x + 2)", "x", m=3)
    assert told.order.order == 2
    assert told.order.constant.subs(told.order.root, 1) == Rational(1, 9)
    assert update("schroder", "x**2 - 2", "x").order.constant is None
    assert is_zero(step.order_at("m").formula - (1 - 1 / real("m")))


def test_the_root_symbol_avoids_parameters() -> None:
    assert update("newton", "r*x**2 - 1", "x").order.root == real("r1")
    assert update("newton", "x**2 - a", "x").order.constant == 1 / (2 * real("r"))


def test_newtons_step_of_a_system_is_a_solved_linear_system() -> None:
    step = update("newton_system", "10*(y - x**2); 1 - x", "x,y")
    assert step.map == Map(["1", "2*x - x**2"], ["x", "y"])
    assert step.linear_step.matrix == ImmutableMatrix([[-20 * x, 10], [-1, 0]])
    assert step.latex().startswith(r"\begin{pmatrix} - 20\,x & 10 \\ -1 & 0 \end{pmatrix}")
    assert step.order.constant[1] == -(real("e_x") ** 2)
    three = update("newton_system", "x**2 + y**2 + z**2 - 1; x*y - z; x - y", "x,y,z")
    assert three.singular == (real("z") + 1, x + y)
    assert is_zero(three.map.exprs[0] - three.map.exprs[1])


def test_gauss_newton_with_more_residuals_than_unknowns() -> None:
    step = update("gauss_newton", "a*x - 1; b*x - 2", "x")
    assert is_zero(step.map.exprs[0] - (a + 2 * b) / (a**2 + b**2))
    assert step.derivative == ImmutableMatrix([[0]])


def test_newton_towards_a_minimum_of_two_unknowns() -> None:
    step = update("newton_minimum", "100*(y - x**2)**2 + (1 - x)**2", "x,y")
    assert step.singular == (200 * x**2 - 200 * y + 1,)
    assert [e.subs({x: 1, y: 1}) for e in step.map.exprs] == [1, 1]
    assert step.order.order == 2


def test_momentum_is_the_heavy_ball() -> None:
    step = update("momentum", "a*x**2/2", "x")
    assert all(map(is_zero, ImmutableMatrix(step.raw) - ImmutableMatrix(momentum_step("a*x**2/2", "x").exprs)))
    assert step.derivative.det() == real("beta")


def test_complex_unknowns() -> None:
    step = update("newton", "z**3 - 1", "z", domain="complex")
    assert step.text == "complex z -> (2*z**3 + 1)/(3*z**2)"
    assert not step.order.root.is_real
    for text in ("abs(z) - 1", "relu(z)", "softsign(z)"):
        with pytest.raises(InputError, match="no complex derivative"):
            update("newton", text, "z", domain="complex")


REFUSALS = [
    (("newton", "3", "x"), {}, "3 does not depend on 'x'"),
    (("newton", "a*b", "x"), {}, "does not depend on 'x'"),
    (("newton", "floor(x)", "x"), {}, "divides by F', which is 0 everywhere"),
    (("newton_minimum", "a*x", "x"), {}, "divides by F'', which is 0 everywhere"),
    (("halley", "1/x", "x"), {}, "which is 0 everywhere"),
    (("schroder_modified", "exp(x)", "x"), {}, "which is 0 everywhere"),
    (("newton_system", "x + y; 2*x + 2*y", "x,y"), {}, "the determinant of its linear system, which is 0 everywhere"),
    (("newton", "x*y", "x,y"), {}, "one function of one unknown.*use newton_system or gauss_newton"),
    (("gauss_newton", "x + y", "x,y"), {}, "at least as many functions"),
    (("newton_system", "x; y; u; v", "x,y,u,v"), {}, "one to three of them"),
    (("damped", "x**2 - 1", "x"), {"h": -1}, "h must be a positive number, got -1"),
    (("damped", "x**2 - 1", "x"), {"h": "x"}, "contains the unknown x"),
    (("damped", "x**2 - 1", "x"), {"step": 1}, "has no option 'step'; it has h"),
    (("schroder", "x**2 - 1", "x"), {"m": "3/2"}, "m must be a positive integer, got 3/2"),
    (("momentum", "x**2", "x"), {"beta": 1}, "beta must be at least 0 and below 1, got 1"),
    (("momentum", "x**2 + velocity_x", "x"), {}, "velocity_x is the name of a velocity"),
    (("newtom", "x", "x"), {}, "no update rule is named 'newtom'; known: damped"),
]


@pytest.mark.parametrize(("given", "options", "message"), REFUSALS)
def test_refusals_are_one_line(given: tuple[str, str, str], options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        update(*given, **options)
    assert "\n" not in str(refusal.value)


def test_what_is_of_one_component_is_asked_of_one() -> None:
    step = update("momentum", "x**2", "x")
    with pytest.raises(InputError, match="formulas are of a single one"):
        _ = step.formulas
    with pytest.raises(InputError, match="at regular solutions"):
        step.order_at(2)
    with pytest.raises(InputError, match="must be a positive integer"):
        update("newton", "x**2", "x").order_at(0)
    assert isinstance(step, Update)
    assert y not in step.state
