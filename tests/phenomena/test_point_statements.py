"""The regime of an exact point by fractions agrees with the one by SymPy and balls, wherever fractions decide."""

import random
from fractions import Fraction

import mpmath
import pytest
import sympy

from symgrad.errors import InputError
from symgrad.kernels import to_kernel
from symgrad.maps import ACTIVATIONS, Map, composition_from_text
from symgrad.parsing import parse
from symgrad.phenomena.fraction_ranges import Range, Unknown, value_at
from symgrad.phenomena.multipliers import exact_codes
from symgrad.phenomena.point_statements import (
    CODE,
    OPEN,
    REGIMES,
    PointStatements,
    code_of_power,
    exact_fraction,
    point_statements,
)
from symgrad.sweeps import Sweep
from symgrad.symbols import n

FUNCTIONS = ["exp", "log", "sqrt", "tanh", "sinh", "cosh", "sin", "cos", "erf"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_lies_in_its_range(name: str) -> None:
    rng, exact = random.Random(name), mpmath.MPContext()
    exact.dps = 120
    tree = parse(f"{name}(x)")
    for _ in range(25):
        x = Fraction(rng.randrange(-(10**6), 10**6), rng.choice([10**6, 10**5, 3 * 10**5]))
        x = abs(x) + Fraction(1, 7) if name in ("log", "sqrt") else x
        found = value_at(tree, {"x": x})
        value = getattr(exact, name)(exact.mpf(x.numerator) / x.denominator)
        low, high = (exact.mpf(end.numerator) / end.denominator for end in (found.low, found.high))
        assert low <= value <= high
        assert high - low <= exact.mpf(10) ** -45 * (1 + abs(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("tanh(0) + sin(0) + erf(0) + atan(0)", 0),
        ("exp(0) + cos(0)", 2),
        ("sqrt(9/4) + abs(-1/2)", 2),
        ("Max(1/3, 1/2) - Min(1/3, 1/2)", Fraction(1, 6)),
        ("sign(-3)*floor(7/2)", -3),
        ("(1/2)**-3", 8),
        ("0*tanh(1)", 0),
    ],
)
def test_exact_values_stay_exact(text: str, value: Fraction) -> None:
    assert value_at(parse(text), {}) == Range(Fraction(value), Fraction(value))


@pytest.mark.parametrize(
    "text",
    ["1/x", "log(x)", "gamma_of_x", "exp(x + 10**4)", "2**(x + 1/3)*0 + acosh(2)", "(x + 7**1400)**30"],
)
def test_what_fractions_do_not_enclose_is_unknown(text: str) -> None:
    with pytest.raises(Unknown):
        value_at(parse(text), {"x": Fraction(0)})


@pytest.mark.parametrize(
    "text", ["pi", "E", "sqrt(2)", "exp(-1)/sqrt(pi) + erf(1)/2 + 1/2", "2**(1/3)", "sin(1)*cos(2)"]
)
def test_constants_lie_in_narrow_ranges(text: str) -> None:
    found = value_at(parse(text), {})
    digits = sympy.N(sympy.sympify(text.replace("E", "exp(1)")), 80)
    low, high = (sympy.Rational(end.numerator, end.denominator) for end in (found.low, found.high))
    assert low <= digits <= high
    assert high - low < sympy.Rational(1, 10**45)


@pytest.mark.parametrize(
    ("number", "regime"),
    [
        ("0", "zero"),
        ("1", "constant"),
        ("-1", "alternating"),
        ("-1/2", "vanishing"),
        ("-2", "exploding"),
        ("3", "exploding"),
    ],
)
def test_a_power_has_the_regime_of_its_base(number: str, regime: str) -> None:
    base = Fraction(number)
    assert REGIMES[code_of_power(Range(base, base))].word == regime
    with pytest.raises(Unknown):
        code_of_power(Range(Fraction(9, 10), Fraction(11, 10)))


def by_both(text: str, start: Fraction, parameters: dict[str, Fraction], depth: int) -> tuple[int | None, int]:
    """Return the code by fractions, None where they do not decide, and the code by SymPy."""
    chain = composition_from_text(text, depth=depth)
    kernel = to_kernel(chain)
    outcome = kernel(start, parameters)
    codes = exact_codes(Sweep(kernel, (), (start,), parameters, None, outcome))
    nonzero = bool((outcome.product.mantissa != 0).all())
    try:
        found = point_statements(chain).code({**parameters, "x": start}, nonzero=nonzero)
    except Unknown:
        found = None
    return found, int(codes.reshape(-1)[0])


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_fractions_and_sympy_prove_the_same(name: str) -> None:
    rng = random.Random(name)
    numbers = [Fraction(v) for v in ("0", "1", "-1", "1/2", "2", "-3/2", "1/10", "9/10", "0.7")]
    decided = 0
    for shape in (f"w*{name}(x) + b", f"{name}(w*x + b)", f"{name}(w*x) | w*x + b"):
        for _ in range(3):
            drawn = {"w": rng.choice(numbers), "b": rng.choice([Fraction(0), rng.choice(numbers)])}
            found, code = by_both(shape, rng.choice([Fraction(0), rng.choice(numbers)]), drawn, 5)
            assert found in (None, code)
            decided += found is not None
    assert decided >= 4


@pytest.mark.parametrize(
    ("text", "start", "parameters", "regime"),
    [
        ("w*x + b", "1", {"w": "1", "b": "0"}, "constant"),
        ("w*x + b", "1", {"w": "-1", "b": "1/3"}, "alternating"),
        ("w*x", "1", {"w": "0"}, "zero"),
        ("r*x*(1-x)", "3/4", {"r": "4"}, "exploding"),
        ("r*x*(1-x)", "0", {"r": "1/2"}, "vanishing"),
        ("relu(w*x + b)", "1", {"w": "1", "b": "0"}, "constant"),
        ("relu(w*x)", "0", {"w": "5"}, "zero"),
        ("w*sigmoid(x) + b", "0", {"w": "8", "b": "-4"}, "exploding"),
        ("gelu(w*x)", "1", {"w": "1/2"}, "vanishing"),
        ("x**2 - 3/4", "-1/2", {}, "alternating"),
    ],
)
def test_exact_points_are_decided_by_fractions(text: str, start: str, parameters: dict[str, str], regime: str) -> None:
    given = {name: Fraction(value) for name, value in parameters.items()}
    found, code = by_both(text, Fraction(start), given, 6)
    assert found == code == CODE[next(r for r in REGIMES if r.word == regime)]


def test_a_start_next_to_a_fixed_point_is_none() -> None:
    """tanh(2x) = x at 0.95750…: no fraction is that number, and an enclosure tells the nearest floats from it."""
    start = exact_fraction(0.9575040240772687)
    assert start is not None
    assert by_both("tanh(w*x)", start, {"w": Fraction(2)}, 5) == (OPEN, OPEN)


def test_statements_survive_plain_data_and_are_checked() -> None:
    statements = point_statements(Map("tanh(w*x + b)", "x") ** n)
    assert PointStatements.from_data(statements.to_data()) == statements
    for damaged in (None, [], {}, {**statements.to_data(), "bound": 1}, {**statements.to_data(), "slope": "tanh("}):
        with pytest.raises(InputError):
            PointStatements.from_data(damaged)


def test_what_has_no_text_is_left_to_sympy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too long to be read back is no statement."""

    def refuse(_: str) -> None:
        raise InputError("too long")

    monkeypatch.setattr("symgrad.phenomena.point_statements.parse", refuse)
    statements = point_statements(Map("sin(w*x) + 3*x", "x") ** 7)
    assert not statements.written
    with pytest.raises(Unknown):
        statements.code({"x": Fraction(1), "w": Fraction(1)}, nonzero=True)
