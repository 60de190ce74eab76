"""Arithmetic with unlimited exponents against mpmath, whose exponents are unlimited too."""

import math
import pickle
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from symgrad.errors import InputError
from symgrad.kernels import signed_log
from symgrad.kernels.signed_log import SignedLog

EPS = 2.0**-53
EXAMPLES = settings(deadline=None, max_examples=60)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
MANTISSAS = st.floats(0.5, 1.0, exclude_max=True).flatmap(lambda m: st.sampled_from([m, -m]))
NUMBERS = st.one_of(
    st.tuples(MANTISSAS, st.integers(-100_000, 100_000)),
    st.tuples(MANTISSAS, st.integers(-60, 60)),
    st.just((0.0, 0)),
)


def number(parts):
    return SignedLog.from_parts(*parts)


def exact(parts):
    return mpmath.ldexp(mpmath.mpf(parts[0]), parts[1])


def as_mpf(a: SignedLog):
    assert a.shape == ()
    return mpmath.ldexp(mpmath.mpf(float(a.mantissa)), int(a.exponent))


def error(found: SignedLog, true) -> float:
    """Return the relative error in units of the rounding error 2**-53."""
    if true == 0:
        assert found.sign == 0
        return 0.0
    difference = as_mpf(found) - true
    with mp.workdps(30):
        return float(abs(difference / true)) / EPS


@EXAMPLES
@given(FINITE)
def test_floats_are_kept_exactly(value):
    a = SignedLog.from_float(value)
    assert float(a.value) == value
    assert a.mantissa == 0 or 0.5 <= abs(a.mantissa) < 1
    assert a.exponent == np.floor(a.exponent)
    assert int(a.sign) == np.sign(value)


@EXAMPLES
@given(st.floats(min_value=5e-324, allow_infinity=False))
def test_logarithm_of_the_absolute_value_keeps_its_digits(value):
    with mp.workdps(50):
        true = mpmath.log(mpmath.mpf(value))
        assert abs(float(SignedLog.from_float(-value).log_abs) - true) <= 1e-15 * abs(true)


@pytest.mark.parametrize("value", [1 - 2**-53, 1 + 2**-52, 1 - 2**-30, 1.0000001, 0.75, 1.4142135623730951, 0.7071])
def test_logarithm_near_one_does_not_cancel(value):
    with mp.workdps(50):
        true = mpmath.log(mpmath.mpf(value))
        assert abs(float(SignedLog.from_float(value).log_abs) - true) <= 4e-16 * abs(true)


@pytest.mark.parametrize("exponent", [1e300, -1e300, 2.0**60, -100_000])
def test_logarithm_of_what_no_float_holds(exponent):
    with mp.workdps(50):
        true = mpmath.log(mpmath.mpf(0.625)) + mpmath.mpf(exponent) * mpmath.log(2)
        assert abs(float(SignedLog.from_parts(0.625, exponent).log_abs) / true - 1) < 1e-15


@EXAMPLES
@given(NUMBERS, NUMBERS)
def test_operations_round_once(p, q):
    a, b = number(p), number(q)
    with mp.workprec(250_000):
        u, v = exact(p), exact(q)
        assert error(signed_log.multiply(a, b), u * v) <= 1
        assert error(signed_log.add(a, b), u + v) <= 1
        assert error(signed_log.add(a, signed_log.negate(b)), u - v) <= 1
        assert float(signed_log.compare(a, b)) == (u > v) - (u < v)
        assert error(signed_log.integer_part(a), mpmath.floor(u)) == 0
        assert error(signed_log.maximum(a, b), max(u, v)) == 0
        assert error(signed_log.minimum(a, b), min(u, v)) == 0


@EXAMPLES
@given(NUMBERS, NUMBERS.filter(lambda q: q[0] != 0))
def test_quotients_and_remainders_round_once(p, q):
    a, b = number(p), number(q)
    modulo = signed_log.remainder(a, b)
    far = p[0] != 0 and p[1] - q[1] > 1000
    assert np.isnan(modulo.mantissa) == far
    with mp.workprec(3000 if p[0] == 0 or abs(p[1] - q[1]) < 2000 else 100):
        u, v = exact(p), exact(q)
        assert error(signed_log.divide(a, b), u / v) <= 1
        if abs(u) < abs(v):
            assert error(modulo, u if u * v >= 0 else v + u) <= 1
        elif not far:
            assert error(modulo, u - v * mpmath.floor(u / v)) <= 1


@EXAMPLES
@given(st.lists(NUMBERS, min_size=3, max_size=6))
def test_sums_carry_their_rounding_errors(parts):
    with mp.workprec(250_000):
        true, size = mpmath.fsum(exact(p) for p in parts), mpmath.fsum(abs(exact(p)) for p in parts)
        found = as_mpf(signed_log.total([number(p) for p in parts]))
        assert abs(found - true) <= EPS * abs(true) + 20 * EPS**2 * size


