"""Heights, widths and shapes of cliffs agree with long multiprecision runs, which know nothing of closed forms."""

import math
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Rational

from symgrad.derivation import CliffCurve, Gradient, cliff_curves, gradient
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import to_kernel
from symgrad.maps import composition_from_text, expand_activations
from symgrad.phenomena.cliffs.chain_steps import compiled_steps, place_on
from symgrad.phenomena.cliffs.collapses import collapse
from symgrad.phenomena.cliffs.line_values import values_on
from symgrad.phenomena.cliffs.peaks import highest
from symgrad.phenomena.cliffs.poincare import held, poincare_function
from symgrad.phenomena.cliffs.ridges import fold_ridge
from symgrad.phenomena.cliffs.walls import Profile, wall_profile
from symgrad.symbols import n, w

HALF = Rational(1, 2)
REFERENCE, LOSS = "w*sigmoid(x) + b", "(sigmoid(x) - 7/10)**2"


def problem(
    text: str = REFERENCE, loss: str | None = LOSS, *, start: Any = HALF, origin: str = "basin line", place: int = 0
) -> tuple[CliffCurve, Gradient]:
    chain = composition_from_text(text, depth=n)
    found = [c for c in cliff_curves(chain, ("w", "b"), start) if c.origin == origin]
    return found[place], gradient(chain, loss, wrt=("w", "b"))


def run(target: Gradient, start: Any, at: dict[str, Any], depth: int, digits: int) -> Any:
    """Run the chain in many digits, at exact values of the parameters."""
    return to_kernel(target, backend="mpmath", digits=digits)(start, at, depth=depth)


def beside(curve: CliffCurve, at: Any, profile: Profile, u: float) -> sympy.Rational:
    """Return b at a scaled distance from the line as an exact fraction, to 120 digits."""
    ctx = mpmath.ctx_mp.MPContext()
    ctx.dps = 120
    line = ctx.mpf(expand_activations(curve.expressions[curve.solved]).subs(w, at).evalf(120)._mpf_)
    scale = ctx.mpf(float(profile.scale.mantissa)) * ctx.mpf(2) ** int(profile.scale.exponent)
    return sympy.Rational(*mpmath.libmp.to_rational((line + u / scale)._mpf_))


def test_the_reference_value() -> None:
    """At w = 5 and depth 50 on the line of Pascanu et al. (2013), fig. 6."""
    curve, target = problem()
    found = values_on(curve, target, HALF, 5, 50)
    assert found.point["b"] == -2.6122966560092728
    assert float(found.gradient["b"].value) == pytest.approx(-661.68280132266, rel=1e-12)
    assert found.verdict is Verdict.PROVED


@pytest.mark.parametrize("depth", [1, 2, 7, 50, 1000])
def test_values_on_the_line_are_those_of_long_runs(depth: int) -> None:
    curve, target = problem()
    found = values_on(curve, target, HALF, 5, depth)
    exact = {"w": 5, "b": curve.expressions["b"].subs(w, 5)}
    outcome = run(target, HALF, exact, depth, 30 + depth // 10)
    assert outcome.loss is not None
    assert found.loss == pytest.approx(float(outcome.loss.value), rel=1e-14)
    for name in ("w", "b"):
        assert float(found.gradient[name].log_abs) == pytest.approx(float(outcome.gradient[name].log_abs), abs=1e-12)
        assert found.gradient[name].sign == outcome.gradient[name].sign
    assert float(found.product.log_abs) == pytest.approx(float(outcome.product.log_abs), abs=1e-12)


@pytest.mark.parametrize(
    ("text", "loss", "start", "at", "place", "depth"),
    [
        (REFERENCE, LOSS, HALF, -6, 1, 31),
        (REFERENCE, LOSS, HALF, -6, 1, 32),
        (REFERENCE, LOSS, 2, 12, 0, 40),
        ("tanh(w*x + b)", "(x - w/5)**2 + b**2", HALF, 2, 0, 30),
        ("tanh(3/2*x) | w*x + b", LOSS, HALF, 2, 0, 25),
        ("w*softplus(x) + b", None, HALF, 2, 0, 20),
        ("w*relu(x) + b", LOSS, HALF, 2, 0, 20),
        ("w*gelu(x) + b", LOSS, HALF, 2, 0, 20),
        ("w*sin(x) + b", LOSS, HALF, 3, 3, 1),
        ("w*sin(x) + b", LOSS, HALF, 3, 3, 9),
    ],
)
def test_values_of_other_chains(text: str, loss: str | None, start: Any, at: int, place: int, depth: int) -> None:
    curve, target = problem(text, loss, start=start, place=place)
    found = values_on(curve, target, start, at, depth)
    exact = {"w": at, "b": expand_activations(curve.expressions["b"].subs(w, at))}
    outcome = run(target, curve.start, exact, depth, 80)
    for name in ("w", "b"):
        expected = float(outcome.gradient[name].value)
        assert float(found.gradient[name].value) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 5, 8])
