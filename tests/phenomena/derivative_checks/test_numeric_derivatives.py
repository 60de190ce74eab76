import math
import types

import numpy as np
import pytest
import scipy.optimize
import scipy.optimize._tstutils as scipy_pairs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.phenomena.derivative_checks.numeric_derivatives import check_gradient


def only(report):
    assert len(report.checks) == 1
    return report.checks[0]


@pytest.fixture(scope="module")
def scipy_report():
    return check_gradient(scipy_pairs)


def test_the_wrong_derivatives_in_scipys_root_finding_tests_are_found_and_no_right_one(scipy_report):
    assert {check.name for check in scipy_report.wrong} == {
        "aps02_fpp",
        "aps09_fpp",
        "aps10_fpp",
        "aps15_fp",
        "aps15_fpp",
    }
    assert {check.verdict for check in scipy_report.checks if check not in scipy_report.wrong} == {Verdict.SUPPORTED}
    assert {f"aps{k:02}_fp" for k in range(1, 16)} < {check.name for check in scipy_report.checks}


def test_aps15_is_wrong_only_outside_its_narrow_interval(scipy_report):
    for check in scipy_report.wrong:
        if check.name.startswith("aps15"):
            (n,) = check.arguments
            assert check.agreed > 100
            assert not 0 <= check.point <= 0.002 / (1 + n)
            assert check.given == pytest.approx(math.e - 1.859)
            assert abs(check.measured) <= check.error < 1e-6


def test_the_numbers_that_are_reported_are_the_true_ones(scipy_report):
    found = {check.name: check for check in scipy_report.wrong}
    assert found["aps02_fpp"].measured == pytest.approx(-found["aps02_fpp"].given, rel=1e-6)
    x, (n,) = found["aps09_fpp"].point, found["aps09_fpp"].arguments
    assert found["aps09_fpp"].measured == pytest.approx(-12 * n**2 * (1 - n * x) ** 2, rel=1e-6)
    x, (n,) = found["aps10_fpp"].point, found["aps10_fpp"].arguments
    right = math.exp(-n * x) * (-n * (1 - n * (x - 1)) - n) + n * (n - 1) * x ** (n - 2)
    assert found["aps10_fpp"].measured == pytest.approx(right, rel=1e-6)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_seed_does_not_matter_for_the_finding(seed, scipy_report):
    names = [check.name for check in check_gradient(scipy_pairs, seed=seed).wrong]
    assert names == [check.name for check in scipy_report.wrong]


def sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


WRONG = {
    "sign": (np.cos, np.sin),
    "factor": (lambda x: np.exp(2 * x), lambda x: np.exp(2 * x)),
    "missing term": (lambda x: x * np.exp(x), lambda x: x * np.exp(x)),
    "constant off by 1e-4": (lambda x: x**3, lambda x: 3.0003 * x**2),
    "chain rule": (lambda x: np.sin(x * x), lambda x: np.cos(x * x)),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * (1 + sigmoid(x))),
    "wrong beyond 2": (np.tanh, lambda x: 1 - np.tanh(x) ** 2 if x < 2 else 0.5),
    "wrong near zero only": (np.sin, lambda x: np.cos(x) if abs(x) > 1e-4 else 0.9),
    "right on one side of zero only": (np.abs, lambda x: 1.0),
    "outside the slopes at a kink": (np.abs, lambda x: np.sign(x) if x else 5.0),
    "wrong at zero only": (np.sin, lambda x: np.cos(x) if x else 0.0),
    "fast oscillation": (lambda x: np.sin(1e6 * x), lambda x: -1e6 * np.cos(1e6 * x)),
    "under a large constant": (lambda x: np.tanh(x) + 1e5, lambda x: 0.5 / np.cosh(x) ** 2),
    "constant": (lambda x: 3.0, lambda x: 1e-3),
}