def test_a_sum_without_carrying_would_be_seen():
    parts = [SignedLog.from_float(v) for v in (1.0, 2.0**-60, -1.0)]
    naive = signed_log.add(signed_log.add(parts[0], parts[1]), parts[2])
    assert float(naive.value) == 0.0
    assert float(signed_log.total(parts).value) == 2.0**-60


@EXAMPLES
@given(NUMBERS.filter(lambda p: p[0] != 0), st.integers(-1100, 1100))
def test_whole_powers(p, exponent):
    with mp.workdps(60):
        bound = 4 if abs(exponent) <= 1024 else 4 + abs(exponent)
        assert error(signed_log.power(number(p), exponent), exact(p) ** exponent) <= bound


@EXAMPLES
@given(NUMBERS.filter(lambda p: p[0] > 0), st.fractions(-20, 20, max_denominator=600).filter(bool))
def test_fractional_powers(p, exponent):
    with mp.workdps(60):
        power = mpmath.mpf(exponent.numerator) / exponent.denominator
        true, log = exact(p) ** power, abs(float(mpmath.log(exact(p))))
        bound = (
            4 * (1 + abs(exponent.numerator)) if exponent.denominator <= 512 else 8 * (1 + float(abs(exponent)) * log)
        )
        assert error(signed_log.power(number(p), exponent), true) <= bound
        found = signed_log.raise_to(number(p), SignedLog.from_ratio(exponent.numerator, exponent.denominator))
        assert error(found, true) <= 8 * (1 + float(abs(exponent)) * log)


def test_powers_of_zero_and_of_negative_numbers():
    zero, minus = SignedLog.from_float(0.0), SignedLog.from_float(-8.0)
    assert float(signed_log.power(zero, 3).value) == 0.0
    assert float(signed_log.power(zero, 5000).value) == 0.0
    assert float(signed_log.power(zero, Fraction(1, 2)).value) == 0.0
    assert float(signed_log.power(zero, 0).value) == 1.0
    assert np.isnan(signed_log.power(zero, -1).mantissa)
    assert np.isnan(signed_log.power(zero, -5000).mantissa)
    assert np.isnan(signed_log.power(minus, Fraction(1, 3)).mantissa)
    assert float(signed_log.power(minus, -3).value) == -1 / 512
    assert [int(signed_log.power(minus, p).sign) for p in (1999, 2000, 10**400, 10**400 + 1)] == [-1, 1, 1, -1]
    three, half = SignedLog.from_float(3.0), SignedLog.from_float(0.5)
    assert math.isclose(float(signed_log.raise_to(minus, three).value), -512.0, rel_tol=1e-14)
    assert int(signed_log.raise_to(minus, SignedLog.from_float(2.0**70)).sign) == 1
    assert np.isnan(signed_log.raise_to(minus, half).mantissa)
    assert float(signed_log.raise_to(zero, half).value) == 0.0
    assert np.isnan(signed_log.raise_to(zero, minus).mantissa)


def test_a_large_power_near_one_keeps_the_digits_of_its_logarithm():
    base = 1 + 2.0**-30
    found = signed_log.power(SignedLog.from_float(base), 10**12)
    with mp.workdps(50):
        true = 10**12 * mpmath.log(mpmath.mpf(base))
        assert abs(float(found.log_abs) / true - 1) < 2e-15


@pytest.mark.parametrize("x", [0.0, 1e-300, 0.3, -1.0, 709.7, -745.2, 1e4, -1e6, 12345678.9, 3e15, -2e17, 1e30, 1e300])
def test_exponential(x):
    with mp.workdps(330):
        true = mpmath.exp(mpmath.mpf(x))
        if abs(x) < 1e15:
            assert error(signed_log.exponential(SignedLog.from_float(x)), true) * EPS <= 1e-15 * max(1, abs(x))
        log_abs = float(signed_log.exponential(SignedLog.from_float(x)).log_abs)
        assert abs(log_abs - x) <= 1e-15 * max(1, abs(x))


@pytest.mark.parametrize("x", [0.5, 100.0, -20000.0, 1e6])
def test_exponential_of_moderate_arguments_is_as_good_as_the_float_one(x):
    with mp.workdps(60):
        assert error(signed_log.exponential(SignedLog.from_float(x)), mpmath.exp(mpmath.mpf(x))) < 4


def test_exponential_beyond_all_exponents_keeps_its_sign():
    huge = SignedLog.from_parts([0.5, -0.5], 3000)
    found = signed_log.exponential(huge)
    assert found.sign.tolist() == [1, 1]
    assert found.log_abs.tolist() == [math.inf, -math.inf]
    assert found.value.tolist() == [math.inf, 0.0]


def test_logarithm():
    values = SignedLog.from_parts([0.5, 0.0, -0.5, np.nan, 0.5], [-99_999, 0, 3, 0, np.inf])
    found = signed_log.logarithm(values)
    assert np.array_equal(found.value, [-100_000 * signed_log.LN2, -np.inf, np.nan, np.nan, np.inf], equal_nan=True)


