"""Exact bifurcations: the known curves and points, and every kind on its textbook map."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Expr, Rational, Symbol, acos, atanh, cos, log, pi, sqrt, symbols, tanh

from symgrad.derivation import decimal_value, find_bifurcations, is_zero, sigmoidal_form
from symgrad.derivation.bifurcations.inversion import compare, inverse_roots
from symgrad.derivation.bifurcations.sigmoidal import GAIN, turning_inputs
from symgrad.derivation.bifurcations.triangular import solve_triangular, solve_univariate
from symgrad.errors import InputError
from symgrad.maps import Map, differentiate, sigmoid

w, b, h, r, x, s, y = symbols("w b h r x s y", real=True)


def curve_of(layer: str, names: str, kind: str) -> dict[str, Expr]:
    (found,) = [c for c in find_bifurcations(Map(layer, "x"), names.split(",")).curves if c.kind == kind]
    assert found.verdict.word == "proved"
    return dict(found.expressions)


def points_of(layer: str, name: str, period: int = 1) -> list[tuple[str, Expr]]:
    found = find_bifurcations(Map(layer, "x"), [name], period=period)
    return [(p.kind, p.values[name]) for p in found.points]


def test_the_reference_map_has_the_curves_of_its_source() -> None:
    # wσ(x)+b, s = σ(x): w = μ/(s(1-s)), b = log(s/(1-s)) - μ/(1-s).
    for kind, mu in (("fold", 1), ("flip", -1)):
        found = curve_of("w*sigmoid(x) + b", "w,b", kind)
        assert is_zero(found["w"] - mu / (s * (1 - s)))
        assert is_zero(found["b"] - (log(s / (1 - s)) - mu / (1 - s)))


def test_the_tanh_layer_has_the_curves_of_its_source() -> None:
    for kind, mu in (("fold", 1), ("flip", -1)):
        found = curve_of("tanh(w*x + b)", "w,b", kind)
        assert is_zero(found["w"] - mu / (1 - y**2))
        assert is_zero(found["b"] - (atanh(y) - mu * y / (1 - y**2)))


@pytest.mark.parametrize(
    ("layer", "names", "cusp", "state"),
    [
        ("w*sigmoid(x) + b", "w,b", (4, -2), 0),
        ("tanh(w*x + b)", "w,b", (1, 0), 0),
        ("w*tanh(x) + b", "w,b", (1, 0), 0),
        ("w*atan(x) + b", "w,b", (1, 0), 0),
        ("sigmoid(w*x + b)", "w,b", (4, -2), Rational(1, 2)),
        ("w*erf(x) + b", "w,b", (sqrt(pi) / 2, 0), 0),
    ],
)
def test_cusps_are_exact(layer: str, names: str, cusp: tuple[int, int], state: Expr) -> None:
    found = find_bifurcations(Map(layer, "x"), names.split(","))
    (point,) = [p for p in found.points if p.kind == "cusp"]
    assert tuple(point.values.values()) == cusp
    assert point.state == state
    assert found.open == ()


def test_the_latching_threshold_is_a_fold() -> None:
    # Bengio, Simard & Frasconi (1994): a = w·tanh(a) + h latches up to |h| = √(w(w-1)) - log(√w + √(w-1)).
    found = curve_of("w*tanh(x) + h", "w,h", "fold")
    at = {y: -sqrt(1 - 1 / w)}
    assert is_zero(found["w"].xreplace(at) - w)
    threshold = sqrt(w * (w - 1)) - log(sqrt(w) + sqrt(w - 1))
    for value in (Rational(3, 2), Rational(2), Rational(5)):
        difference = (found["h"].xreplace(at) - threshold).xreplace({w: value})
        assert abs(decimal_value(difference, 40)) < 1e-35


def test_the_basin_line_of_a_start() -> None:
    found = find_bifurcations(Map("w*sigmoid(x) + b", "x"), ["w", "b"], start=Rational(1, 2))
    (line,) = [c for c in found.curves if c.kind == "basin line"]
    assert float(line.low.evalf(20)) == pytest.approx(4.25525193, abs=1e-8)
    assert line.expressions["b"].xreplace({w: 5}).evalf(12) == pytest.approx(-2.6122966560, abs=1e-9)


@pytest.mark.parametrize(
    ("layer", "name", "expected"),
    [
        ("r*x*(1 - x)", "r", [("flip", -1), ("transcritical", 1), ("flip", 3)]),
        ("tanh(w*x)", "w", [("flip", -1), ("pitchfork", 1)]),
        ("w*tanh(x)", "w", [("flip", -1), ("pitchfork", 1)]),
        ("x**2 + a", "a", [("flip", Rational(-3, 4)), ("fold", Rational(1, 4))]),
        ("x*exp(r*(1 - x))", "r", [("flip", 2)]),
        ("r*x - x**3", "r", [("flip", -1), ("pitchfork", 1), ("flip", 2), ("flip", 2)]),
        ("5*sigmoid(x) + b", "b", None),
    ],
)
def test_one_parameter_is_left_with_points(layer: str, name: str, expected: list[tuple[str, Expr]] | None) -> None:
    found = points_of(layer, name)
    if expected is None:
        assert [kind for kind, _ in found] == ["fold", "fold"]
        values = [float(decimal_value(v)) for _, v in found]
        assert values == pytest.approx([-2.655610338630688, -2.344389661369312], abs=1e-14)
    else:
        assert found == expected


def test_the_logistic_cascade() -> None:
    assert points_of("r*x*(1 - x)", "r", 2) == [("flip", 1 - sqrt(6)), ("flip", 1 + sqrt(6))]
    assert ("fold", 1 + 2 * sqrt(2)) in points_of("r*x*(1 - x)", "r", 3)
    # OEIS A086181 and A086180: period 4 doubles at 3.5440903595…, period 3 at 3.8414990075….
    doubling = {
        p: [float(decimal_value(v)) for k, v in points_of("r*x*(1 - x)", "r", p) if k == "flip"] for p in (3, 4)
    }
    assert any(v == pytest.approx(3.5440903595519, abs=1e-12) for v in doubling[4])
    assert any(v == pytest.approx(3.8414990075435, abs=1e-12) for v in doubling[3])


def test_period_doubling_curves_of_two_parameters() -> None:
    found = find_bifurcations(Map("a - b*x**2", "x"), ["a", "b"], period=2)
    (flip,) = found.curves
    assert is_zero(flip.expressions["a"] * flip.expressions["b"] - Rational(5, 4))


def test_henons_map_folds_and_flips_where_it_is_known_to() -> None:
    # Hénon (1976): fixed points from a = -(1-b)²/4, stable up to a = 3(1-b)²/4.
    found = find_bifurcations(Map(("1 - a*x**2 + y", "b*x"), ("x", "y")), ["a", "b"])
    for kind, factor in (("fold", Rational(-1, 4)), ("flip", Rational(3, 4))):
        (curve,) = [c for c in found.curves if c.kind == kind]
        assert is_zero(curve.expressions["a"] - factor * (1 - curve.expressions["b"]) ** 2)


def test_a_momentum_step_loses_stability_at_two_times_one_plus_beta() -> None:
    found = find_bifurcations(Map(("x + beta*v - eta*x", "beta*v - eta*x"), ("x", "v")), ["eta", "beta"])
    eta = Symbol("eta", real=True)
    (flip,) = [c for c in found.curves if c.kind == "flip"]
    assert is_zero(eta - 2 * (1 + flip.expressions["beta"]))
    assert flip.domain == "every real eta"


CURVES = {mu: curve_of("w*sigmoid(x) + b", "w,b", kind) for kind, mu in (("fold", 1), ("flip", -1))}


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 99))
def test_the_curves_hold_at_points_of_them(place: int) -> None:
    at = {s: Rational(place, 100)}
    layer = w * sigmoid(x) + b
    for mu, curve in CURVES.items():
        found = {name: e.xreplace(at) for name, e in curve.items()}
        values = {w: found["w"], b: found["b"], x: found["x"]}
        for residual in (layer - x, differentiate(layer, x) - mu):
            assert abs(decimal_value(residual.xreplace(values), 30)) < 1e-25


@pytest.mark.parametrize(
    ("layer", "names", "message"),
    [
        ("x + 1 + a**2", "a", "no fixed point"),
        ("x**2 + 1 + a**2", "a", "no fixed point"),
        ("x + exp(w*x)", "w", "no fixed point"),
        ("w*x", "v", "v does not enter"),
        ("v*tanh(w*x + b)", "w,b", "v has no value"),
        ("relu(w*x + b)", "w,b", "relu has a kink"),
        ("w*abs(x) + b", "w,b", "kink"),
        ("a*x + b*w", "a,b,w", "one or two parameters"),
        ("w[k]*x", "w", "value per layer"),
    ],
)
def test_what_cannot_be_asked_is_refused(layer: str, names: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_bifurcations(Map(layer, "x"), names.split(","))


def test_a_period_out_of_reach_is_refused_and_one_without_theory_is_said_to_be() -> None:
    with pytest.raises(InputError, match="period 9"):
        find_bifurcations(Map("r*x*(1 - x)", "x"), ["r"], period=9)
    found = find_bifurcations(Map("sin(w*x)", "x"), ["w"], period=2)
    assert (found.curves, found.points) == ((), ())
    assert "quadratic maps only" in found.remarks[0]


def test_degenerate_cases_are_named_and_not_called_folds() -> None:
    found = find_bifurcations(Map("w*x + b", "x"), ["w", "b"])
    assert [c.kind for c in found.curves] == ["flip"]
    assert any("degenerate" in remark for remark in found.remarks)


def test_every_branch_of_a_vanishing_divisor_is_followed() -> None:
    branches = solve_triangular([x * (y - 1), y * r - 2], [r, x, y])
    found = [dict(branch.values) for branch in branches]
    assert {x: 0, r: 2 / y} in found
    assert {y: 1, r: 2} in found
    assert solve_triangular([x * y - 1, x], [y, x]) == []


def test_equations_in_one_function_are_inverted_within_their_branch() -> None:
    assert inverse_roots(tanh(y) - Rational(1, 2), y) == [atanh(Rational(1, 2))]
    assert inverse_roots(tanh(y) - 2, y) == []
    assert inverse_roots(sigmoid(y) - y, y) is None
    assert inverse_roots(cos(y) ** 2 - Rational(1, 5), y, -pi / 2, pi / 2) == [-acos(sqrt(5) / 5), acos(sqrt(5) / 5)]
    assert inverse_roots(cos(y), y) is None
    left = solve_univariate(cos(y) * y - 1, y)
    assert left.roots == ()
    assert left.left


def test_constants_are_compared() -> None:
    assert compare(sqrt(2) * sqrt(3), sqrt(6)) == 0
    assert compare(pi, Rational(22, 7)) == -1
    assert compare(x, pi) is None


@pytest.mark.parametrize(("name", "peak"), [("tanh", 1), ("sigmoid", 4), ("atan", 1), ("erf", 2)])
def test_turning_inputs_have_the_slope_they_should(name: str, peak: int) -> None:
    found = turning_inputs(name)
    assert found is not None
    form = sigmoidal_form(Map(f"w*{name}(x) + b", "x"))
    assert form is not None
    function = Map(f"{name}(x)", "x")
    for u, output in found:
        at = u.xreplace({GAIN: Rational(3 * peak)})
        assert float((3 * peak * function.jacobian[0][0].xreplace({x: at})).evalf(20)) == pytest.approx(1, abs=1e-14)
        level = output.xreplace({GAIN: Rational(3 * peak)})
        assert float((function.expr.xreplace({x: at}) - level).evalf(20)) == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("layer", ["w*sin(x) + b", "w*softplus(x) + b", "w*x + tanh(x)", "tanh(x) + sigmoid(w*x)"])
def test_what_is_not_sigmoidal_is_not_taken_for_it(layer: str) -> None:
    assert sigmoidal_form(Map(layer, "x")) is None
