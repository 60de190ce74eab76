"""The conditions under which a text has a real value, read before anything simplifies it."""

import pytest

from symgrad.parsing import Condition, denominators, domain_conditions, parse, unparse

N, P, R = Condition.NONZERO, Condition.POSITIVE, Condition.REAL_POWER
CASES = {
    "x + 2*y": [],
    "x/x": [("x", N)],
    "1/3 + x/2": [],
    "x**-2": [("x", N)],
    "x**2": [],
    "x**(1/2)": [("x", Condition.NONNEGATIVE)],
    "x**(-1/2)": [("x", P)],
    "x**(1/3)": [("x", Condition.NONNEGATIVE)],
    "x**(2/2)": [],
    "x**pi": [("x", Condition.NONNEGATIVE)],
    "x**-pi": [("x", P)],
    "a**n": [("a**n", R)],
    "2**x": [],
    "E**x": [],
    "(-2)**x": [("(-2)**x", R)],
    "log(x)": [("x", P)],
    "log(2) + sqrt(3)": [],
    "log(-2)": [("-2", P)],
    "sqrt(x - 1)": [("x - 1", Condition.NONNEGATIVE)],
    "asin(x) + acos(y)": [("x", Condition.WITHIN_ONE), ("y", Condition.WITHIN_ONE)],
    "atanh(x)": [("x", Condition.INSIDE_ONE)],
    "acosh(x)": [("x", Condition.AT_LEAST_ONE)],
    "tan(x)": [("cos(x)", N)],
    "Mod(x, y)": [("y", N)],
    "x/log(y)": [("log(y)", N), ("y", P)],
    "1/x + 1/x": [("x", N)],
    "1/(pi - 3)": [],
    "asin(1/2) + atanh(0.5) + acosh(2)": [],
    "1/cosh(x)": [("cosh(x)", N)],
    "diff(log(x), x)": [("x", P)],
}


@pytest.mark.parametrize(("text", "expected"), CASES.items())
def test_conditions(text: str, expected: list[tuple[str, Condition]]) -> None:
    assert [(unparse(part), condition) for part, condition in domain_conditions(parse(text))] == expected


def test_denominators_are_the_parts_that_must_not_vanish() -> None:
    assert [unparse(part) for part in denominators(parse("1/x + y**-1 + log(z)"))] == ["x", "y"]


def test_opaque_functions_are_not_looked_into() -> None:
    node = parse("sum(1/k, k, 1, n) + 1/x")
    assert [unparse(part) for part in denominators(node, opaque=("sum",))] == ["x"]
    assert [unparse(part) for part in denominators(node)] == ["k", "x"]


def test_every_condition_is_a_sentence() -> None:
    assert all(condition.value.startswith("must be") or "must" in condition.value for condition in Condition)