@pytest.mark.parametrize(
    ("p", "q"), [(1, 3), (10**400, 7), (-7, 10**400), (2**53 + 1, 1), (0, 5), (3**5000, 2**9000 + 1)]
)
def test_ratios_of_huge_integers_are_rounded_once(p, q):
    found = SignedLog.from_ratio(p, q)
    with mp.workprec(40_000):
        assert error(found, mpmath.mpf(p) / q) <= 1


def test_from_log_inverts_sign_and_log():
    a = SignedLog.from_parts([0.75, -0.6, 0.0], [1e6, -12345, 0])
    back = SignedLog.from_log(a.sign, a.log_abs)
    assert back.sign.tolist() == [1, -1, 0]
    assert np.allclose(back.log_abs[:2], a.log_abs[:2], rtol=1e-15)


def test_infinite_and_undefined_numbers_follow_the_float_rules():
    inf, zero, nan = (SignedLog.from_float(v) for v in (np.inf, 0.0, np.nan))
    minus, tiny = signed_log.negate(inf), SignedLog.from_parts(0.5, -np.inf)
    assert float(inf.value) == np.inf
    assert float(signed_log.add(inf, SignedLog.from_float(1e308)).value) == np.inf
    for unknown in (
        signed_log.add(inf, minus),
        signed_log.multiply(inf, zero),
        signed_log.multiply(inf, tiny),
        signed_log.divide(inf, inf),
        signed_log.divide(inf, zero),
        signed_log.add(tiny, signed_log.negate(tiny)),
        signed_log.add(nan, zero),
        signed_log.maximum(nan, zero),
        signed_log.minimum(zero, nan),
        signed_log.exponential(nan),
        signed_log.power(nan, 0),
        signed_log.integer_part(nan),
        signed_log.remainder(zero, zero),
    ):
        assert np.isnan(unknown.mantissa)
        assert unknown.exponent == 0
        assert unknown.sign == 0
        assert np.isnan(unknown.value)
        assert np.isnan(unknown.log_abs)
    one, minus_tiny = SignedLog.from_float(1.0), signed_log.negate(tiny)
    assert float(signed_log.total([tiny, minus_tiny, one]).value) == 1.0
    assert int(signed_log.total([one, minus_tiny, signed_log.negate(one)]).sign) == -1
    assert np.isnan(signed_log.total([one, minus_tiny, tiny, signed_log.negate(one)]).mantissa)
    assert int(tiny.sign) == 1
    assert float(tiny.log_abs) == -np.inf
    assert int(signed_log.divide(SignedLog.from_float(-1.0), inf).sign) == -1
    assert float(signed_log.compare(inf, inf)) == 0
    assert np.isnan(signed_log.compare(nan, nan))


@EXAMPLES
@given(st.integers(-1080, 1030), MANTISSAS)
def test_value_underflows_gradually_and_overflows_without_a_warning(exponent, mantissa):
    with np.errstate(all="raise"):
        found = float(SignedLog.from_parts(mantissa, exponent).value)
    assert found == (math.ldexp(mantissa, exponent) if exponent <= 1024 else math.copysign(math.inf, mantissa))


def test_arrays_broadcast_stack_and_index():
    column, row = SignedLog.from_float(np.ones((3, 1))), SignedLog.from_float([1, 2])
    assert signed_log.multiply(column, row).shape == (3, 2)
    assert signed_log.add(column, row).shape == (3, 2)
    assert signed_log.add(column, row)[1:, 0].value.tolist() == [2.0, 2.0]
    assert signed_log.stack([row, row, row]).shape == (3, 2)
    assert signed_log.stack([row, row, row], axis=1).shape == (2, 3)
    assert signed_log.broadcast_to(row, (4, 2)).shape == (4, 2)
    assert signed_log.where(np.array([True, False]), row, signed_log.negate(row)).value.tolist() == [1.0, -2.0]


def test_malformed_parts_are_refused():
    with pytest.raises(InputError, match="need one shape"):
        SignedLog(np.array([0.5]), np.array(0.0))
    with pytest.raises(InputError, match="whole number"):
        SignedLog.from_parts(0.5, 0.5)


def test_floats_that_are_kept_are_the_same_numbers() -> None:
    floats = np.array([[0.0, -6.0, 5e-324], [np.inf, np.nan, 1e308]])
    kept, made = SignedLog.of_floats(floats), SignedLog.from_float(floats)
    assert kept.shape == (2, 3)
    assert kept.sign.tolist() == made.sign.tolist()
    assert np.array_equal(kept[0].reshape((3, 1)).value, floats[0].reshape(3, 1))
    assert np.array_equal(kept.value, made.value, equal_nan=True)
    assert np.array_equal(kept.mantissa, made.mantissa, equal_nan=True)
    assert np.array_equal(kept.exponent, made.exponent, equal_nan=True)
    again = pickle.loads(pickle.dumps(SignedLog.of_floats(floats)))
    assert np.array_equal(again.log_abs, made.log_abs, equal_nan=True)
    with pytest.raises(ValueError, match="read-only"):
        kept.value[0, 0] = 1.0
    with pytest.raises(AttributeError, match="magnitude"):
        _ = kept.magnitude