def test_values_on_a_repelling_two_cycle(depth: int) -> None:
    chain = composition_from_text("w*x**2 + b", depth=n)
    (curve,) = [c for c in cliff_curves(chain, ("w", "b"), HALF) if c.period == 2]
    target = gradient(chain, "(x - 1)**2", wrt=("w", "b"))
    with pytest.raises(InputError, match="outside the curve"):
        values_on(curve, target, HALF, 10, depth)
    at = {name: e.subs(curve.parameter, -2) for name, e in curve.expressions.items() if name != "x"}
    found = values_on(curve, target, HALF, -2, depth)
    outcome = run(target, HALF, at, depth, 60)
    assert found.state == pytest.approx(float(outcome.state[0]), rel=1e-14)
    for name in ("w", "b"):
        assert float(found.gradient[name].value) == pytest.approx(float(outcome.gradient[name].value), rel=1e-12)


def test_at_the_end_of_the_line_the_sum_grows_like_the_depth() -> None:
    curve, target = problem("tanh(w*x + b)", None)
    found = values_on(curve, target, HALF, Rational(4, 3), 1000)
    assert float(found.gradient["b"].value) == pytest.approx(1000 * 0.75, rel=1e-14)
    with pytest.raises(InputError, match="end of the curve"):
        wall_profile(curve, target, HALF, Rational(4, 3), 1000)


def test_a_depth_of_a_thousand_million_costs_nothing() -> None:
    curve, target = problem()
    found = values_on(curve, target, HALF, 5, 10**9)
    ctx = mpmath.ctx_mp.MPContext()
    ctx.dps = 60
    s = 1 / (1 + ctx.exp(-ctx.mpf(1) / 2))
    mu = 5 * s * (1 - s)
    expected = ctx.log(2 * (ctx.mpf(7) / 10 - s) * s * (1 - s) / (mu - 1)) + 10**9 * ctx.log(mu)
    assert float(found.gradient["b"].log_abs) == pytest.approx(float(expected), rel=1e-15)
    assert found.gradient["b"].sign == -1


@pytest.mark.parametrize(("at", "depth", "place"), [(5, 50, 0), (6, 50, 0), (6, 120, 0), (8, 60, 0), (-6, 61, 1)])
def test_the_height_beside_the_line_is_that_of_long_runs(at: int, depth: int, place: int) -> None:
    curve, target = problem(place=place)
    profile = wall_profile(curve, target, HALF, at, depth)
    tolerance = max(1e-10, 10 * profile.accuracy)
    heights = []
    for u in (profile.peak, profile.peak - 0.03, profile.peak + 0.03):
        outcome = run(target, HALF, {"w": at, "b": beside(curve, at, profile, u)}, depth, 80)
        heights.append(float(outcome.gradient["b"].log_abs))
        assert outcome.gradient["b"].sign == profile.height.sign
    assert profile.height_log == pytest.approx(heights[0], abs=tolerance)
    assert heights[0] > max(heights[1:])
    assert profile.height_log > float(profile.on_line.log_abs)


def test_the_width_is_that_of_a_fine_scan() -> None:
    curve, target = problem()
    profile = wall_profile(curve, target, HALF, 6, 40)
    line = float(expand_activations(curve.expressions["b"]).subs(w, 6).evalf(20))
    offsets = np.linspace(-5, 5, 8001) / float(profile.scale.value)
    outcome = to_kernel(target)(0.5, {"w": 6.0, "b": line + offsets}, depth=40)
    sizes = np.abs(outcome.gradient["b"].value)
    above = offsets[sizes >= sizes.max() / 2]
    assert profile.width is not None
    assert float(profile.width.value) == pytest.approx(above[-1] - above[0], rel=1e-2)
    assert profile.height_log == pytest.approx(math.log(sizes.max()), abs=1e-3)


def test_the_losses_beside_the_wall_are_those_the_start_settles_at() -> None:
    curve, target = problem()
    profile = wall_profile(curve, target, HALF, 6, 1000)
    line = float(expand_activations(curve.expressions["b"]).subs(w, 6).evalf(20))
    outcome = to_kernel(target)(0.5, {"w": 6.0, "b": line + np.array([-1e-9, 1e-9])}, depth=2000)
    assert outcome.loss is not None
    assert [profile.loss_below, profile.loss_above] == pytest.approx(outcome.loss.value.tolist(), abs=1e-8)


