"""Regimes agree with the laws that are known, and are undecided where finite depth shows nothing."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symgrad.derivation import chain_product, gradient
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import Kernel, to_kernel
from symgrad.maps import Composition, Map, composition_from_text
from symgrad.phenomena import Orbit, PointRegime, Regime, RegimeMap, Sign, classify, regime_of_outcome
from symgrad.phenomena.multipliers import CODE
from symgrad.sweeps import Axis, sweep
from symgrad.symbols import k, n


def chain(text: str, **options: Any) -> Composition:
    return composition_from_text(text, depth=n, **options)


def line(text: str, axis: Axis, depth: int, start: Any = None, **parameters: Any) -> RegimeMap:
    return classify(sweep(to_kernel(chain(text)), axis, start=start, parameters=parameters, depth=depth))


def words(regimes: RegimeMap) -> list[str]:
    return [regime.word for regime in regimes.regimes.reshape(-1)]


def at(
    text: str, start: Any, depth: int, *, state: tuple[str, ...] = ("x",), untied: tuple[str, ...] = (), **values: Any
) -> PointRegime:
    kernel = to_kernel(composition_from_text(text, state=state, depth=n, untied=untied))
    outcome = kernel(start, values, depth=depth)
    return regime_of_outcome(outcome, kernel=kernel, start=start, parameters=values, depth=depth)


@settings(max_examples=25, deadline=None)
@given(w=st.floats(-3, 3), b=st.floats(-5, 5), depth=st.integers(1, 60))
def test_a_linear_map_is_proved_at_any_depth(w: float, b: float, depth: int) -> None:
    expected = "zero" if w == 0 else "constant" if w == 1 else "alternating" if w == -1 else None
    point = at("w*x + b", 1.0, depth, w=w, b=b)
    assert point.regime.word == expected or point.regime.word == ("vanishing" if abs(w) < 1 else "exploding")
    assert point.verdict is Verdict.PROVED


@pytest.mark.parametrize(
    ("w", "word"), [(1.0, "constant"), (np.nextafter(1, 2), "exploding"), (np.nextafter(1, 0), "vanishing")]
)
def test_neighbouring_floats_of_one_are_told_apart(w: float, word: str) -> None:
    assert at("w*x", 1.0, 20, w=float(w)).regime.word == word


def test_a_constant_factor_needs_no_floating_point() -> None:
    assert at("3*w*x", 1.0, 20, w=Fraction(1, 3)).regime is Regime.CONSTANT
    assert at("10*w*x", 1.0, 20, w="0.1").regime is Regime.CONSTANT
    assert at("10*w*x", 1.0, 20, w=0.1).regime is Regime.EXPLODING
    assert at("3*w*x", 1.0, 20, w=1 / 3).regime is Regime.VANISHING
    assert at("exp(v)*w*x", 1.0, 20, w=1, v=0).regime is Regime.CONSTANT
    assert at("2*x", 1.0, 2000).orbit is Orbit.DIVERGING


def test_the_plane_of_a_linear_map_in_shares() -> None:
    regimes = line("w*x", Axis("w", -2, 2, 401), 50, start=1)
    shares = regimes.shares()
    assert list(shares) == "vanishing constant alternating exploding oscillating zero undecided".split()
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["zero"] == shares["constant"] == shares["alternating"] == 1 / 401
    assert regimes.verdict is Verdict.PROVED
    assert regimes.rate[400] == pytest.approx(np.log(2))


def test_the_exact_sigmoid_family_is_found_on_the_grid() -> None:
    kernel = to_kernel(chain("w*sigmoid(x) + b"))
    plane = classify(sweep(kernel, Axis("w", -8, 8, 33), Axis("b", -4, 4, 33), start=0.0, depth=40))
    w, b = np.meshgrid(np.linspace(-8, 8, 33), np.linspace(-4, 4, 33), indexing="ij")
    family = b == -w / 2
    factor = (w / 4)[family]
    expected = np.select([factor == 0, factor == 1, factor == -1, abs(factor) < 1], [5, 1, 2, 0], 3)
    assert plane.codes[family].tolist() == expected.tolist()
    assert plane.proved[family].all()
    assert plane.proved[np.abs(w) < 4].all()
    assert not plane.proved[(np.abs(w) >= 4) & ~family].any()
    assert "w = 4 and b = -2" in [e.condition for e in plane.exact if e.regime is Regime.CONSTANT]


@pytest.mark.parametrize("r", [1.5, 2.3, 2.7])
def test_the_logistic_map_contracts_at_its_fixed_point(r: float) -> None:
    regimes = line("r*x*(1 - x)", Axis("x", 0.1, 0.4, 4), 400, r=r)
    assert words(regimes) == ["vanishing"] * 4
    assert np.allclose(regimes.rate, np.log(abs(2 - r)), atol=0.02)
    assert regimes.verdict is Verdict.SAMPLED


def test_the_logistic_map_at_four_separates_neighbours_at_rate_log_2() -> None:
    regimes = line("4*x*(1 - x)", Axis("x", 0.11, 0.37, 40), 2000)
    assert set(words(regimes)) == {"exploding"}
    assert float(np.mean(regimes.rate)) == pytest.approx(np.log(2), abs=0.005)
    assert at("4*x*(1 - x)", 0.11, 2000).orbit is Orbit.CHAOTIC


@pytest.mark.parametrize(
    ("text", "start"), [("tanh(x)", 1.0), ("x - x**2", 0.3), ("x*exp(-x)", 0.5), ("x + x**2", 1e-3)]
)
@pytest.mark.parametrize("depth", [50, 300])
def test_a_rate_that_tends_to_zero_decides_nothing(text: str, start: float, depth: int) -> None:
    point = at(text, start, depth)
    assert (point.regime, point.verdict) == (Regime.UNDECIDED, Verdict.UNDECIDED)


@pytest.mark.parametrize("first", [1, 5])
def test_factors_that_tend_to_one_are_not_taken_for_vanishing(first: int) -> None:
    """∏(1 - 1/(k+1)²) tends to 1/2 although every factor is below 1."""
    factors = [1 - 1 / (j + 1) ** 2 for j in range(first, first + 400)]
    point = at("w*x", 1.0, 400, untied=("w",), w=factors)
    assert point.regime is Regime.UNDECIDED


def test_factors_that_tend_to_one_fast_are_constant_and_two_in_turn_oscillate() -> None:
    assert at("w*x", 1.0, 60, untied=("w",), w=[1 + 2.0**-j for j in range(1, 61)]).regime is Regime.CONSTANT
    assert at("w*x", 1.0, 60, untied=("w",), w=[-1 - 2.0**-j for j in range(1, 61)]).regime is Regime.ALTERNATING
    assert at("w*x", 1.0, 60, untied=("w",), w=[2, 0.5] * 30).regime is Regime.OSCILLATING
    assert at("w*x", 1.0, 60, untied=("w",), w=[1, -1] * 30).regime is Regime.OSCILLATING
    assert at("w*x", 1.0, 61, untied=("w",), w=[2, 0.5] * 30 + [2]).regime is Regime.OSCILLATING
    assert at("w*x", 1.0, 3, untied=("w",), w=[2, 0.5, -3]).regime is Regime.UNDECIDED


def test_a_large_transient_does_not_outweigh_the_layers_after_it() -> None:
    factors = [1e-4, *[1.05] * 99]
    assert at("w*x", 1.0, 100, untied=("w",), w=factors).regime is Regime.UNDECIDED
    assert at("w*x", 1.0, 500, untied=("w",), w=[*factors, *[1.05] * 400]).regime is Regime.EXPLODING


def test_a_dead_relu_is_exactly_zero() -> None:
    regimes = line("relu(w*x + b)", Axis("w", -2, 2, 5), 20, start=1.0, b=-3)
    assert words(regimes) == ["zero"] * 5
    assert words(line("r*x*(1 - x)", Axis("r", 1, 3, 3), 30, start=0.5))[1] == "zero"


def test_a_relu_that_stays_on_is_constant_beside_its_own_multiplier() -> None:
    assert at("relu(x + b)", 1.0, 40, b=0.5).regime is Regime.CONSTANT
    assert at("x + relu(b - x)", 1.0, 40, b=0.5).regime is Regime.CONSTANT


def test_a_start_on_a_fixed_point_is_proved_and_beside_it_is_not() -> None:
    assert at("tanh(w*x)", 0, 30, w=1) == PointRegime(
        Regime.CONSTANT, Verdict.PROVED, Sign.CONSTANT, Orbit.FIXED_POINT, 1
    )
    beside = at("tanh(w*x)", 1e-3, 30, w=1.5)
    assert beside.verdict is Verdict.SAMPLED
    assert at("x**2 - 1/4", Fraction(-1, 2) + Fraction(1, 4), 30).verdict is not Verdict.PROVED


@pytest.mark.parametrize(("r", "period"), [(2.8, 1), (3.2, 2), (3.5, 4)])
def test_cycles_and_their_signs_are_measured(r: float, period: int) -> None:
    point = at("r*x*(1 - x)", 0.3, 600, r=r)
    assert point.period == period
    assert point.orbit is (Orbit.FIXED_POINT if period == 1 else Orbit.CYCLE)
    assert point.sign in (Sign.ALTERNATING, Sign.PERIODIC)
    assert point.regime is Regime.VANISHING


def test_a_drift_whose_factors_tend_to_one_is_no_chaos() -> None:
    point = at("x + tanh(x)", 0.5, 50)
    assert (point.regime, point.orbit) == (Regime.CONSTANT, Orbit.UNSETTLED)


def test_signs_of_chaos_are_irregular() -> None:
    point = at("4*x*(1 - x)", 0.11, 500)
    assert (point.sign, point.period) == (Sign.IRREGULAR, None)


def test_a_run_that_leaves_float64_is_classified_by_its_product_and_nan_is_undecided() -> None:
    squares = at("x**2", 3.0, 40)
    assert (squares.regime, squares.orbit) == (Regime.EXPLODING, Orbit.DIVERGING)
    undefined = at("log(x)", 0.5, 10)
    assert (undefined.regime, undefined.verdict, undefined.orbit) == (
        Regime.UNDECIDED,
        Verdict.UNDECIDED,
        Orbit.DIVERGING,
    )


def test_several_components_grow_by_their_largest_singular_value() -> None:
    henon = at("1 - a*x**2 + y; b*x", (0.1, 0.1), 400, state=("x", "y"), a=1.4, b=0.3)
    assert (henon.regime, henon.sign, henon.orbit) == (Regime.EXPLODING, None, Orbit.CHAOTIC)
    shift = at("9/10*x + 10*y; 9/10*y", (0.1, 0.1), 400, state=("x", "y"))
    assert (shift.regime, shift.orbit) == (Regime.VANISHING, Orbit.FIXED_POINT)
    assert at("y; -x", (0.1, 0.2), 64, state=("x", "y")).regime is Regime.OSCILLATING
    assert at("y; -x", (0.1, 0.2), 64, state=("x", "y")).period == 4
    assert at("x; y", (0.1, 0.2), 64, state=("x", "y")).regime is Regime.CONSTANT
    assert at("-x; -y", (0.1, 0.2), 64, state=("x", "y")).regime is Regime.ALTERNATING
    assert at("x + y; y", (0.1, 0.2), 64, state=("x", "y")).regime is Regime.UNDECIDED


def test_the_regimes_of_a_gradient_kernel_are_those_of_its_product() -> None:
    layer = Map("w*sigmoid(x) + b", "x") ** n
    kernels = to_kernel(gradient(layer, "(sigmoid(x) - 7/10)**2*c", wrt="w,c")), to_kernel(chain_product(layer))
    axes = Axis("w", 2, 8, 7), Axis("b", -4, 1, 5)
    first = classify(sweep(kernels[0], *axes, start=0.5, parameters={"c": 1}, depth=30))
    second = classify(sweep(kernels[1], *axes, start=0.5, depth=30))
    assert first.codes.tolist() == second.codes.tolist()
    assert [e.condition for e in first.exact] == [e.condition for e in second.exact]


def test_chains_of_several_blocks_are_decided_by_their_rate() -> None:
    blocks = (Map("w*x", "x") ** 30) @ (Map("tanh(v*x)", "x") ** 20)
    regimes = classify(sweep(to_kernel(blocks), Axis("w", 0.5, 2, 2), start=0.1, parameters={"v": 0.5}))
    assert set(words(regimes)) <= {"vanishing", "exploding"}
    assert regimes.exact == ()


def test_a_bare_outcome_is_classified_by_rate_or_trace() -> None:
    kernel: Kernel = to_kernel(chain("tanh(w*x)"))
    assert words(classify(kernel(1.0, {"w": [0.5, 3.0]}, depth=100))) == ["vanishing"] * 2
    assert words(classify(kernel(1.0, {"w": [0.5, 1.0]}, depth=100, trace=True))) == ["vanishing", "undecided"]
    assert classify(kernel(1.0, {"w": 0.5}, depth=100)).codes.shape == ()


def test_the_exact_regimes_of_a_plane_are_given_by_equation_and_drawn() -> None:
    kernel = to_kernel(chain("w*sigmoid(x) + b"))
    plane = classify(sweep(kernel, Axis("w", -8, 8, 5), Axis("b", -6, 6, 5), start=0.5, depth=20))
    by_word = {e.regime: e for e in plane.exact if e.equation is not None}
    assert by_word[Regime.EXPLODING].condition.startswith("b = -w*sigmoid(1/2) + 1/2 and abs(")
    assert by_word[Regime.EXPLODING].verdict is Verdict.PROVED
    pieces = by_word[Regime.EXPLODING].curves
    assert len(pieces) == 2
    right = pieces[1]
    assert right[0, 0] == pytest.approx(4.2553, abs=0.03)
    assert np.allclose(right[:, 1], 0.5 - 0.6224593312018546 * right[:, 0])
    (single,) = by_word[Regime.CONSTANT].curves
    assert single.shape == (1, 2)
    assert single[0, 0] == pytest.approx(4.25525193)


def test_an_equation_that_is_not_solved_is_drawn_as_a_level_curve() -> None:
    plane = classify(sweep(to_kernel(chain("w**2*v**2*x")), Axis("w", -2, 2, 5), Axis("v", -2, 2, 5), start=1, depth=9))
    constant = next(e for e in plane.exact if e.regime is Regime.CONSTANT)
    assert constant.condition == "v**2*w**2 = 1"
    assert constant.equation == sympy.Eq(
        sympy.sympify("v**2*w**2", locals={s: sympy.Symbol(s, real=True) for s in "vw"}), 1
    )
    assert max(np.abs(np.abs(c[:, 0] * c[:, 1]) - 1).max() for c in constant.curves) < 1e-3
    assert plane.codes[4, 4] == CODE[Regime.EXPLODING]
    assert not next(e for e in plane.exact if e.regime is Regime.EXPLODING).curves


def test_a_level_on_a_line_is_drawn_as_the_points_where_it_is_passed() -> None:
    kernel = to_kernel(chain("w**2*sigmoid(x) + b"))
    plane = classify(sweep(kernel, Axis("w", -4, 4, 5), Axis("b", -6, 6, 5), start=0, depth=20))
    constant = next(e for e in plane.exact if e.regime is Regime.CONSTANT)
    assert constant.condition == "b = -w**2/2 and w**2/4 = 1"
    assert np.allclose([c[0].tolist() for c in constant.curves], [[-2, -2], [2, -2]], atol=1e-4)


def test_a_swept_start_on_a_swept_line_of_fixed_points() -> None:
    kernel = to_kernel(chain("w*sigmoid(x) + b"))
    plane = classify(sweep(kernel, Axis("b", -2, 2, 5), Axis("x", -1, 1, 5), parameters={"w": 4}, depth=30))
    assert plane.proved[0, 2]
    assert plane.regimes[0, 2] is Regime.CONSTANT
    assert any(e.condition.startswith("b = x - 4*sigmoid(x)") for e in plane.exact)


@pytest.mark.parametrize("tolerance", [-0.01, 0, float("nan"), float("inf"), "0.01"])
def test_a_tolerance_that_is_no_positive_rate_is_refused(tolerance: Any) -> None:
    outcome = to_kernel(Map("w*x", "x") ** n)(1.0, {"w": 1.0}, depth=3)
    with pytest.raises(InputError, match="tolerance must be positive"):
        classify(outcome, tolerance=tolerance)


def test_only_sweeps_and_single_outcomes_are_taken() -> None:
    kernel = to_kernel(Map("w*x", "x") ** n)
    with pytest.raises(InputError, match="run sweep first"):
        classify(kernel)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one point is needed"):
        regime_of_outcome(
            kernel(1.0, {"w": [1.0, 2.0]}, depth=3), kernel=kernel, start=1.0, parameters={"w": 1.0}, depth=3
        )


def test_a_driven_chain_is_classified_by_what_was_computed() -> None:
    driven = Map(sympy.tanh(Map("x/2", "x").expr + sympy.IndexedBase(sympy.Symbol("u", real=True))[k]), "x") ** n
    inputs = np.cos(np.arange(60.0))
    kernel = to_kernel(driven)
    outcome = kernel(0.1, {"u": inputs}, depth=60)
    point = regime_of_outcome(outcome, kernel=kernel, start=0.1, parameters={"u": inputs}, depth=60)
    assert point.regime is Regime.VANISHING
    assert point.verdict is Verdict.SAMPLED
