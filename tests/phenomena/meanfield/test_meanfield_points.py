"""Fixed lengths, correlations and critical points: published numbers, laws over the activation table, bad input."""

import math

import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.maps import ACTIVATIONS
from symgrad.phenomena.meanfield.correlations import Phase, correlation_map, depth_scale, mean_field, phase_of
from symgrad.phenomena.meanfield.criticality import critical_line, critical_point, critical_points
from symgrad.phenomena.meanfield.length_maps import Stability, end_of_moments, length_map
from symgrad.phenomena.meanfield.moments import moments
from symgrad.phenomena.meanfield.nonlinearities import nonlinearity
from symgrad.phenomena.meanfield.phase_planes import phase_plane

TABLE = sorted(ACTIVATIONS)
GRAPHS = ((0.7, 0.05), (1.4, 0.0), (2.5, 0.05))


def test_the_critical_point_of_tanh_has_all_its_digits() -> None:
    found = critical_point(nonlinearity("tanh"), sigma_b2=0.05)
    assert found is not None
    # By mpmath with 30 digits: 1.76095463960673913163, 0.57004788164076414999.
    assert found.sigma_w2 == pytest.approx(1.7609546396067386, abs=1e-12)
    assert found.q == pytest.approx(0.5700478816407639, abs=1e-12)


def test_the_chaotic_tanh_network() -> None:
    found = mean_field(nonlinearity("tanh"), sigma_w2=2.5, sigma_b2=0.05)
    assert (found.chi1, found.c) == (pytest.approx(1.133515699, abs=1e-9), pytest.approx(0.4468042323, abs=1e-9))
    assert found.phase is Phase.CHAOTIC


def test_selu_is_self_normalising() -> None:
    # Klambauer et al. (2017), section 2: mean 0 and variance 1 are fixed for σ_w² = 1, σ_b = 0, and attract.
    found = length_map(nonlinearity("selu"), sigma_w2=1.0, sigma_b2=0.0).attractor
    assert found is not None
    assert found.q == pytest.approx(1.0, abs=1e-13)
    assert found.stability is Stability.STABLE


def test_he_initialisation_is_critical_for_relu() -> None:
    free = length_map(nonlinearity("relu"), sigma_w2=2.0, sigma_b2=0.0)
    assert [p.stability for p in free.fixed_points] == [Stability.ANY]
    biased = length_map(nonlinearity("relu"), sigma_w2=2.0, sigma_b2=0.05)
    assert biased.fixed_points == ()
    assert "no fixed point, the length grows by 0.05" in biased.sentence


def test_the_error_function_has_its_exact_critical_point() -> None:
    # χ₁ = 1: σ_w² = (π/4)√(1 + 4q), and the length equation in closed form.
    for sigma_b2 in (0.01, 0.3, 2.0):
        found = critical_point(nonlinearity("erf"), sigma_b2=sigma_b2)
        assert found is not None
        assert found.q is not None
        weight = math.pi / 4 * math.sqrt(1 + 4 * found.q)
        length = weight * 2 / math.pi * math.asin(2 * found.q / (1 + 2 * found.q)) + sigma_b2
        assert found.sigma_w2 == pytest.approx(weight, rel=1e-12)
        assert found.q == pytest.approx(length, rel=1e-12)


def test_exp_has_the_critical_point_derived_by_hand() -> None:
    # W = S = exp(2q): q = 1 + σ_b², σ_w² = exp(-2q), with V' = 2.
    (found,) = critical_points(nonlinearity("exp"), sigma_b2=0.25)
    assert (found.q, found.sigma_w2) == (pytest.approx(1.25, rel=1e-12), pytest.approx(math.exp(-2.5), rel=1e-12))
    assert (found.slope, found.stable) == (pytest.approx(2.0, rel=1e-12), False)
    assert end_of_moments(nonlinearity("exp")) is not None