def test_heights_grow_like_the_multiplier_and_widths_shrink_alike() -> None:
    curve, target = problem()
    low, high = (wall_profile(curve, target, HALF, 6, depth) for depth in (1000, 10**9))
    mu = math.log(low.multiplier)
    assert high.height_log - low.height_log == pytest.approx((10**9 - 1000) * mu, rel=1e-14)
    assert low.width_log + low.height_log == pytest.approx(high.width_log + high.height_log, abs=1e-6)
    assert low.growth == f"mu^T with mu = {6 / (2 + 2 * math.cosh(0.5)):.12g}"


@pytest.mark.parametrize("depth", [60, 1000])
def test_the_type_of_a_wall_is_two(depth: int) -> None:
    curve, target = problem()
    assert wall_profile(curve, target, HALF, 5, depth).exponent == pytest.approx(2, abs=2e-3)


@pytest.mark.parametrize("text", ["w*softplus(x) + b", "w*relu(x) + b", "w*x + b"])
def test_a_loss_without_bound_has_no_peak(text: str) -> None:
    curve, target = problem(text, "(x - 1)**2")
    profile = wall_profile(curve, target, HALF, 2, 100)
    assert not profile.bounded
    assert profile.width is None
    assert profile.height_log == float(profile.on_line.log_abs)
    assert profile.loss_above == math.inf
    assert (profile.loss_below == math.inf) == (text == "w*x + b")


def test_the_poincare_function_satisfies_its_equation_and_is_the_limit_of_iterates() -> None:
    curve, target = problem()
    place = place_on(curve, 6)
    function = poincare_function(place, compiled_steps(curve, target), place.value(HALF), place.value(curve.multiplier))
    u = np.linspace(-50, 50, 201)
    state, slope, bend = function(u)
    ahead, ahead_slope, _ = function(function.multiplier * u)
    image = 6 / (1 + np.exp(-state)) + place.point["b"]
    assert np.max(np.abs(ahead - image)) < 1e-11
    assert (
        np.max(np.abs(function.multiplier * ahead_slope - (6 * np.exp(-state) / (1 + np.exp(-state)) ** 2) * slope))
        < 1e-11
    )
    step = 1e-5
    assert np.max(np.abs((function(u + step)[1] - function(u - step)[1]) / (2 * step) - bend)) < 1e-7
    ctx = mpmath.ctx_mp.MPContext()
    ctx.dps = 90
    half = ctx.mpf(1) / 2
    b, mu = half - 6 / (1 + ctx.exp(-half)), 6 / (2 + 2 * ctx.cosh(half))
    for at in (-7.0, 0.3, 20.0):
        x = half + at / mu**300
        for _ in range(300):
            x = 6 / (1 + ctx.exp(-x)) + b
        assert float(function(np.array([at]))[0][0]) == pytest.approx(float(x), abs=1e-11)


def test_a_series_that_misses_its_equation_is_refused() -> None:
    curve, target = problem()
    place = place_on(curve, 6)
    function = poincare_function(place, compiled_steps(curve, target), place.value(HALF), place.value(curve.multiplier))
    false = function.series.copy()
    false[2] *= 1.01
    assert held(function) is function
    with pytest.raises(InputError, match="misses its functional equation"):
        held(replace(function, series=false))


def test_walls_of_every_depth_fall_on_one_curve() -> None:
    curve, target = problem()
    found = collapse(curve, target, HALF, 6, (20, 100, 1000, 10**6), np.linspace(-30, 30, 61))
    assert found.states.shape == (4, 61)
    assert found.difference[0] > 1e-2
    assert np.all(found.difference[1:] < 1e-10)
    profile = wall_profile(curve, target, HALF, 6, 100)
    for place in (0, 25, 40):
        b = beside(curve, 6, profile, float(found.scaled[place]))
        outcome = run(target, HALF, {"w": 6, "b": b}, 100, 60)
        assert found.states[1, place] == pytest.approx(float(outcome.state[0]), abs=1e-10)


def test_the_fold_grows_like_the_cube_of_the_depth_in_the_end() -> None:
    curve, target = problem(origin="fold")
    ridges = {depth: fold_ridge(curve, target, HALF, Rational(41, 10), depth) for depth in (800, 6400)}
    assert ridges[800].local_exponent == pytest.approx(2.66, abs=0.05)
    assert ridges[6400].local_exponent == pytest.approx(2.96, abs=0.01)
    assert ridges[6400].law_exponent == 3
    assert ridges[800].exponent == pytest.approx(2, abs=0.05)
    assert ridges[800].offset / ridges[6400].offset == pytest.approx(64, rel=0.15)


