"""Lyapunov spectra against exact values and published digits; orbits that die, explode or are annihilated."""

import math

import mpmath
import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Composition, Map, stack
from symgrad.phenomena.spectra import frames
from symgrad.phenomena.spectra.fates import OrbitFate
from symgrad.phenomena.spectra.lyapunov import Spectrum, lyapunov_spectrum
from symgrad.phenomena.spectra.sum_rule import exact_sum
from symgrad.phenomena.spectra.systems import NumericMap

HENON = Map(("1 - 1.4*x**2 + y", "0.3*x"), ("x", "y"))
LOGISTIC = Map("r*x*(1 - x)", "x")
GOLDEN = math.log((3 + math.sqrt(5)) / 2)


def of(text: str, start: object, **options: object) -> Spectrum:
    layer = Map.from_text(text, ("x", "y") if ";" in text else "x")
    return lyapunov_spectrum(layer, start, **options)  # type: ignore[arg-type]


def test_henon_has_the_published_exponents_and_the_exact_sum() -> None:
    # Sprott, Chaos and Time-Series Analysis (2003), app. A: 0.41922, -1.62319, dimension 1.25826.
    found = lyapunov_spectrum(HENON, (0.1, 0.1), steps=500, orbits=400, transient=100)
    assert found.exponents == pytest.approx([0.41922, -1.62319], abs=5 * found.standard_error[0])
    assert found.standard_error[0] < 0.001
    assert found.exponents.sum() == pytest.approx(math.log(0.3), abs=1e-15)
    assert found.sum_measured == pytest.approx(math.log(0.3), abs=1e-13)
    assert str(found.sum_exact) == "log(3/10)"
    assert float(found.dimension) == pytest.approx(1.25826, abs=0.002)


def test_one_long_orbit_gives_what_many_short_ones_give() -> None:
    long = lyapunov_spectrum(HENON, (0.1, 0.1), steps=60_001, transient=500)
    assert long.exponents[0] == pytest.approx(0.41922, abs=4 * long.standard_error[0])
    assert 1e-4 < long.standard_error[0] < 5e-3


@pytest.mark.parametrize("steps", [3000, 5000])
def test_short_and_long_way_measure_the_same_orbit_alike(steps: int) -> None:
    # Below and above the length from which one orbit is cut into stretches; the quasi-periodic orbit has rates near 0.
    layer = Map(("x + y + K*sin(x)", "y + K*sin(x)"), ("x", "y"))
    found = lyapunov_spectrum(layer, (2.9, 0.1), parameters={"K": 0.1}, steps=steps)
    assert abs(found.exponents[0]) < 0.004
    assert found.exponents.sum() == pytest.approx(0, abs=1e-15)


def test_the_logistic_map_at_4_has_rate_log_2() -> None:
    found = lyapunov_spectrum(LOGISTIC, 0.1, parameters={"r": 4.0}, steps=200_000)
    assert found.exponents[0] == pytest.approx(math.log(2), abs=1e-4)
    assert found.verdict is Verdict.SAMPLED
    assert found.fate is OrbitFate.BOUNDED


@pytest.mark.parametrize(
    ("r", "exact"),
    [(2.5, math.log(0.5)), (3.2, 0.5 * math.log(0.16)), (3.44, 0.5 * math.log(abs(4 + 2 * 3.44 - 3.44**2)))],
)
def test_a_settled_orbit_has_the_rate_of_its_cycle(r: float, exact: float) -> None:
    found = lyapunov_spectrum(LOGISTIC, 0.3, parameters={"r": r}, steps=1001, transient=3000)
    assert found.exponents[0] == pytest.approx(exact, abs=1e-12)
    assert found.fate is OrbitFate.SETTLED
    assert found.standard_error[0] == 0


def test_a_superattracting_cycle_has_rate_minus_infinity() -> None:
    assert lyapunov_spectrum(LOGISTIC, 0.3, parameters={"r": 2.0}, steps=500).exponents.tolist() == [-math.inf]


