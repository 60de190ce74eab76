"""Each stable form against its activation's formula, differentiated by SymPy and evaluated with 50 digits and more."""

import inspect
import math

import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mp
from scipy import special

from symgrad.errors import InputError
from symgrad.kernels.stable import STABLE
from symgrad.maps import ACTIVATIONS, differentiate, expand_activations
from symgrad.symbols import x

LARGE = np.array([1e4, 1e8, 1e30, 1e154, 1e300])
EDGES = [19.0, 37.5, 38.4, 354.2, 708.3, 709.0]
SIGNED = np.concatenate([np.logspace(-300, -4, 13), np.logspace(-3, 3.04, 91), EDGES, LARGE])
POINTS = np.sort(np.concatenate([-SIGNED, SIGNED]))
ORDERS = [(name, order) for name in STABLE for order in range(3)]

# These derivatives have zeros away from the origin. For |x| < 5 the tolerance is relative to f plus the change that a
# relative step of 1 in x makes, |f| + |x f'|.
INTERIOR_ZEROS = {(name, order) for name in ("gelu", "silu", "mish") for order in (1, 2)}
# Their derivatives reach their limits within rounding before 1e4.
SETTLED = {"tanh", "sigmoid", "elu", "selu", "softplus", "gelu", "silu", "mish", "erf"}
# Limits at -inf and +inf of value, first and second derivative.
RISING = ((0.0, math.inf), (0.0, 1.0), (0.0, 0.0))
FLAT = ((-1.0, 1.0), (0.0, 0.0), (0.0, 0.0))
SELU_SCALE, SELU_LEFT = 1.0507009873554805, 1.7580993408473768
LIMITS = {
    "identity": ((-math.inf, math.inf), (1.0, 1.0), (0.0, 0.0)),
    "tanh": FLAT,
    "sigmoid": ((0.0, 1.0), (0.0, 0.0), (0.0, 0.0)),
    "relu": RISING,
    "leaky_relu": ((-math.inf, math.inf), (0.01, 1.0), (0.0, 0.0)),
    "elu": ((-1.0, math.inf), (0.0, 1.0), (0.0, 0.0)),
    "selu": ((-SELU_LEFT, math.inf), (0.0, SELU_SCALE), (0.0, 0.0)),
    "softplus": RISING,
    "softsign": FLAT,
    "gelu": RISING,
    "silu": RISING,
    "mish": RISING,
    "erf": FLAT,
    "sin": ((math.nan, math.nan),) * 3,
    "atan": ((-math.pi / 2, math.pi / 2), (0.0, 0.0), (0.0, 0.0)),
    "exp": ((0.0, math.inf),) * 3,
}
AT_ZERO = {
    ("relu", 0): 0.0,
    ("relu", 1): 0.0,
    ("leaky_relu", 1): 0.01,
    ("elu", 1): 1.0,
    ("elu", 2): 1.0,
    ("selu", 1): SELU_LEFT,
    ("selu", 2): SELU_LEFT,
    ("softsign", 1): 1.0,
    ("softsign", 2): 0.0,
}


def points_of(name: str, order: int) -> np.ndarray:
    """Return the points at which a function is compared with its formula."""
    if order == 3:
        return POINTS[np.abs(POINTS) < 5]
    return POINTS[np.abs(POINTS) < LARGE[0]] if name in SETTLED and order > 0 else POINTS


def mpmath_function(expr: sympy.Expr):
    """Return the expression as an mpmath function."""
    expr = expr.replace(sympy.Heaviside, lambda u, *_: sympy.Piecewise((1, u > 0), (0, True)))
    return sympy.lambdify(x, expr, modules="mpmath")


def derivative_of_formula(name: str, order: int):
    """Return the order-th derivative of the activation's own formula, away from its kink, as an mpmath function."""
    expr = expand_activations(ACTIVATIONS[name].formula(x)).replace(sympy.Max, one_sided(1))
    expr = expr.replace(sympy.Min, one_sided(-1))
    for _ in range(order):
        expr = differentiate(expr, x)
    return mpmath_function(expr)


def one_sided(turn: int):
    """Write Max(0, u) and Min(0, u) as cases, which differentiate without a convention."""
    return lambda zero, u: sympy.Piecewise((u, turn * u > 0), (0, True))


def enough_digits(name: str, point: float) -> int:
    """Return the digits with which 1 - tanh(x)**2 and 1 + erf(x) keep 50, or show that no float holds them."""
    size = min(abs(point), 800.0)
    decay = {"gelu": 0.22 * size * size, "tanh": 0.87 * size, "mish": 0.87 * size}.get(name, 0.44 * size)
    return 50 + int(max(0.0, -math.log10(size)) + min(decay, 330.0))


@pytest.fixture(scope="module")
def truth():
    """Each derivative of each formula as a mapping from the point to an mpmath number."""
    found = {}
    for name, order in [*ORDERS, *((name, 3) for name, _ in INTERIOR_ZEROS)]:
        function = derivative_of_formula(name, order)
        found[name, order] = {}
        for point in points_of(name, order):
            with mp.workdps(enough_digits(name, point)):
                found[name, order][point] = mpmath.mpf(function(mpmath.mpf(point)))
    return found