def test_the_ridge_of_a_fold_is_the_highest_place_of_a_scan() -> None:
    curve, target = problem(origin="fold")
    found = fold_ridge(curve, target, HALF, Rational(41, 10), 400)
    s = 0.5 + math.sqrt(0.25 - 1 / 4.1)
    fold = math.log(s / (1 - s)) - 1 / (1 - s)
    assert found.on_curve["b"] == pytest.approx(fold, abs=1e-14)
    kernel = to_kernel(target)
    scan = fold - np.linspace(-2e-3, 2e-3, 8001)
    sizes = np.abs(kernel(0.5, {"w": 4.1, "b": scan}, depth=400).gradient["b"].value)
    assert found.point["b"] == pytest.approx(scan[np.argmax(sizes)], abs=1e-6)
    assert found.height_log == pytest.approx(math.log(sizes.max()), abs=1e-4)
    half = scan[sizes >= sizes.max() / 2]
    assert found.width is not None
    assert float(found.width.value) == pytest.approx(np.ptp(half), rel=0.02)
    there = kernel(0.5, {"w": 4.1, "b": found.point["b"]}, depth=400)
    for name in ("w", "b"):
        assert float(found.gradient[name].value) == pytest.approx(float(there.gradient[name].value), rel=1e-6)


def test_the_ridge_of_a_flip_grows_like_the_root_of_the_depth() -> None:
    curve, target = problem(origin="flip")
    found = fold_ridge(curve, target, HALF, -5, 1600)
    assert found.local_exponent == pytest.approx(0.5, abs=0.02)
    assert found.offset * 1600 == pytest.approx(2.8, abs=0.3)
    assert found.stands_out


def test_at_infinity_the_state_leaves_like_the_depth() -> None:
    curve, target = problem("w*softplus(x) + b", None, origin="infinity")
    found = fold_ridge(curve, target, HALF, 1, 2000)
    assert found.local_exponent == pytest.approx(2, abs=0.01)
    assert not found.stands_out
    kernel = to_kernel(target)(0.5, {"w": 1.0, "b": 1.0}, depth=2000)
    assert float(found.gradient["w"].value) == pytest.approx(float(kernel.gradient["w"].value), rel=1e-10)


def test_where_nothing_stands_out_the_values_are_those_on_the_curve() -> None:
    curve, target = problem("w*softplus(x) + b", "(x - 1)**2", origin="fold")
    found = fold_ridge(curve, target, HALF, Rational(13, 10), 400)
    assert not found.stands_out
    assert found.point == found.on_curve
    assert "no peak" in found.growth
    assert found.width is None


def test_peaks_at_the_edge_are_not_called_peaks() -> None:
    assert not highest(lambda u: u**2, np.linspace(-1, 1, 9)).inside
    one_sided = highest(
        lambda u: np.where(u < 0, 1.0, np.exp(-u)) * (1 + 1e-3 * np.exp(-(u**2))), np.linspace(-9, 9, 99)
    )
    assert not one_sided.inside


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": Rational(1, 3)}, "belongs to the start 1/2"),
        ({"at": 4}, "outside the curve"),
        ({"at": "5"}, "must be a number"),
        ({"depth": 0}, "positive integer"),
    ],
)
def test_what_does_not_belong_together_is_refused(change: dict[str, Any], message: str) -> None:
    curve, target = problem()
    given: dict[str, Any] = {"start": HALF, "at": 5, "depth": 50} | change
    for function in (values_on, wall_profile):
        with pytest.raises(InputError, match=message):
            function(curve, target, given["start"], given["at"], given["depth"])


def test_the_wall_at_a_kink_has_no_profile_but_the_values_of_the_kernel() -> None:
    curve, target = problem("w*relu(x) + b", start=-1)
    found = values_on(curve, target, -1, 2, 30)
    outcome = to_kernel(target)(-1.0, {"w": 2.0, "b": 0.0}, depth=30)
    for name in ("w", "b"):
        assert float(found.gradient[name].value) == pytest.approx(float(outcome.gradient[name].value), rel=1e-14)
    with pytest.raises(InputError, match="is a kink"):
        wall_profile(curve, target, -1, 2, 30)


def test_a_profile_next_to_the_end_of_the_line_is_refused_instead_of_taking_minutes() -> None:
    curve, target = problem()
    for at, depth in (("4.2553", 10**5), ("4.256", 10**6)):
        with pytest.raises(InputError, match="so near ±1"):
            wall_profile(curve, target, HALF, Rational(at), depth)


def test_curves_of_the_wrong_kind_are_refused() -> None:
    fold, target = problem(origin="fold")
    line, _ = problem()
    with pytest.raises(InputError, match="basin line"):
        values_on(fold, target, HALF, Rational(41, 10), 50)
    with pytest.raises(InputError, match="basin line"):
        wall_profile(fold, target, HALF, Rational(41, 10), 50)
    with pytest.raises(InputError, match="no ridge"):
        fold_ridge(line, target, HALF, 5, 50)
    with pytest.raises(InputError, match="out of reach"):
        fold_ridge(fold, target, HALF, Rational(41, 10), 10**6)
    with pytest.raises(InputError, match="has no value"):
        values_on(line, replace(target, loss=sympy.Symbol("c", real=True) * w), HALF, 5, 50)
