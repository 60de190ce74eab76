"""A ball contains its value, an undefined point is refused, and precision is left as it was."""

import threading
from fractions import Fraction

import flint
import mpmath
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import (
    I,
    Max,
    Min,
    Mod,
    Piecewise,
    Product,
    S,
    Sum,
    Symbol,
    acosh,
    asin,
    atan2,
    atanh,
    ceiling,
    cos,
    cosh,
    erf,
    exp,
    floor,
    gamma,
    log,
    pi,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)

from symgrad.certify import Ball, UndefinedHere, enclose, separates_zero
from symgrad.maps import ACTIVATIONS

x, y = sympy.symbols("x y", real=True)
k = Symbol("k", integer=True)
SMOOTH = [
    exp(x) * y - x / 3,
    sin(x) ** 3 + cos(y),
    tanh(x * y) + sinh(x) / cosh(y),
    sqrt(1 + x**2) ** 3,
    log(1 + x**2) * erf(y),
    sympy.atan(x) - sympy.asinh(y),
    Max(x, y, pi) * Min(x, 1),
    abs(x - y) + sign(x) * floor(y) + ceiling(x),
    Mod(x, Fraction(7, 10)) + Piecewise((x**2, x > y), (y, True)),
    (1 + x**2) ** y,
    2**x,
    *(row.function(x) for row in ACTIVATIONS.values()),
]
rationals = st.fractions(min_value=-6, max_value=6, max_denominator=50)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(SMOOTH), rationals, rationals, st.sampled_from([53, 64, 200]))
def test_a_ball_contains_the_value_to_sixty_digits(expr: sympy.Expr, a: Fraction, b: Fraction, bits: int) -> None:
    ball = enclose(expr, {x: a, y: b}, bits=bits)
    exact = expr.subs({x: sympy.Rational(a), y: sympy.Rational(b)}).evalf(60)
    assert ball.is_known
    lower, upper = (mpmath.mpf(0), mpmath.mpf(0))
    with mpmath.workdps(80):
        middle, radius = (mpmath.mpf(part.str(75, radius=False)) for part in (ball.value.mid(), ball.value.rad()))
        truth = mpmath.mpf(str(exact))
        lower, upper = middle - radius, middle + radius
        slack = abs(truth) * mpmath.mpf(10) ** -55 + mpmath.mpf(10) ** -55
        assert lower - slack <= truth <= upper + slack


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (1 / x, 0),
        (log(x), 0),
        (log(x), -1),
        (sqrt(x), -1),
        (x ** Fraction(1, 3), -8),
        (asin(x), 2),
        (acosh(x), 0),
        (atanh(x), 1),
        (gamma(x), -2),
        (sympy.cot(x), 0),
        (Mod(3, x), 0),
        (1 / (x - x**2), 1),
        (atan2(x, x), 0),
        (Piecewise((1, x > 0)), 0),
        (x**y, -2),
        (Symbol("unknown", real=True) + x, 1),
        (1 / (x + I * x), 0),
    ],
)
def test_an_undefined_point_is_refused(expr: sympy.Expr, value: int) -> None:
    with pytest.raises(UndefinedHere):
        enclose(expr, {x: value, y: Fraction(1, 2)})


def test_rational_operations_stay_exact_so_jumps_are_decided() -> None:
    third = Fraction(1, 3)
    assert enclose(floor(3 * x), {x: third}).value == 1
    assert enclose(sign(3 * x - 1), {x: third}).is_zero
    assert enclose(Piecewise((1, 3 * x >= 1), (0, True)), {x: third}).value == 1
    assert enclose(x**k, {x: -2, k: 3}).value == -8


def test_sums_and_products_with_literal_bounds_are_added_up() -> None:
    assert enclose(Sum(k, (k, 1, x)), {x: 100}).value == 5050
    assert enclose(Product(1 + 1 / k, (k, 1, 9)), {}).value == 10
    assert enclose(Sum(k, (k, 1, 0)), {}).is_zero
    with pytest.raises(UndefinedHere):
        enclose(Sum(k, (k, 1, x)), {x: Fraction(1, 2)})


def test_complex_values_are_enclosed_where_the_imaginary_unit_occurs() -> None:
    assert not enclose(exp(I * x) - cos(x) - I * sin(x), {x: 1}).excludes_zero
    assert enclose(exp(I * x) - cos(x), {x: 1}).excludes_zero
    assert enclose(abs(3 + 4 * I * x), {x: 1}).value.real.contains(5)


def test_precision_rises_until_zero_is_separated() -> None:
    tiny = {x: Fraction(1, 10**200)}
    assert separates_zero(exp(x) - 1 - x, tiny) is True
    assert separates_zero(exp(x) - 1 - x, tiny, max_bits=200) is None
    assert separates_zero(sin(x) ** 2 + cos(x) ** 2 - 1, {x: 1}) is None
    assert separates_zero(x - 1, {x: 1}) is False
    assert separates_zero(exp(pi * sqrt(163)) - 262537412640768744, {}) is True


def test_what_overflows_is_unknown_not_wrong() -> None:
    ball = enclose(exp(exp(exp(x))), {x: 1000})
    assert not ball.is_known
    assert not ball.excludes_zero
    assert ball.sign is None


def test_the_sign_of_a_ball() -> None:
    assert [enclose(x, {x: v}).sign for v in (-2, 0, 3)] == [-1, 0, 1]
    assert enclose(sin(x) ** 2 + cos(x) ** 2 - 1, {x: 1}).sign is None
    assert Ball(flint.arb(0)).is_zero


def test_global_precision_is_left_as_it_was() -> None:
    before = flint.ctx.prec
    enclose(exp(x), {x: 1}, bits=1000)
    with pytest.raises(UndefinedHere):
        enclose(log(x), {x: -1}, bits=1000)
    assert flint.ctx.prec == before


def test_threads_do_not_disturb_one_another() -> None:
    wide: list[bool] = []

    def work(bits: int) -> None:
        for _ in range(30):
            ball = enclose(exp(x), {x: Fraction(1, 3)}, bits=bits)
            wide.append(ball.value.rel_accuracy_bits() < bits - 10)

    threads = [threading.Thread(target=work, args=(bits,)) for bits in (64, 1000, 3000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(wide)
    assert len(wide) == 90


def test_tan_at_a_rational_point_and_constants() -> None:
    assert enclose(tan(x), {x: 1}).text(10) == "1.557407725"
    constants = enclose(S.GoldenRatio + S.EulerGamma + S.Catalan + S.Exp1 + pi, {})
    assert float(constants.text(15)) == pytest.approx(
        float(mpmath.phi + mpmath.euler + mpmath.catalan + mpmath.e + mpmath.pi)
    )


def test_the_index_of_a_sum_is_not_the_symbol_of_that_name_outside() -> None:
    k = Symbol("k", real=True)
    part = sympy.Max(k**2, 0)
    found = enclose(part + part * sympy.Sum(part, (k, 1, 3)), {k: Fraction(2)})
    assert float(found.value) == 4 + 4 * 14


def test_a_part_of_the_expression_may_be_given_a_value_of_its_own() -> None:
    x = Symbol("x", real=True)
    assert float(enclose(exp(x) + x, {exp(x): Fraction(3), x: Fraction(1)}).value) == 4