def test_the_cat_map_has_its_exact_exponents() -> None:
    found = of("Mod(x + y, 1); Mod(x + 2*y, 1)", (0.1, 0.2), steps=500)
    assert found.exponents == pytest.approx([GOLDEN, -GOLDEN], abs=1e-14)
    assert found.sum_exact == 0


def test_lozi_agrees_with_its_published_exponents() -> None:
    # Sprott (2003), app. A: a = 1.7, b = 0.5: 0.47023, -1.16338.
    found = of("1 - 1.7*abs(x) + y; 0.5*x", (-0.1, 0.1), steps=500, orbits=400, transient=100)
    assert found.exponents == pytest.approx([0.47023, -1.16338], abs=6 * found.standard_error[0])
    assert str(found.sum_exact) == "-log(2)"


def test_the_contracting_direction_of_the_kaplan_yorke_map_is_right() -> None:
    # Kaplan & Yorke (1979): x -> 3x mod 1 expands by log 3, y by log α whatever the orbit.
    found = of("3*x - floor(3*x); 0.2*y + cos(4*pi*x)", (0.1234, 0.1), steps=5000)
    assert found.exponents == pytest.approx([math.log(3), math.log(0.2)], abs=1e-3)
    assert found.exponents.sum() == pytest.approx(math.log(0.6), abs=1e-14)


@pytest.mark.parametrize("text", ["2*x - floor(2*x)", "1 - 2*abs(x - 1/2)", "Min(2*x, 2 - 2*x)", "4*x - floor(4*x)"])
@pytest.mark.parametrize("steps", [300, 20_000])
def test_an_orbit_that_dies_in_binary_arithmetic_gives_no_number(text: str, steps: int) -> None:
    found = of(text, 0.1, steps=steps)
    assert found.fate is OrbitFate.DIED
    assert np.isnan(found.exponents).all()
    assert found.verdict is Verdict.UNDECIDED
    assert "died in binary arithmetic" in found.status
    assert 20 < int(found.ended[0]) < 60


def test_a_start_on_a_repelling_fixed_point_has_not_died() -> None:
    found = lyapunov_spectrum(LOGISTIC, 0.75, parameters={"r": 4.0}, steps=200)
    assert found.exponents.tolist() == [pytest.approx(math.log(2), abs=1e-15)]
    assert found.fate is OrbitFate.SETTLED


@pytest.mark.parametrize("steps", [100, 10_000])
def test_an_exploding_orbit_says_at_which_step(steps: int) -> None:
    found = of("x**2", 2.0, steps=steps)
    assert found.fate is OrbitFate.EXPLODED
    assert not found.period.any()
    assert int(found.ended[0]) == 10
    assert "step 10" in found.status
    assert np.isnan(found.exponents).all()


@pytest.mark.parametrize("steps", [100, 10_000])
def test_an_orbit_that_leaves_the_domain_is_named(steps: int) -> None:
    found = of("sqrt(x) - 1", 2.0, steps=steps)
    assert found.fate is OrbitFate.UNDEFINED
    assert int(found.ended[0]) == 3


def test_a_constant_jacobian_has_exponents_wherever_the_orbit_goes() -> None:
    found = of("2*x", 1.0, steps=5000)
    assert found.exponents.tolist() == [math.log(2)]
    assert "the exponents stand" in found.status


def test_singular_weights_annihilate_a_direction() -> None:
    found = of("tanh(x + 2*y); tanh(2*x + 4*y)", (0.3, 0.1), steps=300)
    assert math.isfinite(found.exponents[0])
    assert found.exponents[1] == -math.inf
    assert int(found.annihilated) == 1
    assert "annihilated" in found.status


def test_a_factor_below_every_float_is_no_zero() -> None:
    # tanh(800x) saturates at 1 with the factor 800/cosh(800)^2.
    found = of("tanh(800*x)", 0.5, steps=40)
    assert found.exponents[0] == pytest.approx(math.log(800) - 2 * (800 - math.log(2)), rel=1e-12)


