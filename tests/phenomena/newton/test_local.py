"""Roots and cycles that algebra does not solve: certified, with the digits of other sources."""

import math

import mpmath
import pytest
import sympy

from symgrad.certify.complex_roots import isolate_complex_roots
from symgrad.derivation import newton
from symgrad.derivation.local_theory import Convergence, CycleKind, newton_problem
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map, expand_activations
from symgrad.phenomena.newton.far_out import sampled_infinity
from symgrad.phenomena.newton.isolated_roots import _in_disc
from symgrad.phenomena.newton.local import cycles_of, fixed_points_of_update, local_theory, roots_of
from symgrad.phenomena.newton.sampled_cycles import _certified, _interval_newton, simple_number

# The positive solution of atan(x)·(1 + x²) = 2x; solved again below at 40 digits.
ESCAPE_RADIUS = 1.3917452002707349


def test_the_acceptance_case_of_the_cubic() -> None:
    found = local_theory("x**3-2*x+2", "x")
    (root,) = found.roots
    assert (root.value, root.order, root.multiplier) == (-1.7692923542386314, 2, 0)
    (cycle,) = found.attracting_cycles
    assert (cycle.period, cycle.exact, cycle.multiplier) == (2, (0, 1), 0)
    assert [s.exact for s in found.singular] == [-sympy.sqrt(6) / 3, sympy.sqrt(6) / 3]
    fives = [c for c in found.cycles if c.period == 5]
    assert len(fives) == 4
    assert all(c.verdict is Verdict.CERTIFIED for c in fives)
    assert any("others may exist" in note for note in found.notes)


def test_the_escape_radius_of_the_arctangent_is_a_repelling_two_cycle() -> None:
    found = local_theory("atan(x)", "x")
    (cycle,) = found.cycles
    assert cycle.points == (-ESCAPE_RADIUS, ESCAPE_RADIUS)
    assert (cycle.kind, cycle.verdict) == (CycleKind.REPELLING, Verdict.CERTIFIED)
    own = mpmath.MPContext()
    own.dps = 40
    edge = own.findroot(lambda t: own.atan(t) * (1 + t * t) - 2 * t, 1.4)
    assert cycle.points[1] == float(edge)
    slope = (2 * edge * own.atan(edge)) ** 2
    assert cycle.multiplier == pytest.approx(float(slope), rel=1e-14)


def test_roots_of_a_periodic_function_are_named_and_have_order_three() -> None:
    found = roots_of("sin(x)", "x")
    assert [r.exact for r in found.roots] == [k * sympy.pi for k in range(-3, 4)]
    assert {(r.order, r.verdict, r.error_constant) for r in found.roots} == {(3, Verdict.PROVED, sympy.Rational(-1, 3))}


def test_multiple_roots_between_undecided_intervals_are_proved() -> None:
    found = roots_of("1 - cos(x)", "x", low=-7, high=7)
    assert [(r.exact, r.multiplicity, r.multiplier) for r in found.roots] == [
        (k * sympy.pi, 2, sympy.Rational(1, 2)) for k in (-2, 0, 2)
    ]
    assert all(r.verdict is Verdict.PROVED for r in found.roots)
    triple = [r for r in roots_of("x**2*sin(x)", "x", low=-2, high=2).roots if r.value == 0]
    assert [r.multiplicity for r in triple] == [3]


def test_an_enclosed_root_has_certified_order_and_constant() -> None:
    (root,) = roots_of("cos(x) - x", "x").roots
    # The Dottie number, OEIS A003957.
    assert root.value == 0.7390851332151607
    assert (root.order, root.multiplicity, root.verdict, root.exact) == (2, 1, Verdict.CERTIFIED, None)
    assert root.error_constant == pytest.approx(math.cos(root.value) / (1 + math.sin(root.value)) / 2, rel=1e-12)
    assert root.ball.value.contains(0) is False


def test_complex_roots_are_certified_in_discs() -> None:
    found = roots_of("cos(x) - x", "x", domain="complex", low=-6, high=6)
    others = [r for r in found.roots if isinstance(r.value, complex)]
    assert others
    assert all(r.verdict is Verdict.CERTIFIED for r in others)
    own = mpmath.MPContext()
    for root in others:
        exact = own.findroot(lambda z: own.cos(z) - z, own.mpmathify(root.value))
        assert abs(complex(exact) - root.value) < 1e-13
    flat = newton_problem("exp(x)", "x", "complex")
    assert _in_disc(flat, 1.0 + 1.0j) is None


def test_a_guess_that_is_no_cycle_is_not_certified() -> None:
    update = newton("atan(x)", "x")
    expr, slope, x = expand_activations(update.expr), update.jacobian[0][0], update.state[0]
    assert _interval_newton(expr, slope, x, (-ESCAPE_RADIUS, ESCAPE_RADIUS)) is not None
    assert _interval_newton(expr, slope, x, (-3.0, 3.0)) is None
    assert _certified(expr, slope, x, (0.0, 0.0)) is None


