"""Exact cliffs are where plain iteration changes its mind, hold where they say, and are refused without a proof."""

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy
from sympy import Integer, Rational, Symbol

from symgrad.derivation import CliffCurve, Side, cliff_curves, geometric_sum_proof, is_zero
from symgrad.derivation.cliff_equations.folds import multiplier_curve
from symgrad.derivation.cliff_equations.geometric_sums import _induction
from symgrad.derivation.cliff_equations.linear_forms import linear_form
from symgrad.derivation.cliff_equations.lines import basin_lines
from symgrad.derivation.cliff_equations.shapes import BOUNDED, ENDS, is_increasing
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import ACTIVATIONS, Map, composition_from_text, differentiate, expand_activations, sigmoid
from symgrad.symbols import b, n, w, x

HALF = Rational(1, 2)
REFERENCE = "w*sigmoid(x) + b"


def curves(text: str, start: Any, origin: str | None = None) -> list[CliffCurve]:
    found = cliff_curves(composition_from_text(text, depth=n), ("w", "b"), start)
    return [c for c in found if origin in (None, c.origin)]


def decimal(expr: Any, at: dict[Any, Any]) -> float:
    return float(expand_activations(expr).subs(at).evalf(30))


def step(name: str) -> Callable[[float, float, float], float]:
    """Return one application by the standard library, the same formula written by hand."""

    def logistic(u: float) -> float:
        return 1 / (1 + math.exp(-u)) if u > -700 else 0.0

    return {
        REFERENCE: lambda x, w, b: w * logistic(x) + b,
        "tanh(w*x + b)": lambda x, w, b: math.tanh(w * x + b),
        "tanh(3/2*x) | w*x + b": lambda x, w, b: w * math.tanh(1.5 * x) + b,
        "w*x + b | tanh(3/2*x)": lambda x, w, b: math.tanh(1.5 * (w * x + b)),
        "w*softplus(x) + b": lambda x, w, b: (
            w * (x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))) + b
        ),
        "w*relu(x) + b": lambda x, w, b: w * max(x, 0.0) + b,
        "w*x + b": lambda x, w, b: w * x + b,
    }[name]


def fate(f: Callable[[float, float, float], float], x: float, w: float, b: float, *, steps: int = 4000) -> float:
    for _ in range(steps):
        x = f(x, w, b)
        if abs(x) > 1e6:
            return math.copysign(math.inf, x)
    return x


def test_the_reference_line_and_its_validity() -> None:
    line = curves(REFERENCE, HALF)[0]
    assert line.origin == "basin line"
    assert line.equation == "b = 1/2 - w*sigmoid(1/2)"
    bound = 2 + 2 * mpmath.mp.clone().cosh(0.5)
    assert float(line.valid.removeprefix("w > ")) == pytest.approx(float(bound), rel=1e-15)
    assert is_zero(line.low - (2 + 2 * sympy.cosh(HALF)))
    assert line.verdict is Verdict.PROVED
    assert (line.side_below, line.side_above) == (Side.ATTRACTOR,) * 2


@pytest.mark.parametrize(
    ("text", "start", "at", "value", "multiplier"),
    [
        (REFERENCE, HALF, 5, "-2.6122966560092727985", "1.1750185613"),
        (REFERENCE, 2, 12, "-8.5695649357", "1.2599230226"),
        ("tanh(w*x + b)", HALF, 2, "-0.45069385566594515", "1.5"),
        ("tanh(3/2*x) | w*x + b", HALF, 2, "-0.7702979047745746", str(3 * (1 - math.tanh(0.75) ** 2))),
        ("w*softplus(x) + b", HALF, 2, "-1.448153968", "1.2449186624"),
    ],
)
def test_lines_against_hand_written_values(text: str, start: Any, at: int, value: str, multiplier: str) -> None:
    line = curves(text, start, "basin line")[0]
    f, found = step(text), decimal(line.expressions["b"], {w: at})
    assert found == pytest.approx(float(value), abs=1e-9)
    assert f(float(start), at, found) == pytest.approx(float(start), abs=1e-14)
    h = 1e-6
    slope = (f(float(start) + h, at, found) - f(float(start) - h, at, found)) / (2 * h)
    assert decimal(line.multiplier, {w: at}) == pytest.approx(slope, abs=1e-8)
    assert slope == pytest.approx(float(multiplier), abs=1e-8)


