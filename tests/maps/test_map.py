"""A Map takes what has a real value, calls every symbol by one name, and says in one line what it cannot take."""

import pickle
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Float, Function, IndexedBase, Integral, Matrix, Piecewise, Rational, Symbol

from symgrad.errors import InputError
from symgrad.maps import Map, differentiate, entered, expression, layer_value, map_from_canonical, to_text
from symgrad.symbols import b, k, real, w, x, y

TEXTS = [
    "w*sigmoid(x) + b",
    "x + tanh(w*x + b)",
    "w[k]*x + u[k]",
    "-(w*x)",
    "x**2/(1 + abs(x))",
    "sqrt(1 + x**2)**3",
    "Min(x, w, 1) + Max(x, -w)*sign(x) + floor(x) - Mod(x, 3)",
    "asinh(x)*acosh(2 + x**2)*atanh(x/9)*acos(x/9) - asin(x/9)*tan(x)/cos(x)",
    "exp(-x**2/2)*log(1 + x**2) + pi*E - sinh(x)/cosh(x)",
    "1e-5*x + 1/3 - 2.5*x**(2/3)",
    "w**x*2**(-x)",
    "relu(x) + step(x)*leaky_relu(w*x)*selu(-x)",
    "lambda*x + start - e*x0/p0*numpy",
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_canonical_text_parses_back_to_an_equal_map(text: str) -> None:
    f = Map(text, "x")
    assert map_from_canonical(f.canonical) == f
    assert pickle.loads(pickle.dumps(f)) == f
    assert Map.from_text(text) == f
    assert map_from_canonical(f.canonical).fingerprint == f.fingerprint


LEAVES = st.sampled_from([x, w, b, Rational(1, 3), sympy.Integer(2), sympy.Integer(-1), sympy.pi, Float(0.25)])


def joined(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(lambda p, q: p + q, parts, parts),
        st.builds(lambda p, q: p * q, parts, parts),
        st.builds(lambda p, q: sympy.Mul(p, q, evaluate=False), parts, parts),
        st.builds(lambda p: sympy.factor(2 * p + 2), parts),
        st.builds(lambda p: p**2, parts),
        st.builds(sympy.tanh, parts),
        st.builds(lambda p: 1 / (1 + sympy.exp(-p)), parts),
    )


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.recursive(LEAVES, joined, max_leaves=8))
def test_whatever_sympy_builds_has_a_text_that_reads_back_equal(expr: Any) -> None:
    f = Map(expr, x)
    assert map_from_canonical(f.canonical) == f


def test_symbols_are_the_real_symbols_of_their_names() -> None:
    f = Map(Symbol("w") * Symbol("x", positive=True) + Symbol("b", integer=True), "x")
    assert f == Map("w*x + b", x) == Map(w * x + b, Symbol("x"))
    assert f.parameters == (b, w)
    assert all(p.is_real for p in f.parameters)
    assert Map("w*x", "x", domain="complex").parameters[0].is_real is None


def test_decimals_are_exact() -> None:
    assert Map(0.1 * x, x).expr == x / 10
    assert Map(Float("1e-400") * x, x).expr.atoms(sympy.Float) == set()
    assert Map(np.float64(0.5) * x, x).expr == x / 2
    assert entered(2.5) == Rational(5, 2)


def test_an_index_is_the_layer() -> None:
    f = Map(IndexedBase("w")[Symbol("k")] * x, x)
    assert f.layered == ("w",)
    assert f.parameters == ()
    assert f.symbol("w") == layer_value("w")
    assert f.derivative("w") == (x,)


def test_a_map_of_several_components() -> None:
    henon = Map(("1 - a*x**2 + y", "b*x"), ("x", "y"))
    assert henon.dimension == 2
    assert henon.jacobian == ((-2 * real("a") * x, 1), (b, 0))
    assert Map.from_text("1 - a*x**2 + y; b*x", ("x", "y")) == henon
    assert map_from_canonical(henon.canonical) == henon
    with pytest.raises(InputError, match="2 components has no single expression"):
        _ = henon.expr


