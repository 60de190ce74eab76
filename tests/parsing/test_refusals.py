"""Whatever is not an expression is refused in one line, at once, with its column."""

import ast
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgrad.errors import InputError
from symgrad.parsing import Limits, Node, parse, parse_layers, parse_relation, walk

MILLISECONDS = 50

REFUSED = {
    "-" * 10**5 + "x": "100001 characters",
    "-" * 2_000 + "x": "column 61 ",
    "+".join(["x"] * 500_000): "999999 characters",
    "+".join(["x"] * 1_251): "column 2501 ",
    "__import__('os').system('x')": "begins with '__'",
    "x.__class__": "column 2 ",
    "(1).real": "column 4 ",
    "lambda x: x": "column 9 ",
    "f'{x}'": "column 2 ",
    "[x for x in y]": "column 1 ",
    "(x:=3)": "column 3 ",
    "x if y else z": "column 3 ",
    "not x": "side by side",
    "9**9**9**9": "beyond 10000",
    "9^9^9^9": "beyond 10000",
    "x\0": "column 2 ",
    "(x": "never closed",
    "x)": "closes nothing",
    "(x]": "cannot close",
    "": "an expression is missing",
    " \t\n": "an expression is missing",
    "t\u0430nh(x)": "CYRILLIC SMALL LETTER A",
    "\u0391": "GREEK CAPITAL LETTER ALPHA",
    "\U0001d431": "write 'x'",
    "\uff58": "write 'x'",
    "x\u00b2": "write ** for a power",
    "x\u2081": "write 'x1'",
    "\u0663": "digits 0-9",
    "\u2212x": "plain minus",
    "x\u202ey": "column 2 ",
    "\ud800": "column 1 ",
    "x # y": "column 3 ",
    "x\\": "column 2 ",
    "'x'": "column 1 ",
    "x @ y": "column 3 ",
    "x % y": "column 3 ",
    "x // y": "column 4 ",
    "x << 2": "column 3 ",
    "x == y": "out of place",
    "x | y": "out of place",
    "x; y": "out of place",
    "x, y": "outside the arguments",
    "f(x=1)": "out of place",
    "f(*x)": "column 3 ",
    "f(**x)": "column 3 ",
    "f()": "missing before ')'",
    "f(x,)": "missing before ')'",
    "f(x)(y)": "side by side",
    "2(x)": "side by side",
    "2x": "e.g. 2*x",
    "1.2.3": "side by side",
    "1_000": "digits 0-9",
    "0x10": "digits 0-9",
    "x[0]": "x[k]",
    "x[1.5]": "x[k]",
    "x[k+1]": "x[k]",
    "x[j]": "x[k]",
    "x[1:2]": "column 4 ",
    "(x)[k]": "side by side",
    "pi[k]": "constant",
    "E(x)": "constant",
    "w + w[k]": "both as w and as w[k]",
    "1e1001": "exponent",
    "1e99999999999999": "exponent",
    "1" * 401: "401 digits",
    "x" * 101: "101 characters",
    "(" * 61 + "x" + ")" * 61: "column 61 ",
    "x**" * 61 + "x": "60 powers",
    "(-x**" * 50 + "x" + ")" * 50: "nested more than 120",
    "2**5000": "4096 bits",
    "2**4000*2**4000": "4096 bits",
    "+".join(["2**4095"] * 4): "4096 bits",
    "*".join(["99999"] * 400): "4096 bits",
    "(2*x)**9999": "4096 bits",
    "exp(1000)**1000": "4096 bits",
    "(sin(1) - 9)**9999": "4096 bits",
    "x**10001": "beyond 10000",
    "x**-10001": "beyond 10000",
    "2**floor(exp(20))": "beyond 10000",
    "2**(1/(E - 2.718281828459045235360287471352))": "beyond 10000",
    "floor(exp(exp(exp(10))))": "exp of a constant",
    "sinh(sinh(sinh(9)))": "sinh of a constant",
    "cosh(cosh(cosh(9)))": "cosh of a constant",
    "exp(1/(pi - 3.141592653589793238462643383))": "cannot be bounded",
    "1/0": "division by zero",
    "x/(1 - 1)": "division by zero",
    "Mod(x, 1 - 1)": "division by zero",
    "0**-1": "zero to a negative power",
}