@pytest.mark.parametrize("text", ["w*softplus(x) + b", "w*relu(x) + b", "w*x + b", REFERENCE, "tanh(w*x + b)"])
def test_the_fates_beside_a_line_are_those_of_plain_orbits(text: str) -> None:
    line = curves(text, HALF, "basin line")[0]
    at = 6 if text == REFERENCE else 2
    level, f = decimal(line.expressions["b"], {w: at}), step(text)
    fates = [fate(f, 0.5, at, level + turn * 1e-4) for turn in (-1, 1)]
    names = [
        Side.ATTRACTOR if math.isfinite(end) else Side.PLUS_INFINITY if end > 0 else Side.MINUS_INFINITY
        for end in fates
    ]
    assert [line.side_below, line.side_above] == names
    assert fates[0] < 0.5 < fates[1]


def test_below_minus_one_the_line_parts_two_phases_of_a_cycle() -> None:
    line = curves(REFERENCE, HALF, "basin line")[1]
    assert line.valid.startswith("w < -4.25525193")
    assert line.side_below is line.side_above is Side.CYCLE_PHASE
    f, level = step(REFERENCE), decimal(line.expressions["b"], {w: -6})
    ends = [fate(f, 0.5, -6, level + turn * 1e-4) for turn in (-1, 1)]
    assert abs(ends[0] - ends[1]) > 1
    assert f(ends[0], -6, level) == pytest.approx(ends[1], abs=1e-2)


@pytest.mark.parametrize(
    ("start", "low", "high"), [(HALF, 4, 4.2552519304), (2, 4, 9.5243913822), (Rational(-3, 10), 4, 4.0906770283)]
)
def test_fold_arcs_of_the_reference_chain(start: Any, low: float, high: float) -> None:
    (arc,) = curves(REFERENCE, start, "fold")
    assert arc.span is not None
    assert arc.verdict is Verdict.PROVED
    assert [float(e.evalf(20)) for e in arc.span] == pytest.approx([low, high], abs=1e-9)
    lines = [c for c in curves(REFERENCE, start, "basin line") if c.low > 0]
    assert is_zero(lines[0].low - arc.span[1])


@pytest.mark.parametrize(
    ("text", "start"),
    [
        (REFERENCE, HALF),
        (REFERENCE, 2),
        (REFERENCE, Rational(-3, 10)),
        ("tanh(w*x + b)", 2),
        ("w*x + b | tanh(3/2*x)", HALF),
    ],
)
def test_the_start_passes_on_one_side_of_its_fold_arc_and_stays_on_the_other(text: str, start: Any) -> None:
    (arc,) = curves(text, start, "fold")
    middle = arc.low + (arc.high - arc.low) / 3
    at = {name: decimal(e, {arc.parameter: middle}) for name, e in arc.expressions.items()}
    f = step(text)
    ends = [fate(f, float(start), at["w"], at["b"] + turn * 1e-4, steps=20_000) for turn in (-1, 1)]
    near = [abs(end - at["x"]) < 0.2 for end in ends]
    assert sorted(near) == [False, True]


def test_a_start_on_the_other_side_does_not_notice_the_fold() -> None:
    """The lower fold of w = 4.1 does not change the fate of 1/2, only the upper one does."""
    s = 0.5 - math.sqrt(0.25 - 1 / 4.1)
    other = math.log(s / (1 - s)) - 1 / (1 - s)
    ends = [fate(step(REFERENCE), 0.5, 4.1, other + turn * 1e-4, steps=20_000) for turn in (-1, 1)]
    assert abs(ends[0] - ends[1]) < 0.05


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "atan"])
def test_the_fold_curve_is_the_envelope_of_the_basin_lines(name: str) -> None:
    p = Symbol("p", real=True)
    activation = ACTIVATIONS[name].function
    line = p - w * activation(p)
    on_fold = {w: 1 / differentiate(activation(p), p)}
    assert is_zero(differentiate(line, p).xreplace(on_fold))
    curve = multiplier_curve(linear_form(Map(w * activation(x) + b, x), ("w", "b")), 1)  # type: ignore[arg-type]
    assert curve is not None
    at = {curve.coordinate.symbol: curve.coordinate.of(linear_form(Map(w * activation(x) + b, x), ("w", "b")), p)}  # type: ignore[arg-type]
    difference = (curve.values["b"] - line.xreplace(on_fold)).xreplace(at)
    assert abs(decimal(difference, {p: Rational(2, 5)})) < 1e-15


