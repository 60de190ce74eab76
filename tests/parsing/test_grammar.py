"""The grammar is Python's arithmetic, read exactly, and its canonical text reads back."""

import re
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symgrad.errors import InputError
from symgrad.parsing import (
    Call,
    Indexed,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Reciprocal,
    Sum,
    calls,
    exact_value,
    indexed_names,
    names,
    parse,
    parse_layers,
    parse_relation,
    unparse,
)

numbers = st.one_of(
    st.integers(0, 99).map(str),
    st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda p: f"{p[0]}.{p[1]}"),
    st.tuples(st.integers(0, 99), st.integers(-12, 12)).map(lambda p: f"{p[0]}e{p[1]}"),
)
atoms = st.one_of(numbers, st.sampled_from(["x", "lambda", "β", "w[k]", "u[3]", "pi", "E", "oo", "if"]))


def compound(parts: st.SearchStrategy[str], functions: bool) -> st.SearchStrategy[str]:
    operators = st.sampled_from([" + ", "-", "*", " /", "**", "^"])
    made = [
        st.tuples(parts, operators, parts).map("".join),
        st.tuples(st.sampled_from("+-"), parts).map("".join),
        parts.map(lambda part: f"({part})"),
    ]
    if functions:
        made.append(parts.map(lambda part: f"tanh({part})"))
        made.append(st.tuples(parts, parts).map(lambda pair: f"Mod({pair[0]}, {pair[1]})"))
    return st.one_of(*made)


texts = st.recursive(atoms, lambda parts: compound(parts, functions=True), max_leaves=12)
arithmetic = st.recursive(st.integers(0, 9).map(str), lambda parts: compound(parts, functions=False), max_leaves=8)


def tree(text: str) -> Node:
    """Return the tree of a text that was made to be read; skip those whose constants are too large."""
    sizes = "bits|beyond|cannot be bounded|division by zero|negative power|both as"
    try:
        return parse(text)
    except InputError as refused:
        message = str(refused)
    assert re.search(sizes, message), message
    assume(False)
    raise AssertionError("assume always stops the example")


@settings(deadline=None)
@given(texts)
def test_canonical_text_reads_back_as_an_equal_tree(text: str) -> None:
    node = tree(text)
    written = unparse(node)
    assert parse(written) == node
    assert hash(parse(written)) == hash(node)
    assert unparse(parse(written)) == written


def python_value(text: str) -> Fraction:
    """Return what Python itself makes of the text, with its numbers as fractions."""
    wrapped = re.sub(r"[0-9]+", lambda match: f"Fraction({match.group()})", text.replace("^", "**"))
    return eval(wrapped, {"Fraction": Fraction})


@settings(deadline=None, max_examples=300)
@given(arithmetic)
def test_precedence_is_pythons(text: str) -> None:
    node = tree(text)
    value = exact_value(node)
    assume(value is not None)
    assert value == python_value(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        ("1e-5", Fraction(1, 100000)),
        ("1E+2", Fraction(100)),
        ("007", Fraction(7)),
        (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("-2**2", Fraction(-4)),
        ("-2^2", Fraction(-4)),
        ("2**-1", Fraction(1, 2)),
        ("2^3^2", Fraction(512)),
        ("8/4/2", Fraction(1)),
        ("8-4-2", Fraction(2)),
        ("2**-2**2", Fraction(1, 16)),
        ("Mod(-7, 3) + abs(-2) + floor(-1/2) + sign(-3) + Min(1, 2) + Max(1, 2)", Fraction(5)),
        ("0**0", Fraction(1)),
    ],
)
def test_numbers_are_exact(text: str, value: Fraction) -> None:
    assert exact_value(parse(text)) == value


def test_nodes_of_every_kind() -> None:
    x, two = Name("x"), Number(Fraction(2))
    assert parse("x - 2/x + f(x, w[k])**2*-x") == Sum(
        (
            x,
            Negative(Product((two, Reciprocal(x)))),
            Product((Power(Call("f", (x, Indexed("w", Name("k")))), two), Negative(x))),
        )
    )
    assert parse("x - y") != parse("y - x")
    assert parse("x") != "x"
    assert parse("a + (b + c)") != parse("a + b + c")


def test_keywords_are_names() -> None:
    for word in ["lambda", "if", "and", "None", "True", "import", "print", "__debug"[1:]]:
        assert parse(word) == Name(word)


def test_names_apart_from_constants_indices_and_functions() -> None:
    node = parse("pi*x + E*w[k]*tanh(b) + oo")
    assert names(node) == {"x", "b"}
    assert indexed_names(node) == {"w"}
    assert calls(node) == {"tanh"}


@pytest.mark.parametrize(
    "text",
    [
        "+".join(["x"] * 1_250),
        "-".join(["x*y"] * 600),
        "/".join(["x"] * 1_250),
        "*".join(f"a{i}" for i in range(1_000)),
        "**".join(["x"] * 61),
        "-" * 60 + "x",
        "(" * 60 + "x" + ")" * 60,
        "tanh(w*" * 60 + "x" + "+b)" * 60,
        "a-b/(" * 60 + "x" + ")" * 60,
    ],
)
def test_long_and_deep_texts_within_the_limits(text: str) -> None:
    node = parse(text)
    assert parse(unparse(node)) == node


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1" + "0" * 399, "1e399"),
        ("1" * 400, "1." + "1" * 399 + "e399"),
        ("0." + "0" * 398 + "1", "1e-399"),
        ("1.25e-1000", "1.25e-1000"),
        ("12.50", "12.5"),
        ("0.00012", "0.00012"),
        ("0.000", "0"),
    ],
)
def test_canonical_numbers(number: str, text: str) -> None:
    assert unparse(parse(number)) == text
    assert parse(text) == parse(number)


def test_layers_and_components() -> None:
    layers = parse_layers("x + y; x*y | tanh(x); y")
    assert [[unparse(node) for node in layer] for layer in layers] == [["x + y", "x*y"], ["tanh(x)", "y"]]
    assert layers[1][0].column == 14


@pytest.mark.parametrize(
    ("text", "column"), [("x |", 4), ("| x", 1), ("x || y", 4), ("x;", 3), ("(x | y)", 4), ("w | w[k]", 1)]
)
def test_layers_refused(text: str, column: int) -> None:
    with pytest.raises(InputError, match=f"column {column} "):
        parse_layers(text)


def test_relations() -> None:
    nodes, relations = parse_relation("-1 < a <= b == c != d >= e > f = g")
    assert relations == ("<", "<=", "=", "!=", ">=", ">", "=")
    assert [unparse(node) for node in nodes] == ["-1", *"abcdefg"]


@pytest.mark.parametrize(
    ("text", "part"),
    [("x", "relation is missing"), ("x <", "column 4 "), ("(x < y)", "relation is missing"), ("= x", "column 1 ")],
)
def test_relations_refused(text: str, part: str) -> None:
    with pytest.raises(InputError, match=part):
        parse_relation(text)
