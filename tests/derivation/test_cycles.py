"""Cycles of polynomial maps: dynatomic polynomials, multiplier polynomials, and the known places of the cascade."""

import pytest
from sympy import I, Poly, Rational, Symbol, expand, factor, resultant, sqrt, symbols

from symgrad.derivation import attracting_cycles, cycle_points, dynatomic, jury, multiplier_polynomial
from symgrad.derivation.bifurcations.cycles import cycle_multiplier, quadratic_form, real_roots
from symgrad.errors import InputError
from symgrad.maps import Map

r, x, a, b = symbols("r x a b", real=True)
c = Symbol("c")
LOGISTIC = r * x * (1 - x)


@pytest.mark.parametrize(("period", "degree"), [(1, 2), (2, 2), (3, 6), (4, 12)])
def test_a_quadratic_map_has_the_known_number_of_points_of_each_period(period: int, degree: int) -> None:
    found = dynatomic(LOGISTIC, x, period)
    assert found.degree() == degree
    image = x
    for _ in range(period):
        image = LOGISTIC.xreplace({x: image})
    assert Poly(expand(image - x), x).rem(Poly(found.as_expr(), x)).is_zero


def test_periods_one_to_six_are_within_reach_at_a_number() -> None:
    degrees = [dynatomic(LOGISTIC.xreplace({r: Rational(7, 2)}), x, period).degree() for period in range(1, 7)]
    assert degrees == [2, 2, 6, 12, 30, 54]


@pytest.mark.parametrize("period", [1, 2, 3])
@pytest.mark.parametrize("multiplier", [-1, 0, 1])
def test_the_multiplier_polynomial_is_the_root_of_the_resultant(period: int, multiplier: int) -> None:
    z = Symbol("z")
    slope = cycle_multiplier(z**2 + c, z, period)
    whole = resultant(dynatomic(z**2 + c, z, period).as_expr(), expand(slope) - multiplier, z)
    power = multiplier_polynomial(period, multiplier).as_expr() ** period
    assert expand(whole - power) == 0 or expand(whole + power) == 0


@pytest.mark.parametrize(("period", "degree"), [(3, 3), (4, 6), (5, 15), (6, 27)])
def test_multiplier_polynomials_have_one_root_for_each_hyperbolic_component(period: int, degree: int) -> None:
    for multiplier in (-1, 0, 1):
        assert multiplier_polynomial(period, multiplier).degree() == degree


@pytest.mark.parametrize(("period", "count"), [(1, 1), (2, 1), (3, 1), (4, 2), (5, 3), (6, 5)])
def test_the_number_of_real_windows_is_that_of_the_necklaces(period: int, count: int) -> None:
    # 1, 1, 1, 2, 3, 5 (Metropolis, Stein & Stein 1973); births, centres and flips alternate.
    rows = [[float(root) for root, _ in real_roots(multiplier_polynomial(period, m))] for m in (-1, 0, 1)]
    assert [len(row) for row in rows] == [count] * 3
    assert all(low < middle < high for low, middle, high in zip(*rows, strict=True))


def test_known_places_of_the_quadratic_family() -> None:
    assert multiplier_polynomial(3, 1).eval(Rational(-7, 4)) == 0
    assert multiplier_polynomial(4, 1).eval(Rational(-5, 4)) == 0
    assert multiplier_polynomial(2, -1).eval(Rational(-5, 4)) == 0
    # The airplane, the centre of period 3 on the real line.
    (airplane,) = [float(root) for root, _ in real_roots(multiplier_polynomial(3, 0))]
    assert airplane == pytest.approx(-1.7548776662466927, abs=1e-15)


def test_disguises_of_one_quadratic_map_have_one_parameter() -> None:
    form = quadratic_form(LOGISTIC, x)
    assert form is not None
    assert expand(form.c - (r / 2 - r**2 / 4)) == 0
    shifted = expand(LOGISTIC.xreplace({x: 3 * x + 1}) / 3 - Rational(1, 3))
    other = quadratic_form(shifted, x)
    assert other is not None
    assert expand(other.c - form.c) == 0
    assert quadratic_form(x**3, x) is None


@pytest.mark.parametrize("period", [2, 3, 4, 5, 6])
def test_attracting_cycles_are_counted_as_the_critical_orbit_shows(period: int) -> None:
    for place in range(-199, 25, 7):
        value = place / 100
        state = 0.0
        for _ in range(20_000):
            state = state**2 + value
        orbit = [state]
        for _ in range(period):
            orbit.append(orbit[-1] ** 2 + value)
        exactly = next((p for p in range(1, period + 1) if abs(orbit[p] - orbit[0]) < 1e-9), 0)
        assert attracting_cycles(period, Rational(place, 100)) == (exactly == period)


def test_a_cycle_at_a_fold_is_found_to_full_precision() -> None:
    cycle = cycle_points(Map(LOGISTIC, x), 3, {r: 1 + 2 * sqrt(2)}, 1)
    value = float(1 + 2 * sqrt(2))
    slope = 1.0
    for state, following in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
        assert value * state * (1 - state) == pytest.approx(following, abs=1e-14)
        slope *= value * (1 - 2 * state)
    assert slope == pytest.approx(1, abs=1e-12)
    assert cycle[0] == pytest.approx(0.15992881846, abs=1e-10)


def test_what_is_out_of_reach_is_refused() -> None:
    with pytest.raises(InputError, match="period 9 is out of reach"):
        dynatomic(LOGISTIC, x, 9)
    with pytest.raises(InputError, match="no polynomial"):
        dynatomic(1 / x, x, 2)
    with pytest.raises(InputError, match="degree 1"):
        dynatomic(r * x, x, 2)
    with pytest.raises(InputError, match="none of -1, 0 and 1"):
        multiplier_polynomial(2, 2)
    with pytest.raises(InputError, match="two components, got 1"):
        jury(Map("w*x", "x"))


def test_jurys_conditions_bound_the_spectral_radius() -> None:
    henon = jury(Map(("1 - a*x**2 + y", "b*x"), ("x", "y")))
    assert henon.trace == -2 * a * x
    assert henon.determinant == -b
    for trace, determinant in ((0.3, 0.5), (1.4, 0.5), (1.6, 0.5), (-1.7, 0.9), (0.1, 1.1), (-1.95, 0.9)):
        at = {a: -Rational(str(trace)) / 2, x: 1, b: -Rational(str(determinant))}
        inside = all(margin.xreplace(at) > 0 for margin in henon.margins.values())
        root = (trace**2 - 4 * determinant + 0j) ** 0.5
        assert inside == (max(abs(trace + root), abs(trace - root)) / 2 < 1)


def test_roots_are_exact_and_only_real_ones_are_returned() -> None:
    assert [root for root, _ in real_roots(Poly((x**2 + 1) * (x**2 - 2) * (x - 3), x))] == [-sqrt(2), sqrt(2), 3]
    assert factor(x**2 + 1, extension=I) == (x - I) * (x + I)