@pytest.mark.parametrize("rates", [(0.0, -30.0), (0.5, -3.0, -30.0, -31.0), (-5.0, -5.0, -700.0)])
def test_the_smallest_exponent_is_as_right_as_the_largest(rates: tuple[float, ...]) -> None:
    d = len(rates)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(d, d)))[0]
    matrix = np.diag(np.exp(rates))
    frame = frames.TangentFrame(turn[:, :, None].copy())
    jacobian = [frames_jacobian(matrix)]
    for count in range(240):
        if count == 40:
            frame.take()
        frame.push(jacobian)
    assert frame.take()[:, 0] / 200 == pytest.approx(np.sort(rates)[::-1], abs=1e-10)


def frames_jacobian(matrix: np.ndarray) -> frames.Jacobian:
    from symgrad.phenomena.spectra.jacobians import Dense

    return Dense(matrix)


@pytest.fixture
def never_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "LIMIT", math.inf)
    monkeypatch.setattr(frames, "FAR", math.inf)


def smallest_of_henon() -> float:
    return float(lyapunov_spectrum(HENON, (0.1, 0.1), steps=800).sum_measured)


@pytest.mark.parametrize("d", [2, 3, 4])
def test_saturated_units_keep_every_exponent(d: int) -> None:
    # Slopes down to 1e-25 in front of full weights, against QR in 400 digits.
    rng, context = np.random.default_rng(5), mpmath.MPContext()
    context.dps = 400
    frame, exact, sums = frames.TangentFrame.unit(d, 1), context.eye(d), np.zeros(d)
    for _ in range(12):
        matrix = np.diag(10.0 ** rng.uniform(-25, 0, d)) @ rng.normal(size=(d, d))
        frame.push([frames_jacobian(matrix)])
        exact, upper = context.qr(context.matrix(matrix.tolist()) * exact)
        sums += [float(context.log(abs(upper[i, i]))) for i in range(d)]
    assert frame.take()[:, 0] == pytest.approx(sums, abs=1e-10)
    assert frame.rounding.max() < 1e-9


def test_the_measured_sum_keeps_the_rule() -> None:
    assert smallest_of_henon() == pytest.approx(math.log(0.3), abs=1e-13)


@pytest.mark.usefixtures("never_measured")
def test_without_a_limit_on_the_spread_the_smallest_exponent_is_wrong() -> None:
    assert smallest_of_henon() != pytest.approx(math.log(0.3), abs=0.01)


WEIGHTS = np.random.default_rng(0).normal(size=(4, 4)) / 2
NAMES = ("x0", "x1", "x2", "x3")
ROWS = ["+".join(f"({float(v)!r})*{s}" for v, s in zip(row, NAMES, strict=True)) for row in WEIGHTS]
NETWORK = Map([f"tanh(g*({row}) + b)" for row in ROWS], NAMES)
START = np.linspace(0.1, 0.5, 4)


def by_hand(weights: np.ndarray, b: float, start: np.ndarray, steps: int) -> np.ndarray:
    state, frame, sums = start, np.eye(len(start)), np.zeros(len(start))
    for _ in range(steps):
        state = np.tanh(weights @ state + b)
        frame, upper = np.linalg.qr((1 - state**2)[:, None] * weights @ frame)
        sums += np.log(np.abs(np.diag(upper)))
    return np.asarray(-np.sort(-sums / steps))


def test_a_grid_of_networks_agrees_with_qr_at_every_step() -> None:
    g, b = np.array([[0.9], [2.5]]), np.array([0.0, 0.1, 0.2])
    found = lyapunov_spectrum(NETWORK, START, parameters={"g": g, "b": b}, steps=40)
    assert found.exponents.shape == (4, 2, 3)
    assert (found.period == 0).all()
    for i in range(2):
        for j in range(3):
            single = by_hand(g[i, 0] * WEIGHTS, float(b[j]), START, 40)
            assert found.exponents[:, i, j] == pytest.approx(single, abs=1e-9)


def test_weights_given_as_numbers_are_multiplied_at_once() -> None:
    found = lyapunov_spectrum(NETWORK, START, parameters={"g": 2.5, "b": 0.1}, steps=40)
    assert found.exponents == pytest.approx(by_hand(2.5 * WEIGHTS, 0.1, START, 40), abs=1e-9)