@pytest.mark.parametrize("name", WRONG)
def test_planted_faults_are_found(name):
    function, derivative = WRONG[name]
    check = only(check_gradient(function, derivative))
    assert check.verdict is Verdict.REFUTED
    assert abs(check.given - check.measured) > 10 * check.error
    assert repr(check.point) in check.statement


def bump(x, centre=0.3, width=1e-3):
    return math.exp(-(((x - centre) / width) ** 2))


def test_a_narrow_fault_near_a_named_point_is_found_and_placed():
    def slope(x):
        return math.cos(x) + (0.1 if abs(x - 0.3) < 1e-3 else 0.0)

    check = only(check_gradient(math.sin, slope, near=[0.3]))
    assert check.verdict is Verdict.REFUTED
    assert all(abs(x - 0.3) < 1e-3 for x in check.wrong_at)


def test_a_derivative_that_leaves_out_a_narrow_bump_is_wrong():
    check = only(check_gradient(lambda x: x + bump(x), lambda x: 1.0, near=[0.3]))
    assert check.verdict is Verdict.REFUTED
    assert all(abs(x - 0.3) < 1e-2 for x in check.wrong_at)


RIGHT = {
    "exp(50x)": (lambda x: np.exp(50 * x), lambda x: 50 * np.exp(50 * x)),
    "sin(1e6 x)": (lambda x: np.sin(1e6 * x), lambda x: 1e6 * np.cos(1e6 * x)),
    "sin(1/x)": (lambda x: np.sin(1 / x), lambda x: -np.cos(1 / x) / x**2),
    "cube root of a real": (np.cbrt, lambda x: 1 / (3 * np.cbrt(x) ** 2)),
    "x**(1/3)": (lambda x: x ** (1 / 3), lambda x: x ** (-2 / 3) / 3),
    "abs": (np.abs, np.sign),
    "abs, right slope": (np.abs, lambda x: 1.0 if x >= 0 else -1.0),
    "relu": (lambda x: max(x, 0.0), lambda x: float(x > 0)),
    "relu, slope 1/2": (lambda x: max(x, 0.0), lambda x: 0.5 if x == 0 else float(x > 0)),
    "leaky": (lambda x: 1e8 + max(x, 0.01 * x), lambda x: 1.0 if x > 0 else 0.01),
    "piecewise": (lambda x: x * x if x < 1 else 3 - x, lambda x: 2 * x if x < 1 else -1.0),
    "floor": (np.floor, lambda x: 0.0),
    "cancelling (1 + x) - 1": (lambda x: (1 + x) - 1, lambda x: 1.0),
    "cancelling expm1 over x": (
        lambda x: (np.exp(x) - 1) / x,
        lambda x: (np.exp(x) * (x - 1) + 1) / x**2 if abs(x) > 1e-3 else 0.5 + x / 3 + x * x / 8,
    ),
    "far from the origin": (lambda x: 1e16 + x, lambda x: 1.0),
    "single precision": (lambda x: float(np.float32(np.sin(x))), lambda x: float(np.float32(np.cos(x)))),
    "expanded (x-1)**7": (lambda x: np.polyval([1, -7, 21, -35, 35, -21, 7, -1], x), lambda x: 7 * (x - 1) ** 6),
    "flat exp(-1/x**2)": (
        lambda x: np.exp(-1 / x**2) if x else 0.0,
        lambda x: 2 / x**3 * np.exp(-1 / x**2) if x else 0.0,
    ),
    "poles": (np.tan, lambda x: 1 + np.tan(x) ** 2),
    "log": (np.log, lambda x: 1 / x),
    "power 1.05": (lambda x: np.sign(x) * np.abs(x) ** 1.05, lambda x: 1.05 * np.abs(x) ** 0.05),
    "x log x": (lambda x: x * np.log(x) if x else 0.0, lambda x: np.log(x) + 1),
    "steep tanh": (lambda x: np.tanh(1e9 * x), lambda x: 1e9 * (1 - np.tanh(1e9 * x)) * (1 + np.tanh(1e9 * x))),
    "treads of a few units in the last place": (lambda x: np.floor(np.exp(x)), lambda x: 0.0),
    "treads of a millionth": (lambda x: np.floor(37e6 * x), lambda x: 0.0),
    "a derivative that underflows": (lambda x: 1 / np.exp(x), lambda x: -1 / np.exp(x) ** 2 * np.exp(x)),
    "oscillation below the smallest step": (lambda x: np.sin(1e12 * x**2), lambda x: 2e12 * x * np.cos(1e12 * x**2)),
    "steep at zero": (lambda x: np.arctan(1e18 * x), lambda x: 1e18 / (1 + (1e18 * x) ** 2)),
    "steeper than the smallest step": (lambda x: np.arctan(1e29 * x), lambda x: 1e29 / (1 + (1e29 * x) ** 2)),
    "saturated": (lambda x: np.log(np.tanh(x)), lambda x: 1 / np.cosh(x) / np.sinh(x)),
    "next to a pole": (lambda x: (x - 1) ** -3.0, lambda x: -3 * (x - 1) ** -4.0),
    "rounded to six digits": (lambda x: round(float(x), 6), lambda x: 1.0),
    "two scales": (lambda x: np.sin(x) + 1e-9 * np.sin(1e9 * x), lambda x: np.cos(x) + np.cos(1e9 * x)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_derivatives_are_never_accused(name):
    function, derivative = RIGHT[name]
    for seed in range(2):
        report = check_gradient(function, derivative, seed=seed, near=[1.0], intervals=[(-1.0, 2.0)])
        assert not report.wrong, str(report)


def test_kinks_and_jumps_are_named():
    kinks = only(check_gradient(np.abs, np.sign)).kinks
    assert [(kink.point, kink.left, kink.right) for kink in kinks] == [(0.0, pytest.approx(-1), pytest.approx(1))]
    jumps = only(check_gradient(np.sign, lambda x: 0.0)).kinks
    assert [(kink.point, kink.jump) for kink in jumps] == [(0.0, 2.0)]


def test_points_outside_the_domain_are_counted_not_judged():
    check = only(check_gradient(math.log, lambda x: 1 / x))
    assert check.verdict is Verdict.SUPPORTED
    assert check.skipped > 10
    assert only(check_gradient(math.log, lambda x: 1 / x, [-1.0, -2.0])).verdict is Verdict.UNDECIDED


def test_second_derivatives_are_measured_from_the_function_where_the_first_is_wrong():
    report = check_gradient(np.sin, np.sin, second=lambda x: -np.sin(x))
    assert [check.verdict for check in report.checks] == [Verdict.REFUTED, Verdict.SUPPORTED]
    report = check_gradient(np.sin, np.cos, second=np.sin)
    assert [check.verdict for check in report.checks] == [Verdict.SUPPORTED, Verdict.REFUTED]
    assert report.wrong[0].order == 2


def test_gradients_jacobians_and_hessians():
    points = np.random.default_rng(0).normal(size=(5, 4))
    rosen = scipy.optimize.rosen, scipy.optimize.rosen_der
    report = check_gradient(*rosen, points, second=scipy.optimize.rosen_hess)
    assert [check.verdict for check in report.checks] == [Verdict.SUPPORTED, Verdict.SUPPORTED]

    def faulty(x):
        slopes = scipy.optimize.rosen_der(x)
        slopes[2] += 200 * x[1]
        return slopes

    wrong = only(check_gradient(rosen[0], faulty, points))
    assert wrong.verdict is Verdict.REFUTED
    assert wrong.component == (0, 2)
    assert wrong.given - wrong.measured == pytest.approx(200 * wrong.point[1], rel=1e-5)

    def polar(x):
        return np.array([x[0] * np.cos(x[1]), x[0] * np.sin(x[1])])

    def polar_jacobian(x):
        return np.array([[np.cos(x[1]), -x[0] * np.sin(x[1])], [np.sin(x[1]), x[0] * np.cos(x[1])]])

    assert check_gradient(polar, polar_jacobian, points[:, :2]).verdict is Verdict.SUPPORTED
    transposed = only(check_gradient(polar, lambda x: polar_jacobian(x).T, points[:, :2]))
    assert transposed.verdict is Verdict.REFUTED


def test_a_namespace_with_the_usual_names_and_extra_arguments():
    names = types.SimpleNamespace(
        f=lambda x, n: x**n,
        fprime=lambda x, n: n * x ** (n - 1),
        fprime2=lambda x, n: n * x ** (n - 2),
        g=np.sin,
        grad_g=np.cos,
        broken=lambda x: x["a"],
        broken_prime=lambda x: x,
    )
    found = {check.name: check.verdict for check in check_gradient(names).checks}
    assert found == {
        "fprime": Verdict.SUPPORTED,
        "fprime2": Verdict.REFUTED,
        "grad_g": Verdict.SUPPORTED,
        "broken_prime": Verdict.UNDECIDED,
    }
    assert check_gradient(lambda x, n: x**n, lambda x, n: n * x ** (n - 1), args=(5,)).verdict is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.sin,), {}, "a function and its gradient are needed"),
        ((np.sin, np.cos, ["a"]), {}, "points must be numbers"),
        ((np.sin, np.cos, [np.nan]), {}, "points must be finite"),
        ((np.sin, np.cos), {"factor": 1.0}, "factor must be at least 2"),
        ((types.SimpleNamespace(h=np.sin),), {}, "no function with a derivative"),
        ((types.SimpleNamespace(f=np.sin, df=np.cos), np.cos), {}, "either a module or callables"),
        ((np.sum, lambda x: np.ones(3), np.ones((1, 2))), {}, "needs 2 entries, got 3"),
        ((lambda x: np.ones(2), np.cos), {}, "returned 2 numbers for one"),
    ],
)
def test_unusable_input_is_refused(arguments, options, message):
    with pytest.raises(InputError, match=message):
        check_gradient(*arguments, **options)