def test_flip_ridges_have_multiplier_minus_one() -> None:
    ridges = curves(REFERENCE, HALF, "flip")
    assert [r.valid for r in ridges] == ["w < -4", "w < -4"]
    f = step(REFERENCE)
    for ridge in ridges:
        middle = (ridge.low + ridge.high) / 2
        at = {name: decimal(e, {ridge.parameter: middle}) for name, e in ridge.expressions.items()}
        assert f(at["x"], at["w"], at["b"]) == pytest.approx(at["x"], abs=1e-12)
        slope = (f(at["x"] + 1e-6, at["w"], at["b"]) - f(at["x"] - 1e-6, at["w"], at["b"])) / 2e-6
        assert slope == pytest.approx(-1, abs=1e-8)


@pytest.mark.parametrize("text", ["w*softplus(x) + b", "w*relu(x) + b", "w*x + b"])
def test_infinity_of_multiplier_one_is_an_escarpment(text: str) -> None:
    line = curves(text, HALF, "infinity")[0]
    assert (line.equation, line.valid, line.side_above) == ("w = 1", "b > 0", Side.PLUS_INFINITY)
    f = step(text)
    assert math.isfinite(fate(f, 0.5, 0.99, 1.0))
    assert fate(f, 0.5, 1.01, 1.0) == math.inf


@pytest.mark.parametrize("text", ["w*relu(x) + b", "relu(w*x + b)"])
@pytest.mark.parametrize("start", [0, Rational(-3, 2)])
def test_left_of_its_kink_a_rectifier_escapes_once_the_kink_is_passed(text: str, start: Any) -> None:
    (line,) = [c for c in curves(text, start, "basin line") if c.side_above is Side.PLUS_INFINITY]
    assert (line.equation, line.valid, line.side_below) == ("b = 0", "w > 1", Side.ATTRACTOR)
    f = step("w*relu(x) + b") if text.startswith("w") else (lambda x, w, b: max(w * x + b, 0.0))
    ends = [fate(f, float(start), 2, turn * 1e-3) for turn in (-1, 1)]
    assert math.isfinite(ends[0])
    assert ends[1] == math.inf


def test_the_affine_layer_escapes_to_both_sides() -> None:
    found = curves("w*x + b", HALF)
    assert (found[0].equation, found[0].valid) == ("b = 1/2 - w/2", "w > 1")
    assert (found[0].side_below, found[0].side_above) == (Side.MINUS_INFINITY, Side.PLUS_INFINITY)
    assert [c.valid for c in found if c.origin == "infinity"] == ["b > 0", "b < 0", ""]


@pytest.mark.parametrize("name", sorted(ENDS))
def test_unbounded_activations_approach_the_lines_of_the_table(name: str) -> None:
    formula = expand_activations(ACTIVATIONS[name].function(x))
    for (slope, constant), far in zip(ENDS[name], (-300, 300), strict=True):
        assert abs((formula.subs(x, far) - slope * far - constant).evalf(30)) < 1e-20


@pytest.mark.parametrize("name", sorted(BOUNDED))
def test_bounded_activations_are_bounded(name: str) -> None:
    values = [abs(ACTIVATIONS[name].function(Integer(p)).evalf(20)) for p in (-10_000, -77, 0, 77, 10_000)]
    assert max(values) < 1.6