def test_a_numeric_map_of_many_units_agrees_with_qr_at_every_step() -> None:
    rng = np.random.default_rng(3)
    weights, start = 2 * rng.normal(size=(20, 20)) / math.sqrt(20), rng.normal(size=20)

    def step(state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        new = np.tanh(weights @ state)
        return new, (1 - new**2)[:, None, :] * weights[:, :, None]

    found = lyapunov_spectrum(NumericMap(20, step), start, steps=50)
    assert found.exponents == pytest.approx(by_hand(weights, 0.0, start, 50), abs=1e-8)


def test_a_chain_of_layers_is_one_step() -> None:
    chain = stack([HENON, HENON])
    assert isinstance(chain, Composition)
    twice = lyapunov_spectrum(chain, (0.1, 0.1), steps=500, transient=50)
    once = lyapunov_spectrum(HENON, (0.1, 0.1), steps=1000, transient=100)
    assert twice.exponents == pytest.approx(2 * once.exponents, abs=1e-6)
    assert str(twice.sum_exact) == "log(9/100)"


def test_orbits_are_scattered_reproducibly() -> None:
    first, again, other = (
        lyapunov_spectrum(LOGISTIC, 0.3, parameters={"r": 3.9}, steps=100, orbits=5, transient=60, seed=s)
        for s in (1, 1, 2)
    )
    assert first.exponents.tolist() == again.exponents.tolist()
    assert first.exponents.tolist() != other.exponents.tolist()


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("1 - a*x**2 + y; b*x", "log(Abs(b))"),
        ("relu(2*x)", "None"),
        ("x**2", "None"),
        ("2*abs(x)", "log(2)"),
        ("abs(x) + 2*x", "None"),
        ("sqrt(x**2 + 1)", "None"),
        ("0*x + 1", "-oo"),
    ],
)
def test_the_sum_is_exact_only_where_it_is_constant(text: str, total: str) -> None:
    assert str(exact_sum(Map.from_text(text, ("x", "y") if ";" in text else "x"))) == total


def test_the_sum_of_ikedas_map_is_twice_log_u() -> None:
    angle = "(2/5 - 6/(1 + x**2 + y**2))"
    text = f"1 + 9/10*(x*cos{angle} - y*sin{angle}); 9/10*(x*sin{angle} + y*cos{angle})"
    assert str(exact_sum(Map.from_text(text, ("x", "y")))) == "log(81/100)"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lyapunov_spectrum(HENON, (0.1,), steps=10), "2 start values, got 1"),
        (lambda: lyapunov_spectrum(LOGISTIC, 0.1, steps=10), "'r' has no value"),
        (lambda: lyapunov_spectrum(LOGISTIC, 0.1, parameters={"r": 3, "s": 1}, steps=10), "'s' is not a parameter"),
        (lambda: lyapunov_spectrum(LOGISTIC, math.nan, parameters={"r": 3}, steps=10), "not finite"),
        (lambda: lyapunov_spectrum(HENON, (0.1, 0.1), steps=0), "steps must be a positive integer"),
        (lambda: lyapunov_spectrum(HENON, (0.1, 0.1), steps=5, transient=-1), "at least 0"),
        (lambda: lyapunov_spectrum(Map("w[k]*x", "x"), 0.1, steps=5), "value per layer"),
        (lambda: lyapunov_spectrum(Map("z**2", "z", domain="complex"), 0.1, steps=5), "real map"),
        (lambda: lyapunov_spectrum(NumericMap(0, lambda x: (x, x)), (), steps=5), "at least one unit"),
        (lambda: lyapunov_spectrum(NumericMap(2, lambda x: (x, np.ones((2, 3)))), (1, 1), steps=5), "square"),
        (lambda: lyapunov_spectrum("x**2", 0.1, steps=5), "a map, a composition or a NumericMap"),
    ],
)
def test_bad_input_is_named(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]