def test_a_length_map_with_two_fixed_points_has_one_of_each_kind() -> None:
    for name in ("gelu", "silu", "mish"):
        found = length_map(nonlinearity(name), sigma_w2=2.0, sigma_b2=0.05)
        assert [p.stability.word for p in found.fixed_points] == ["stable", "unstable"]
        assert "grows without bound from lengths above" in found.sentence


def test_two_fixed_points_are_found_just_before_they_meet() -> None:
    # q = w exp(2q) has its double root at w = exp(-1)/2, q = 1/2; a relative 2δ² below, the roots are 1/2 ± δ.
    w = math.exp(-1) / 2
    close = length_map(nonlinearity("exp"), sigma_w2=w * (1 - 1e-6), sigma_b2=0.0).fixed_points
    assert [p.q for p in close] == pytest.approx([0.5 - math.sqrt(5e-7), 0.5 + math.sqrt(5e-7)], abs=1e-6)
    assert length_map(nonlinearity("exp"), sigma_w2=w * (1 + 1e-6), sigma_b2=0.0).fixed_points == ()


def test_an_odd_network_without_biases_just_above_criticality_keeps_inputs_unrelated() -> None:
    found = mean_field(nonlinearity("tanh"), sigma_w2=1.0 + 1e-5, sigma_b2=0.0)
    assert found.chi1 is not None
    assert 0 < found.chi1 - 1.0 < 1e-9
    assert found.c == 0.0
    assert [p.stability.word for p in found.lengths.fixed_points] == ["unstable", "stable"]
    barely = length_map(nonlinearity("tanh"), sigma_w2=1.0 + 1e-11, sigma_b2=0.0)
    assert [p.stability.word for p in barely.fixed_points] == ["unstable", "stable"]


def test_a_length_that_creeps_beyond_rounding_is_said_to_grow() -> None:
    # softplus² exceeds relu² everywhere: at σ_w² = 2 the excess is below rounding at the far end of the scan.
    assert "grows without bound" in length_map(nonlinearity("softplus"), sigma_w2=2.0, sigma_b2=0.0).sentence
    assert length_map(nonlinearity("gelu"), sigma_w2=2.0, sigma_b2=0.0).sentence == ""


def test_tanh_without_biases_is_critical_at_length_zero() -> None:
    found = critical_points(nonlinearity("tanh"), sigma_b2=0.0)
    assert [(p.sigma_w2, p.q, p.stable) for p in found] == [(1.0, 0.0, True)]
    at = mean_field(nonlinearity("tanh"), sigma_w2=1.0, sigma_b2=0.0)
    assert (at.chi1, at.c, at.phase) == (1.0, None, Phase.CRITICAL)


@pytest.mark.parametrize("name", TABLE)
def test_every_fixed_point_is_fixed_and_its_stability_is_that_of_the_orbit(name: str) -> None:
    phi = nonlinearity(name)
    for weight, bias in GRAPHS:
        for point in length_map(phi, sigma_w2=weight, sigma_b2=bias).fixed_points:
            at = moments(phi, np.array([point.q]))
            assert weight * at.square[0] + bias == pytest.approx(point.q, rel=1e-12, abs=1e-15)
            if point.q > 0 and point.stability is not Stability.ANY and abs(abs(point.slope) - 1) > 1e-3:
                start = point.q * (1 + 1e-4)
                after = weight * moments(phi, np.array([start])).square[0] + bias
                nearer = abs(after - point.q) < abs(start - point.q)
                assert nearer == (point.stability is Stability.STABLE)