@pytest.mark.parametrize(("text", "part"), REFUSED.items(), ids=[ascii(text[:24]) for text in REFUSED])
def test_one_line_and_at_once(text: str, part: str) -> None:
    durations = []
    for _ in range(3):
        begin = time.process_time()
        with pytest.raises(InputError) as caught:
            parse(text)
        durations.append(time.process_time() - begin)
    message = str(caught.value)
    assert part in message
    assert "\n" not in message
    assert "column" in message or "characters" in message
    assert len(message) < 330
    assert min(durations) < MILLISECONDS / 1000


ALPHABET = [
    *"xyk_0123456789.eE+-*/^()[],=<>!|;: \t\n'\"{}@#\\%&~",
    "**",
    "exp(",
    "tanh(",
    "w[k]",
    "pi",
    "E",
    "oo",
    "9**",
]


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(ALPHABET), max_size=25).map("".join)))
def test_any_text_is_a_tree_or_refused(text: str) -> None:
    for read in (parse, parse_layers, parse_relation):
        message = ""
        try:
            read(text)
        except InputError as refused:
            message = str(refused)
        assert "\n" not in message


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (Limits(characters=3), "x + y"),
        (Limits(tokens=3), "x+y+z"),
        (Limits(nesting=1), "((x))"),
        (Limits(signs=1), "--x"),
        (Limits(powers=1), "x**y**z"),
        (Limits(depth=2), "(-(x))"),
        (Limits(name=2), "abc"),
        (Limits(digits=2), "123"),
        (Limits(decimal_exponent=5), "1e6"),
        (Limits(exponent=3), "x**4"),
        (Limits(bits=8), "256 + 1"),
    ],
)
def test_every_limit_is_what_refuses(limit: Limits, text: str) -> None:
    parse(text)
    with pytest.raises(InputError):
        parse(text, limit=limit)


def test_columns_are_those_of_the_original_text() -> None:
    text = "  lambda - if**(w[k] / 2.5)"
    columns = {type(part).__name__: part.column for part in walk(parse(text))}
    assert columns == {
        "Sum": 3,
        "Name": 12,
        "Negative": 10,
        "Power": 12,
        "Product": 17,
        "Indexed": 17,
        "Reciprocal": 22,
        "Number": 24,
    }


def test_stack_overflow_of_the_grammar_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(*_: object, **__: object) -> Node:
        raise RecursionError

    monkeypatch.setattr("symgrad.parsing.reading.ast.parse", overflow)
    with pytest.raises(InputError, match="fewer nested parts"):
        parse("x")


PLANTED = [
    "_0._2",
    "_0(_2=_4)",
    "_0 @ _2",
    "_0 // _2",
    "not _0",
    "lambda: _0",
    "[_0]",
    "{_0}",
    "'s'",
    "1",
    "_0(*_2)",
    "_0(_2)(_4)",
    "_0 if _2 else _4",
    "[_0 for _0 in _2]",
    "(_0 := _2)",
    "_0 < _2",
    "_0 and _2",
    "await_(_2).x",
    "f'{_0}'",
]


@pytest.mark.parametrize("planted", PLANTED)
def test_whitelist_refuses_what_the_arrangement_would_let_through(
    planted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = ast.parse(planted, mode="eval")
    monkeypatch.setattr("symgrad.parsing.reading.ast.parse", lambda *_, **__: tree)
    with pytest.raises(InputError, match="is not part of the grammar"):
        parse("x+" * 30 + "x")


@pytest.mark.parametrize("text", ["nan*x", "x + Inf", "infinity"])
def test_names_that_read_like_no_number_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a finite number") as found:
        parse(text)
    assert "\n" not in str(found.value)