coefficients = st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=1, max_size=8)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(coefficients)
def test_random_polynomials_are_never_accused(numbers):
    right = np.polyder(np.array(numbers)) if len(numbers) > 1 else np.zeros(1)
    report = check_gradient(lambda x: np.polyval(numbers, x), lambda x: np.polyval(right, x))
    assert not report.wrong, str(report)


OUTER = [
    (np.sin, np.cos),
    (np.exp, np.exp),
    (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    (np.arctan, lambda x: 1 / (1 + x * x)),
    (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    (np.abs, np.sign),
    (lambda x: 1 / x, lambda x: -1 / x**2),
    (lambda x: 37.0 * x - 2.0, lambda x: 37.0),
    (lambda x: x * x, lambda x: 2 * x),
    (np.log, lambda x: 1 / x),
]


def composed(indices):
    def value(x):
        for index in indices:
            x = OUTER[index][0](x)
        return x

    def slope(x):
        product = 1.0
        for index in indices:
            product = product * OUTER[index][1](x)
            x = OUTER[index][0](x)
        return product

    return value, slope


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, len(OUTER) - 1), min_size=1, max_size=4), st.integers(0, 100))
def test_random_compositions_are_never_accused(indices, seed):
    report = check_gradient(*composed(indices), seed=seed)
    assert not report.wrong, str(report)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.floats(0.01, 10), st.floats(-3, 3), st.floats(1e-3, 1))
def test_a_wrong_factor_is_always_found(frequency, phase, fault):
    report = check_gradient(
        lambda x: np.sin(frequency * x + phase), lambda x: (1 + fault) * frequency * np.cos(frequency * x + phase)
    )
    assert report.verdict is Verdict.REFUTED