def relative_errors(name: str, order: int, truth) -> np.ndarray:
    """Return the error of each NumPy result whose true value is a normal float, by the scale stated above."""
    errors = []
    for point, true in truth[name, order].items():
        if not 2.3e-308 < abs(true) < 1.79e308:
            continue
        scale = abs(true)
        if (name, order) in INTERIOR_ZEROS and abs(point) < 5:
            scale += abs(point * truth[name, order + 1][point])
        got = float(STABLE[name].numpy[order](np.array([point]))[0])
        errors.append(float(abs(got - true) / scale))
    return np.array(errors)


@pytest.mark.parametrize(("name", "order"), ORDERS)
def test_numpy_form_is_the_formula_s_derivative(name, order, truth):
    errors = relative_errors(name, order, truth)
    expects_values = not (order == 2 and name in {"identity", "relu", "leaky_relu"})
    assert (len(errors) > 30) == expects_values
    assert errors.max(initial=0.0) < 1e-13


def test_a_form_that_cancels_is_caught(truth, monkeypatch):
    fault = STABLE["tanh"].__class__((np.tanh, lambda u: 1 - np.tanh(u) ** 2, np.tanh), STABLE["tanh"].exact)
    monkeypatch.setitem(globals(), "STABLE", {"tanh": fault})
    assert relative_errors("tanh", 1, truth).max() > 0.1


@pytest.mark.parametrize(("name", "order"), ORDERS)
def test_no_float_makes_a_warning(name, order):
    extremes = [0.0, 5e-324, 2.2e-308, 1e-154, 1.0, 40.0, 800.0, 1e154, 1e200, 1.7976931348623157e308, math.inf]
    everything = np.concatenate([POINTS, extremes, np.negative(extremes), [math.nan]])
    before = everything.copy()
    with np.errstate(all="raise", under="ignore"):
        result = STABLE[name].numpy[order](everything)
    assert result.dtype == np.float64
    assert result.shape == everything.shape
    assert np.array_equal(before, everything, equal_nan=True)
    expected_nan = np.isnan(everything) | (np.isinf(everything) if name == "sin" else False)
    assert np.array_equal(np.isnan(result), expected_nan)


@pytest.mark.parametrize(("name", "order"), ORDERS)
def test_infinite_arguments_give_the_limits(name, order):
    found = STABLE[name].numpy[order](np.array([-math.inf, math.inf]))
    assert np.array_equal(found, LIMITS[name][order], equal_nan=True)


@pytest.mark.parametrize("name", sorted(SETTLED))
def test_derivatives_have_reached_their_limits_at_large_arguments(name):
    for order in (1, 2):
        for side, limit in zip((-LARGE, LARGE), LIMITS[name][order], strict=True):
            assert (STABLE[name].numpy[order](side) == limit).all()


@pytest.mark.parametrize(("key", "value"), AT_ZERO.items())
def test_values_at_the_kink_are_as_stated(key, value):
    name, order = key
    assert float(STABLE[name].numpy[order](np.array(0.0))) == value
    assert float(STABLE[name].exact[order].subs(x, 0)) == value


@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.kinks and name in STABLE])
def test_values_at_the_kink_are_those_of_the_activation_table(name):
    for place, value in ACTIVATIONS[name].kinks.items():
        assert sympy.simplify(STABLE[name].exact[1].subs(x, place) - value) == 0


@pytest.mark.parametrize(("name", "order"), ORDERS)
def test_exact_form_is_the_formula_s_derivative(name, order):
    exact, formula = mpmath_function(STABLE[name].exact[order]), derivative_of_formula(name, order)
    for point in (-37.25, -5.5, -1.375, -0.015625, 0.015625, 0.8125, 2.5, 31.0):
        with mp.workdps(60 + enough_digits(name, point)):
            left, right = exact(mpmath.mpf(point)), formula(mpmath.mpf(point))
            assert abs(left - right) <= mpmath.mpf(10) ** -60 * max(abs(left), mpmath.mpf(10) ** -400)


@pytest.mark.parametrize("name", STABLE)
def test_third_derivative_is_the_formula_s(name):
    third, formula = mpmath_function(STABLE[name].derivative(3)), derivative_of_formula(name, 3)
    for point in (-3.5, -0.75, 0.25, 1.125, 6.0):
        with mp.workdps(80):
            assert mpmath.almosteq(third(mpmath.mpf(point)), formula(mpmath.mpf(point)), rel_eps=1e-60, abs_eps=1e-70)


def test_a_negative_order_is_refused():
    with pytest.raises(InputError, match="order of a derivative is 0 or more, got -1"):
        STABLE["tanh"].derivative(-1)


@pytest.mark.parametrize("name", STABLE)
def test_sources_stand_alone(name):
    row = STABLE[name]
    text = "\n\n".join(inspect.getsource(function) for function in {*row.numpy, *row.needs})
    module = {"np": np, "special": special}
    exec(text, module)
    for function in row.numpy:
        alone = module[function.__name__]
        assert np.array_equal(alone(POINTS), function(POINTS), equal_nan=True)


def test_every_activation_of_the_package_has_a_row():
    assert set(STABLE) == {name for name, row in ACTIVATIONS.items() if row.function.__module__ != "__main__"}
