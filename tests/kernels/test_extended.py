"""The interpreter against mpmath with unlimited exponents, from 2**-100000 to 2**100000."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mp
from sympy.codegen.cfunctions import expm1, log1p

from symgrad.errors import InputError
from symgrad.kernels.extended import OPERATIONS, evaluate_extended
from symgrad.kernels.signed_log import SignedLog
from symgrad.kernels.stable import STABLE
from symgrad.maps import ACTIVATIONS, activation, unregister
from symgrad.maps import step as indicator
from symgrad.symbols import x, y

HEIGHTS = [
    -100_000,
    -1500,
    -1010,
    -700,
    -80,
    -20,
    -4,
    -1,
    0,
    1,
    2,
    3,
    5,
    6,
    7,
    12,
    40,
    70,
    300,
    990,
    1010,
    1500,
    100_000,
]
SIZES = [(0.5 + 0.0625 * (i % 7), height) for i, height in enumerate(HEIGHTS)]
SIGNED = [(sign * m, e) for sign in (1, -1) for m, e in SIZES]
BOUNDED = {sympy.asin, sympy.acos, sympy.atanh}
# exp of these is taken, so the argument has to be a float.
EXPONENTIALS = {sympy.exp, sympy.sinh, sympy.cosh, sympy.csch, sympy.sech, expm1}
PERIODIC = {sympy.sin, sympy.cos, sympy.tan, sympy.sec, sympy.csc, sympy.cot}
OTHERS = {sympy.log, log1p, sympy.tanh, sympy.coth, sympy.atan, sympy.asinh, sympy.acosh, sympy.erf, sympy.erfc}
SMOOTH = sorted(EXPONENTIALS | PERIODIC | BOUNDED | OTHERS, key=lambda function: function.__name__)
BY_HAND = {
    log1p: lambda u: mpmath.log1p(u) if abs(u) < 1 else mpmath.log(1 + u),
    expm1: mpmath.expm1,
}


def arrays(parts) -> SignedLog:
    return SignedLog.from_parts([m for m, _ in parts], [e for _, e in parts])


def as_mpf(a: SignedLog, index: int):
    return mpmath.ldexp(mpmath.mpf(float(a.mantissa[index])), int(a.exponent[index]))


def one(expr, **values) -> float:
    """Return the value of one expression at floats."""
    known = {sympy.Symbol(name, real=True): SignedLog.from_float(value) for name, value in values.items()}
    (found,) = evaluate_extended([expr], known)
    return float(found.value)


def domain(function, u) -> bool:
    """Whether the function is real and finite at u and mpmath can compute it."""
    if function in EXPONENTIALS and abs(u) > 1e200:
        return False
    if function in PERIODIC and abs(u) > 1e300:
        return False
    lowest = {sympy.log: 0, sympy.acosh: 1, log1p: -1}
    if function in lowest:
        return u > lowest[function]
    if function is sympy.erfc:
        return u < 1e20
    return function not in BOUNDED or abs(u) < 1


def errors(function) -> dict[tuple[float, int], float]:
    """Return abs(log(found/true)) at each point, over what rounding the argument of an exponential does to it."""
    parts = [p for p in SIGNED if domain(function, mpmath.ldexp(p[0], p[1]))]
    if function is sympy.acosh:
        parts = [*parts, (0.5 + 2.0**-40, 1)]
    (found,) = evaluate_extended([function(x)], {x: arrays(parts)})
    result = {}
    for index, (m, e) in enumerate(parts):
        with mp.workprec(200 + min(1100, abs(e))):
            u = mpmath.ldexp(mpmath.mpf(m), e)
            true = BY_HAND[function](u) if function in BY_HAND else getattr(mpmath, function.__name__)(u)
            allowed = 1 + (abs(u) if function in EXPONENTIALS else u * u if function is sympy.erfc and u > 0 else 0)
            result[m, e] = float(abs(mpmath.log(as_mpf(found, index) / true)) / allowed)
    return result


@pytest.mark.parametrize("function", SMOOTH, ids=lambda function: function.__name__)
def test_functions_from_the_tiniest_to_the_largest_argument(function):
    found = errors(function)
    assert len(found) >= 15
    assert max(found.values()) < 4e-16


def test_every_smooth_function_of_the_table_is_tested():
    by_rule = {sympy.Abs, sympy.sign, sympy.floor, sympy.ceiling, sympy.Mod, sympy.Heaviside, sympy.Min, sympy.Max}
    assert set(OPERATIONS) - set(SMOOTH) == by_rule | {sympy.Add, sympy.Mul, indicator}


def test_an_overflowing_rule_would_be_seen(monkeypatch):
    monkeypatch.setitem(OPERATIONS, sympy.sinh, lambda a: SignedLog.from_float(np.sinh(np.clip(a.value, -700, 700))))
    assert max(errors(sympy.sinh).values()) > 0.01


ALGEBRAIC = [
    x + y,
    x - y / 3 + 7,
    x * y**3 / (1 + x**2),
    sympy.sqrt(x**2 + y**2),
    (x**4 + 1) ** sympy.Rational(-2, 7),
    sympy.Abs(x) ** sympy.pi,
    (1 + sympy.Abs(x)) ** (y / (1 + sympy.Abs(y))),
    sympy.log(1 + x**2) - sympy.E * x + sympy.Rational(10**60, 7 * 10**90 + 1),
    sympy.Float("1.5e-40000", 30) * x + sympy.GoldenRatio,
    sympy.Max(x, y, -3) - sympy.Min(x, 2 * y),
    sympy.Piecewise((x, (x > y) & (y > -1)), (y**2, sympy.Or(x < -5, sympy.Ne(y, 0))), (sympy.Integer(3), True)),
]


@pytest.mark.parametrize("expr", ALGEBRAIC, ids=str)
def test_expressions_of_two_variables(expr):
    pairs = [(p, q) for p in SIGNED[::3] for q in SIGNED[1::4]]
    left, right = (arrays([pair[i] for pair in pairs]) for i in (0, 1))
    (found,) = evaluate_extended([expr], {x: left, y: right})
    function = sympy.lambdify((x, y), expr, modules="mpmath")
    with mp.workprec(2000):
        for index, (p, q) in enumerate(pairs):
            true = mpmath.mpmathify(function(*(mpmath.ldexp(mpmath.mpf(m), e) for m, e in (p, q))))
            with mp.workprec(80):
                got = as_mpf(found, index)
                assert got == true or abs(got / true - 1) <= 4e-15 * (1 + abs(mpmath.log(abs(true))))


@pytest.mark.parametrize("u", [800.0, 1e4, 1e6, -800.0, -1e4, -1e6])
@pytest.mark.parametrize("name", STABLE)
def test_saturated_activations(name, u):
    found = evaluate_extended(STABLE[name].exact, {x: SignedLog.from_float(u)})
    for exact, got in zip(STABLE[name].exact, found, strict=True):
        with mp.workdps(60):
            true = mpmath.mpmathify(sympy.lambdify(x, exact, modules="mpmath")(mpmath.mpf(u)))
            assert int(got.sign) == mpmath.sign(true)
            if true != 0:
                size = mpmath.log(abs(true))
                assert abs(float(got.log_abs) - size) <= 1e-12 * max(abs(size), 1e-3)


@pytest.mark.parametrize(
    ("name", "order", "u", "log_abs"),
    [
        ("tanh", 1, -1e6, math.log(4) - 2e6),
        ("tanh", 2, 1e6, math.log(8) - 2e6),
        ("sigmoid", 0, -1e6, -1e6),
        ("sigmoid", 1, 1e6, -1e6),
        ("sigmoid", 2, -1e6, -1e6),
        ("softplus", 0, -1e6, -1e6),
        ("silu", 1, -1e6, math.log(1e6 - 1) - 1e6),
        ("mish", 1, -1e6, math.log(1e6 - 1) - 1e6),
        ("mish", 2, 1e6, math.log(8e6 - 8) - 2e6),
        ("gelu", 2, -1e6, math.log(1e12 - 2) - math.log(2 * math.pi) / 2 - 5e11),
        ("erf", 1, 1e6, math.log(2 / math.sqrt(math.pi)) - 1e12),
        ("elu", 1, -1e6, -1e6),
    ],
)
def test_saturation_follows_its_known_asymptotics(name, order, u, log_abs):
    (found,) = evaluate_extended([STABLE[name].exact[order]], {x: SignedLog.from_float(u)})
    assert math.isclose(float(found.log_abs), log_abs, rel_tol=1e-14)


def test_arguments_beyond_float64_saturate_or_are_undefined():
    huge = SignedLog.from_parts([0.5, -0.5], 100_000)
    exprs = [sympy.tanh(x), sympy.erf(x), sympy.atan(x), sympy.sin(x), sympy.exp(-(x**2)), sympy.erfc(x)]
    tanh, erf, atan, sin, bell, erfc = evaluate_extended(exprs, {x: huge})
    assert tanh.value.tolist() == erf.value.tolist() == [1.0, -1.0]
    assert atan.value.tolist() == [math.pi / 2, -math.pi / 2]
    assert np.isnan(sin.value).all()
    assert bell.sign.tolist() == [1, 1]
    assert bell.log_abs.tolist() == [-math.inf, -math.inf]
    assert erfc.sign.tolist() == [1, 1]
    assert erfc.value.tolist() == [0.0, 2.0]
    for name in ("tanh", "sigmoid", "softplus", "silu", "mish", "elu", "erf", "atan", "softsign"):
        for form in evaluate_extended(STABLE[name].exact, {x: huge}):
            assert not np.isnan(form.mantissa).any()


@pytest.mark.parametrize(
    ("expr", "value", "expected"),
    [
        (sympy.floor(x), -0.5, -1.0),
        (sympy.ceiling(x), -0.5, 0.0),
        (sympy.Mod(x, 3), -0.5, 2.5),
        (sympy.sign(x), -7.0, -1.0),
        (sympy.Abs(x), -7.0, 7.0),
        (sympy.Heaviside(x), 0.0, 0.5),
        (indicator(x), 0.0, 0.0),
        (indicator(x), 2.0, 1.0),
        (sympy.acosh(x), 0.5, math.nan),
        (sympy.asin(x), 1.5, math.nan),
        (sympy.log(x), 0.0, -math.inf),
        (sympy.log(x), -1.0, math.nan),
        (1 / x, 0.0, math.nan),
        (sympy.sqrt(x), -1.0, math.nan),
        (x**x, -3.0, -1 / 27),
        (sympy.Piecewise((1, x > 0)), -1.0, math.nan),
        (sympy.Piecewise((1, sympy.Not(sympy.Eq(x, 2), evaluate=False)), (5, True)), 2.0, 5.0),
        (sympy.Piecewise((1, x <= 2), (5, True)), 2.0, 1.0),
        (sympy.Piecewise((1, x >= 2), (5, True)), 2.0, 1.0),
        (x + sympy.oo, 2.0, math.inf),
        (x * sympy.nan, 2.0, math.nan),
    ],
)
def test_steps_kinks_and_edges_of_domains(expr, value, expected):
    assert np.isclose(one(expr, x=value), expected, rtol=1e-15, equal_nan=True)


def test_an_undefined_condition_makes_the_result_undefined():
    assert math.isnan(one(STABLE["relu"].exact[0], x=math.nan))
    assert math.isnan(one(sympy.Piecewise((1, (x > 0) & (y > 0)), (2, True)), x=math.nan, y=1.0))
    assert one(sympy.Piecewise((1, y > 0), (2, x > 0), (3, True)), x=math.nan, y=1.0) == 1.0


def test_activations_are_evaluated_by_their_exact_forms():
    functions = [row.function for name, row in ACTIVATIONS.items() if name in STABLE]
    found = evaluate_extended([f(x) for f in functions], {x: SignedLog.from_float([-1e5, 0.5])})
    for function, got in zip(functions, found, strict=True):
        (exact,) = evaluate_extended([STABLE[function.__name__].exact[0]], {x: SignedLog.from_float([-1e5, 0.5])})
        assert np.array_equal(got.log_abs, exact.log_abs)


def test_an_activation_of_the_user_is_evaluated_by_its_formula():
    @activation(latex="f", lipschitz=1)
    def bent(u):
        """Half a softplus."""
        return sympy.log(1 + sympy.exp(u)) / 2

    try:
        assert math.isclose(one(bent(x), x=1e5), 5e4)
    finally:
        unregister("bent")


def test_shared_subexpressions_are_computed_once(monkeypatch):
    calls = []
    monkeypatch.setitem(OPERATIONS, sympy.sin, lambda a: calls.append(a) or a)
    expr = x
    for _ in range(40):
        expr = sympy.sin(expr) * sympy.cos(expr)
    evaluate_extended([expr, sympy.sin(x) + 1], {x: SignedLog.from_float(0.3)})
    assert len(calls) == 40


def test_results_have_the_broadcast_shape_of_all_values():
    values = {x: SignedLog.from_float(np.ones((3, 1))), y: SignedLog.from_float([1.0, 2.0])}
    results = evaluate_extended([x + y, x, sympy.Integer(2)], values)
    assert [r.shape for r in results] == [(3, 2)] * 3
    assert evaluate_extended([sympy.pi], {})[0].shape == ()


@pytest.mark.parametrize(("p", "q"), [(1, 3), (10**5000, 3), (-(7**3000), 11**9000)], ids=["third", "huge", "tiny"])
def test_rational_constants_are_rounded_once(p, q):
    (found,) = evaluate_extended([sympy.Rational(p, q)], {})
    with mp.workprec(100):
        ratio = mpmath.mpf(p) / mpmath.mpf(q)
        assert abs(mpmath.ldexp(mpmath.mpf(float(found.mantissa)), int(found.exponent)) / ratio - 1) <= 2.0**-53
    assert Fraction(float(one(sympy.Rational(1, 3)))) == Fraction(1 / 3)


def test_what_cannot_be_evaluated_is_refused():
    with pytest.raises(InputError, match="symbol x has no value"):
        evaluate_extended([x + 1], {})
    with pytest.raises(InputError, match="no arithmetic with unlimited exponents for gamma"):
        evaluate_extended([sympy.gamma(x)], {x: SignedLog.from_float(1.0)})
    with pytest.raises(InputError, match="only real numbers"):
        evaluate_extended([sympy.I * x], {x: SignedLog.from_float(1.0)})


@pytest.mark.parametrize("name", ["softplus", "silu", "gelu", "mish", "relu", "elu"])
def test_a_rectifier_keeps_a_number_beyond_float64(name: str) -> None:
    large = SignedLog.from_parts(0.75, [2000.0, 60000.0])
    value, slope = evaluate_extended(STABLE[name].exact[:2], {x: large})
    assert (value.mantissa == large.mantissa).all()
    assert (value.exponent == large.exponent).all()
    assert (slope.value == 1.0).all()