REFUSED: list[tuple[Any, Any, str]] = [
    (Symbol("w") * real("w") * x, x, "two different symbols are named 'w'"),
    (IndexedBase("w")[k] * x + w, x, "two different symbols are named 'w'"),
    (IndexedBase("w")[1] * x, x, r"w\[1\] has an index other than k"),
    (IndexedBase("w")[2 * k] * x, x, r"w\[2\*k\] has an index other than k"),
    ("x[k]", "x", "'x' cannot have a value per layer"),
    (["x", "y"], "x", "2 expressions were given for a state of 1 components"),
    (["x", "y"], ("x", "x"), "the state names x, x repeat"),
    ([], [], "at least one component"),
    (None, "x", "an expression is needed, got 'None'"),
    (True, "x", "an expression is needed, got 'True'"),
    (x > 0, "x", "an expression is needed"),
    ({1}, "x", "an expression is needed"),
    (Matrix([x]), "x", "an expression is needed"),
    (np.array([1.0, 2.0]), ("x", "y"), "an expression is needed"),
    (float("nan"), "x", "nan is no expression of finite real numbers"),
    (sympy.oo * x, "x", r"oo\*x is no expression of finite real numbers"),
    ("oo*x", "x", r"oo\*x is no expression of finite real numbers"),
    (sympy.zoo, "x", "zoo is no expression"),
    (sympy.I * x, "x", r"I\*x is no expression"),
    (Function("q")(x), "x", r"q\(x\) is no expression"),
    (Integral(x * w, (w, 0, 1)), "x", "is no expression"),
    (Symbol("pi") * x, "x", "'pi' cannot name a symbol"),
    (Symbol("tanh") * x, "x", "'tanh' cannot name a symbol"),
    (Symbol("sigmoid") * x, "x", "'sigmoid' cannot name a symbol"),
    (Symbol("a b;c") * x, "x", "'a b;c' cannot name a symbol"),
    (Symbol("w[k]") * x, "x", r"'w\[k\]' cannot name a symbol"),
    ("x", "x y", "'x y' cannot name a symbol"),
    ("x", "E", "'E' cannot name a symbol"),
    ("x", 3, "the state must be a symbol or a name, got '3'"),
    (x, x + 1, r"the state must be a symbol or a name, got 'x \+ 1'"),
]


@pytest.mark.parametrize(("expr", "state", "message"), REFUSED, ids=[m for *_, m in REFUSED])
def test_what_is_no_step_is_refused_in_one_line(expr: Any, state: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        Map(expr, state)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 250


def test_other_refusals() -> None:
    with pytest.raises(InputError, match="domain must be one of real, complex, got 'q'"):
        Map("x", "x", domain="q")
    with pytest.raises(InputError, match="one layer is needed, got 2"):
        Map.from_text("x | x")
    with pytest.raises(InputError, match="untied parameter 'q' is not a parameter of the map; it has b, w"):
        Map("w*x + b", "x").untied(["q"])
    with pytest.raises(InputError, match="has no arrow"):
        map_from_canonical("w*x")
    with pytest.raises(InputError, match="one layer is needed, got 2"):
        map_from_canonical("x -> x | x")
    with pytest.raises(InputError, match="Piecewise has no place"):
        _ = Map(Piecewise((x, x > 0), (0, True)), "x").canonical
    with pytest.raises(InputError, match="'w' is a state in one map and a parameter in the other"):
        Map("w*x", "x").renamed((w,))


@pytest.mark.parametrize(
    ("text", "derivative"),
    [
        ("abs(x)", "sign(x)"),
        ("floor(3*x)", "0"),
        ("sign(x)*x", "sign(x)"),
        ("Mod(x, 3)", "1"),
        ("step(x)*x", "step(x)"),
        ("abs(x**3)", "3*x**2*sign(x**3)"),
    ],
)
def test_derivatives_almost_everywhere(text: str, derivative: str) -> None:
    found = differentiate(expression(text), x)
    for value in (-1.3, -0.2, 0, 0.7, 2.9):
        at = {x: Rational(str(value))}
        assert found.subs(at) == expression(derivative).subs(at)


def test_arguments_that_tie_share_the_derivative_evenly() -> None:
    at = {x: 2, y: 2}
    assert differentiate(sympy.Max(x, y), x).subs(at) == Rational(1, 2)
    assert differentiate(sympy.Min(x, y), y).subs(at) == Rational(1, 2)
    assert differentiate(sympy.Max(x, y), x).subs({x: 3, y: 2}) == 1
    assert differentiate(sympy.Min(x, y), x).subs({x: 3, y: 2}) == 0


def test_texts_of_the_grammar_are_its_own() -> None:
    assert to_text(sympy.Abs(x)) == "abs(x)"
    with pytest.raises(InputError, match="gamma has no place"):
        to_text(sympy.gamma(x))
    for number in (sympy.GoldenRatio, sympy.EulerGamma, sympy.Catalan, sympy.TribonacciConstant, sympy.I):
        with pytest.raises(InputError, match="has no name in symgrad's expressions"):
            to_text(number * x)
        assert Map(number * x, x, domain="complex").exprs[0].has(number)