def test_a_fixed_point_met_twice_is_no_cycle_of_period_two() -> None:
    found = cycles_of(Map("cos(x)", "x"), period_max=3)
    assert [c.period for c in found.cycles] == [1]
    assert found.cycles[0].kind is CycleKind.ATTRACTING


def test_points_of_large_dynatomic_polynomials_are_complex_balls() -> None:
    found = cycles_of(Map("x**2 + x/3 - 1", "x", domain="complex"), period_max=5)
    assert [sum(c.period == p for c in found.cycles) for p in range(1, 6)] == [2, 1, 2, 3, 6]
    real_ones = [root for root in isolate_complex_roots([1, 0, -2]) if root.im is None]
    assert sorted(float(root.re) for root in real_ones) == [-math.sqrt(2), math.sqrt(2)]


def test_what_has_parameters_says_so() -> None:
    found = local_theory("w*sigmoid(x) + b - x", "x")
    assert found.roots == ()
    assert found.cycles == ()
    assert any("need values for b, w" in note for note in found.notes)


def test_singular_points_of_a_transcendental_function() -> None:
    found = local_theory("cos(x) - x", "x", period_max=1)
    assert [(s.exact, s.order, s.status) for s in found.singular] == [
        (k * sympy.pi / 2, 2, "singular") for k in (-5, -1, 3)
    ]
    touching = local_theory("1 - cos(x)", "x", low=-1, high=4, period_max=1)
    assert [(s.exact, s.status) for s in touching.singular] == [(0, "removable"), (sympy.pi, "singular")]
    assert local_theory("log(x)", "x", period_max=1).singular == ()


@pytest.mark.parametrize(
    ("text", "convergence"),
    [
        ("x*exp(-1/x**2)", Convergence.SUBLINEAR),
        ("sign(x)*abs(x)**(1/3)", Convergence.REPELLED),
        ("x**3", Convergence.LINEAR),
        ("relu(x) - 1", Convergence.ONE_STEP),
    ],
)
def test_hard_roots_have_a_clear_answer(text: str, convergence: Convergence) -> None:
    (root,) = local_theory(text, "x", period_max=2).roots
    assert root.convergence is convergence


def test_no_real_root_is_an_empty_list_and_a_normal_form() -> None:
    found = local_theory("x**2 + 1", "x")
    assert found.roots == ()
    assert found.attracting_cycles == ()
    assert found.conjugacy is not None
    assert "chaos" in found.conjugacy.statement


def test_fixed_points_of_another_rule() -> None:
    halley = Map("x - 2*(x**2 - 2)*2*x/(2*4*x**2 - (x**2 - 2)*2)", "x")
    found = fixed_points_of_update(halley).cycles
    assert {c.exact for c in found} == {(-sympy.sqrt(2),), (0,), (sympy.sqrt(2),)}
    assert [c.kind for c in found if c.exact == (0,)] == [CycleKind.REPELLING]


def test_a_window_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(InputError, match="low must be less than high"):
        roots_of("sin(x)", "x", low=2, high=-2)


@pytest.mark.parametrize(("value", "name"), [(0.5, sympy.Rational(1, 2)), (math.pi * 3 / 2, 3 * sympy.pi / 2)])
def test_simple_numbers_are_recognised(value: float, name: sympy.Expr) -> None:
    assert simple_number(value) == name
    assert simple_number(value + 1e-6) is None


def test_a_removable_gap_is_no_root() -> None:
    found = roots_of("sin(x)/x", "x", low=-4, high=4)
    assert [r.exact for r in found.roots] == [-sympy.pi, sympy.pi]
    assert any("has no value" in note for note in found.notes)


def test_special_functions_are_sampled_too() -> None:
    found = local_theory("gelu(x) - 1", "x")
    (root,) = found.roots
    own = mpmath.MPContext()
    exact = own.findroot(lambda t: t * (1 + own.erf(t / own.sqrt(2))) / 2 - 1, 1)
    assert root.value == pytest.approx(float(exact), rel=1e-14)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("atan(x)", CycleKind.ATTRACTING),
        ("tanh(2*x) - 3/10", CycleKind.ATTRACTING),
        ("x**2 + atan(x)", CycleKind.REPELLING),
    ],
)
def test_infinity_of_other_functions_is_measured(text: str, kind: CycleKind) -> None:
    found = local_theory(text, "x", period_max=1).infinity
    assert (found.kind, found.verdict, found.is_fixed) == (kind, Verdict.SAMPLED, True)


def test_no_trend_is_claimed_where_the_sides_differ_or_the_function_oscillates() -> None:
    assert sampled_infinity(newton("exp(x) - 2", "x")) is None
    assert sampled_infinity(newton("sin(x)", "x")) is None
    assert sampled_infinity(newton("sqrt(x) - 2", "x")) is None
