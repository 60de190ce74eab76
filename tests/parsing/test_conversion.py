"""Trees become SymPy expressions; functions are known, applied, and given the arguments they take."""

import re
import subprocess
import sys
from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symgrad.errors import InputError
from symgrad.parsing import (
    GRAMMAR_ARITIES,
    check_calls,
    exact_value,
    parse,
    parse_constant,
    to_exact,
    to_float,
    to_sympy,
    unparse,
)
from symgrad.symbols import k, real

x, y, w = real("x"), real("y"), real("w")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x**2/4 - 0.1*y", x**2 / 4 - y / 10),
        ("lambda*x", real("lambda") * x),
        ("pi*E", sympy.pi * sympy.E),
        ("-oo", -sympy.oo),
        ("abs(x) + Mod(x, 3)", abs(x) + sympy.Mod(x, 3)),
        ("Max(x, 1) - Min(x, y)", sympy.Max(x, 1) - sympy.Min(x, y)),
        ("sqrt(8)", 2 * sympy.sqrt(2)),
        ("w[k]*u[3]", sympy.IndexedBase(w)[k] * sympy.IndexedBase(real("u"))[3]),
        ("x/x", sympy.Integer(1)),
    ],
)
def test_to_sympy(text: str, expected: sympy.Expr) -> None:
    assert to_sympy(parse(text)) == expected


def test_indexed_values_are_real() -> None:
    assert to_sympy(parse("w[k]")).is_real


def test_symbols_and_functions_are_the_callers() -> None:
    n = sympy.Symbol("n", integer=True, positive=True)
    double = {"double": lambda e: 2 * e}
    assert to_sympy(parse("double(n)"), functions=double, symbol={"n": n}.__getitem__) == 2 * n


def test_a_function_may_stand_as_an_argument() -> None:
    functions = {"f": lambda e: e**2, "iterate": lambda f, count, e: f(f(e)) if count == 2 else e}
    node = parse("iterate(f, 2, x) + f(x)")
    assert to_sympy(node, functions=functions, takes_function=("iterate",)) == x**4 + x**2
    with pytest.raises(InputError, match="used without arguments"):
        to_sympy(node, functions=functions)
    with pytest.raises(InputError, match="unknown function 'g'"):
        to_sympy(parse("iterate(g, 2, x)"), functions=functions, takes_function=("iterate",))


def test_every_function_of_the_grammar_converts() -> None:
    for name, counts in GRAMMAR_ARITIES.items():
        text = f"{name}({', '.join(['0.5', 'x'][: counts[0]])})"
        assert isinstance(to_sympy(parse(text)), sympy.Expr), text


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("sigmod(x)", "did you mean 'sigmoid'"),
        ("Tanh(x)", "did you mean 'tanh'"),
        ("qqq(x)", "known functions: abs, acos"),
        ("x(x)", "unknown function 'x'"),
        ("sin(x, y)", "takes 1 argument, got 2"),
        ("Mod(x)", "takes 2 arguments, got 1"),
        ("sin + sin(x)", "used without arguments"),
        ("2*tanh", "used without arguments"),
        ("Max(" + ", ".join(f"a{i}" for i in range(17)) + ")", "takes 1 to 16 arguments, got 17"),
        ("Max(Max(a, b, c, d, e, f, g, h), Max(i, j, l, m, n, o, p, q, r))", "got 17"),
        ("log(0)", "has no real value"),
        ("Max(x, asin(2))", "'Max(x, asin(2))' has no real value (column 1)"),
        ("Mod(x, asin(erf(0)))", "has no real value"),
        ("erf(100)**sin(oo)^oo", "has no real value"),
        ("oo - oo", "has no real value"),
        ("1/sin(0)", "has no real value"),
    ],
)
def test_refused_in_one_line(text: str, part: str) -> None:
    with pytest.raises(InputError) as caught:
        to_sympy(parse(text), functions={"sigmoid": lambda e: e})
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_check_calls_accepts_what_is_known() -> None:
    check_calls(parse("sigmoid(x) + tanh(y) + diff(x, x, 2)"), {"sigmoid": (1,), "diff": range(2, 4)})
    with pytest.raises(InputError, match="takes 2 or 3 arguments, got 1"):
        check_calls(parse("diff(x)"), {"diff": range(2, 4)})


arithmetic = st.recursive(
    st.sampled_from(["1", "2", "3", "0.5", "2.25"]),
    lambda parts: st.tuples(parts, st.sampled_from("+-*/"), parts).map(lambda p: f"({p[0]}{p[1]}{p[2]})"),
    max_leaves=8,
)


def text_divides_by_zero(text: str) -> bool:
    """Return whether Python itself finds a division by zero."""
    try:
        eval(re.sub(r"[0-9.]+", lambda match: f"Fraction('{match.group()}')", text), {"Fraction": Fraction})
    except ZeroDivisionError:
        return True
    return False


@settings(deadline=None, max_examples=50)
@given(arithmetic)
def test_rational_constants_agree_with_sympy(text: str) -> None:
    if text_divides_by_zero(text):
        with pytest.raises(InputError, match="division by zero"):
            parse(text)
        return
    node = parse(text)
    value = exact_value(node)
    assert value is not None
    assert to_sympy(node) == sympy.Rational(value.numerator, value.denominator)


def test_constants_become_numbers() -> None:
    assert to_exact(Fraction(1, 3)) == sympy.Rational(1, 3)
    assert to_float(Fraction(1, 3)) == 1 / 3
    assert to_float(parse_constant("sqrt(2)")) == 2**0.5
    with pytest.raises(InputError, match="float64"):
        to_float(Fraction(10**400))


def test_the_deepest_text_converts_or_is_refused() -> None:
    expr = to_sympy(parse("tanh(w*" * 20 + "x" + ")" * 20))
    assert expr.count(sympy.tanh) == 20


def test_recursion_in_sympy_is_a_refusal() -> None:
    def overflow(_: sympy.Expr) -> sympy.Expr:
        raise RecursionError

    with pytest.raises(InputError, match="nested too deeply"):
        to_sympy(parse("f(x)"), functions={"f": overflow})


def test_a_defect_in_the_callers_function_is_not_blamed_on_the_text() -> None:
    def defective(_: sympy.Expr) -> sympy.Expr:
        raise TypeError("a defect")

    with pytest.raises(TypeError, match="a defect"):
        to_sympy(parse("1 + 2*f(x)**2"), functions={"f": defective})


def test_parsing_does_not_load_sympy() -> None:
    code = (
        "import sys; from symgrad.parsing import parse, parse_layers, parse_number, unparse, domain_conditions; "
        "parse('tanh(w*x)'); domain_conditions(parse('log(x)')); parse_number('1/3'); print('sympy' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "False"


def test_unknown_attributes_of_the_room_are_refused() -> None:
    import symgrad.parsing

    with pytest.raises(AttributeError, match="to_numpy"):
        symgrad.parsing.__getattr__("to_numpy")
    assert all(hasattr(symgrad.parsing, name) for name in symgrad.parsing.__all__)
    assert unparse(parse("x")) == "x"