@pytest.mark.parametrize("name", TABLE)
def test_critical_points_are_fixed_and_have_chi_1(name: str) -> None:
    phi = nonlinearity(name)
    for bias in (0.0, 0.05):
        for point in critical_points(phi, sigma_b2=bias):
            if point.q is not None:
                at = moments(phi, np.array([point.q]))
                assert point.sigma_w2 * at.slope_square[0] == pytest.approx(1.0, abs=1e-12)
                assert point.sigma_w2 * at.square[0] + bias == pytest.approx(point.q, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("name", TABLE)
def test_the_fixed_correlation_is_fixed_and_attracts(name: str) -> None:
    phi = nonlinearity(name)
    for weight, bias in GRAPHS:
        found = mean_field(phi, sigma_w2=weight, sigma_b2=bias)
        if found.c is None or found.point is None or found.chi_c is None:
            continue
        after = correlation_map(phi, found.point.q, sigma_w2=weight, sigma_b2=bias, c=found.c)
        assert after == pytest.approx(found.c, abs=1e-10)
        assert found.chi_c <= 1.0 + 1e-12
        assert (found.c == 1.0) == (found.chi1 is not None and found.chi1 <= 1.0)


def test_the_critical_line_is_where_the_plane_says_critical() -> None:
    phi = nonlinearity("tanh")
    line = critical_line(phi, np.array([0.1, 0.5, 2.0]))
    for weight, bias in zip(line.sigma_w2, line.sigma_b2, strict=True):
        plane = phase_plane(phi, np.array([math.sqrt(weight)]), np.array([math.sqrt(bias)]))
        assert plane.chi1[0, 0] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("name", ["tanh", "gelu", "softsign", "relu"])
def test_a_plane_holds_the_numbers_of_its_points(name: str) -> None:
    phi, weights, biases = nonlinearity(name), np.array([0.6, 1.2, 1.9]), np.array([0.0, 0.4])
    plane = phase_plane(phi, weights, biases, correlations=name == "tanh")
    for i, w in enumerate(weights):
        for j, b in enumerate(biases):
            found = mean_field(phi, sigma_w2=w * w, sigma_b2=b * b)
            if found.chi1 is None:
                assert math.isnan(plane.chi1[i, j])
            else:
                assert plane.chi1[i, j] == pytest.approx(found.chi1, rel=1e-12)
            if plane.c is not None and found.c is not None:
                assert plane.c[i, j] == pytest.approx(found.c, abs=1e-4)


def test_phases_and_scales_of_chi() -> None:
    assert [phase_of(v).word for v in (0.5, 1.0, 1.0 + 1e-14, 2.0)] == ["ordered", "critical", "critical", "chaotic"]
    assert depth_scale(math.exp(-0.1)) == pytest.approx(10.0)


BAD = [
    ({"sigma_w2": -1.0, "sigma_b2": 0.1}, "sigma_w2 must be a variance"),
    ({"sigma_w2": 1.0, "sigma_b2": -0.1}, "sigma_b2 must be a variance"),
    ({"sigma_w2": math.nan, "sigma_b2": 0.1}, "sigma_w2 must be a variance"),
    ({"sigma_w2": 1.0, "sigma_b2": math.inf}, "sigma_b2 must be a variance"),
    ({"sigma_w2": 0.0, "sigma_b2": 0.1}, "sigma_w2 must be positive"),
    ({"sigma_w2": 1e14, "sigma_b2": 0.1}, "lies beyond q = 1e"),
    ({"sigma_w2": 0.5, "sigma_b2": 1e-14}, "lies below q = 1e-12"),
]


@pytest.mark.parametrize(("given", "part"), BAD)
def test_what_is_no_variance_or_out_of_range_is_refused(given: dict[str, float], part: str) -> None:
    with pytest.raises(InputError, match=part):
        mean_field(nonlinearity("tanh"), **given)


def test_a_correlation_and_an_axis_are_checked() -> None:
    with pytest.raises(InputError, match="c must be a correlation"):
        correlation_map(nonlinearity("tanh"), 1.0, sigma_w2=1.0, sigma_b2=0.0, c=1.5)
    with pytest.raises(InputError, match="q must be a positive"):
        correlation_map(nonlinearity("tanh"), 0.0, sigma_w2=1.0, sigma_b2=0.0, c=0.5)
    with pytest.raises(InputError, match="sigma_w must be a row"):
        phase_plane(nonlinearity("tanh"), np.array([0.0, 1.0]), np.array([0.1]))