def test_only_increasing_activations_are_said_to_increase() -> None:
    rising = {name for name in ACTIVATIONS if name not in ("exp", "identity") and is_increasing(name)}
    assert rising == set("tanh sigmoid relu leaky_relu elu selu softplus softsign erf atan".split())


def test_monotone_chains_have_no_preimages_and_folding_ones_do() -> None:
    assert all(c.preimages == 0 for c in curves("tanh(3/2*x) | w*x + b", HALF))
    found = [c for c in curves("w*sin(x) + b", HALF) if c.preimages]
    assert found
    for curve in found:
        level = decimal(curve.expressions["b"], {w: 3})
        reached = 3 * math.sin(0.5) + level
        assert reached == pytest.approx(decimal(curve.lands[1], {}), abs=1e-12)
        assert 3 * math.sin(reached) + level == pytest.approx(reached, abs=1e-12)


def test_a_repelling_two_cycle_through_the_start() -> None:
    (curve,) = [c for c in curves("w*x**2 + b", HALF) if c.period == 2]
    at = {name: decimal(e, {curve.parameter: -2}) for name, e in curve.expressions.items()}
    assert at["w"] * 0.25 + at["b"] == pytest.approx(-2)
    assert at["w"] * 4 + at["b"] == pytest.approx(0.5)
    assert decimal(curve.multiplier, {curve.parameter: -2}) == pytest.approx(4 * at["w"] ** 2 * 0.5 * -2)


@pytest.mark.parametrize("text", ["w*gelu(x) + b", "w*silu(x) + b", "w*mish(x) + b"])
def test_activations_that_are_not_monotone_have_lines_but_no_fold_arcs(text: str) -> None:
    found = curves(text, HALF)
    assert found[0].origin == "basin line"
    assert found[0].side_below is None
    assert {c.origin for c in found} == {"basin line"}


def test_a_start_outside_the_range_has_only_its_fold_arc() -> None:
    found = [c for c in curves("tanh(w*x + b)", 2) if c.origin != "flip"]
    assert [(c.origin, c.valid) for c in found] == [("fold", "w > 1")]


def test_the_geometric_sum_is_proved_and_a_false_form_is_refused() -> None:
    assert "induction" in geometric_sum_proof()
    with pytest.raises(ArithmeticError, match="recurrence"):
        _induction(lambda mu, count: (mu**count - 1) / (mu - 1) + count)


def test_a_form_with_a_false_inverse_gives_no_curve() -> None:
    form = linear_form(Map("tanh(w*x + b)", "x"), ("w", "b"))
    assert form is not None
    assert list(basin_lines(form, None, HALF))
    assert multiplier_curve(form, 1) is not None
    false = replace(form, inverted=(("atan", Integer(1), Integer(0)),))
    assert list(basin_lines(false, None, HALF)) == []
    assert multiplier_curve(false, 1) is None


def test_chains_without_exact_candidates_have_none() -> None:
    assert cliff_curves(composition_from_text("w*sigmoid(x) + b + u[k]", depth=n), ("w", "b"), HALF) == ()
    assert cliff_curves(composition_from_text("sigmoid(w*x) + sin(b*x)", depth=n), ("w", "b"), HALF) == ()


@pytest.mark.parametrize(
    ("text", "names", "start", "message"),
    [
        (REFERENCE, ("w", "b"), 0.5, "exact start"),
        (REFERENCE, ("w", "b"), "y", "exact start"),
        (REFERENCE, ("w", "c"), HALF, "does not enter"),
        (REFERENCE, ("w",), HALF, "two parameters"),
        ("w*tanh(v*x) + b", ("w", "b"), HALF, "v has no value"),
    ],
)
def test_what_is_not_enough_is_refused(text: str, names: tuple[str, ...], start: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cliff_curves(composition_from_text(text, depth=n), names, start)


def test_fractions_and_decimals_as_text_are_exact_starts() -> None:
    for start in (Fraction(1, 2), "0.5", HALF):
        assert curves(REFERENCE, start)[0].equation == "b = 1/2 - w*sigmoid(1/2)"
    assert curves(REFERENCE, 0)[0].valid == "w > 4"
    assert sigmoid(0) == HALF
