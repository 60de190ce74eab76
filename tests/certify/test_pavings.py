"""Certified boxes of gradients: 256-bit balls at random points contradict none, and what is not covered is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import sympy

from symgrad.certify import (
    Intervals,
    NotCovered,
    Supremum,
    ball_gradient,
    box_functions,
    contraction,
    gradient_supremum,
    pave,
    paving,
    shape_of,
)
from symgrad.certify.orbit_enclosures import Expansion
from symgrad.certify.paving import Enclosed, enclosed
from symgrad.derivation import Gradient, gradient
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import composition_from_text, sigmoid
from symgrad.symbols import n, w

HALF = sympy.Rational(1, 2)
BOX = {"w": (4, 8), "b": (-6, -1)}
LINE = {"b": HALF - w * sigmoid(HALF)}
COVERED = "tanh sigmoid relu leaky_relu elu selu softplus softsign erf atan exp identity".split()


@lru_cache
def surface(layer: str = "w*sigmoid(x)+b", loss: str = "(sigmoid(x)-0.7)**2") -> Gradient:
    return gradient(composition_from_text(layer, depth=n), loss, wrt="w,b")


@pytest.fixture
def quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def misses(problem: Enclosed, target: Gradient, box: Mapping[str, Any], count: int, seed: int = 5) -> int:
    """Count the random cells whose enclosure leaves out the gradient at a point of them, in 256-bit balls."""
    rng = np.random.default_rng(seed)
    cells = problem.frame.grid(6)
    cells = cells[rng.integers(0, len(cells), count)]
    shrink = 2.0 ** -rng.integers(0, 30, (count, 1, 1))
    cells = cells[:, :, :1] + (cells[:, :, 1:] - cells[:, :, :1]) * np.concatenate([0 * shrink, shrink], axis=2)
    places = cells[:, :, 0] + (cells[:, :, 1] - cells[:, :, 0]) * rng.uniform(0, 1, cells.shape[:2])
    places = np.clip(places, cells[:, :, 0], cells[:, :, 1])
    found = problem.program.gradient(problem.frame.parameters(cells))
    missed = 0
    for i, place in enumerate(places):
        point = {s.name: Fraction(float(v)) for s, v in zip(problem.frame.symbols, place, strict=True)}
        exact = _off_line(problem, point)
        truth = ball_gradient(target, exact, start=HALF, depth=problem.program.depth).gradient
        for name, part in found.parts.items():
            missed += not _holds(part.at(i), int(found.exponent[i]), truth[name].value)
    return missed


def _off_line(problem: Enclosed, point: dict[str, Fraction]) -> dict[str, Any]:
    reference = problem.frame.reference
    if reference is None:
        return dict(point)
    others = {s: sympy.Rational(point[s.name]) for s in problem.frame.symbols if s != reference.parameter}
    name = reference.parameter.name
    return {**point, name: reference.line.xreplace(others) + sympy.Rational(point[name])}


def _holds(part: Intervals, exponent: int, truth: Any) -> bool:
    """Say whether a ball may lie in an interval times 2**exponent; unknown balls and infinite ends decide nothing."""
    if not truth.is_finite():
        return True
    scale = type(truth)(2) ** exponent
    above = not np.isfinite(part.low) or not bool(truth < scale * float(part.low))
    below = not np.isfinite(part.high) or not bool(truth > scale * float(part.high))
    return bool(above and below)


def problem_of(layer: str, box: Mapping[str, Any], depth: int, line: Any = None) -> tuple[Enclosed, Gradient]:
    target = surface(layer)
    return enclosed(target, box, start=HALF, parameters={}, depth=depth, wrt=None, line=line), target


@pytest.mark.usefixtures("quiet")
def test_a_thousand_points_of_the_reference_surface_contradict_no_enclosure() -> None:
    on_line, target = problem_of("w*sigmoid(x)+b", BOX, 7, LINE)
    plain, _ = problem_of("w*sigmoid(x)+b", BOX, 7)
    assert misses(plain, target, BOX, 500) == 0
    assert misses(on_line, target, BOX, 500) == 0


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("depth", [50, 400])
def test_deep_orbits_near_the_line_contradict_no_enclosure(depth: int) -> None:
    problem, target = problem_of("w*sigmoid(x)+b", BOX, depth, LINE)
    assert misses(problem, target, BOX, 800 // depth) == 0


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("layer", "line", "box"),
    [
        ("w*sigmoid(x)+b", LINE["b"], {"w": (-8, -4.3), "b": (2, 7)}),
        ("tanh(w*x+b)", sympy.atanh(HALF) - w / 2, {"w": (-3, 4), "b": (-2, 1)}),
        ("tanh(2*x) | w*x+b", HALF - w * sympy.tanh(1), {"w": (1, 4), "b": (-4, 0)}),
        ("w*softplus(x)+b", HALF - w * sympy.log(1 + sympy.exp(HALF)), {"w": (1, 2), "b": (-2, 0)}),
        ("b*tanh(w*x)", HALF / sympy.tanh(w / 2), {"w": (1, 4), "b": (0.5, 2)}),
    ],
)
def test_no_line_contradicts_its_coordinates(layer: str, line: Any, box: Any) -> None:
    problem, target = problem_of(layer, box, 9, {"b": line})
    assert misses(problem, target, box, 20) == 0


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("form", ["w*{}(x)+b", "{}(w*x+b)"])
@pytest.mark.parametrize("name", COVERED)
def test_no_activation_contradicts_its_enclosure_for_weights_of_either_sign(name: str, form: str) -> None:
    box = {"w": (-3, 2), "b": (-1, 1)}
    for depth in (1, 6):
        problem, target = problem_of(form.format(name), box, depth)
        assert misses(problem, target, box, 6, seed=depth) == 0


def middle_is_missed() -> bool:
    """Say whether the middle of a box on which the second state runs through 0 contradicts the enclosure over it."""
    target = gradient(composition_from_text("w*sigmoid(x)+b", depth=n), wrt="b")
    box = {"w": (5, 5 + 2**-30), "b": (-4, -2)}
    problem = enclosed(target, box, start=HALF, parameters={}, depth=2, wrt="b", line=None)
    part = problem.program.gradient(problem.frame.parameters(problem.frame.first())).parts["b"]
    truth = ball_gradient(target, {"w": 5 + Fraction(1, 2**31), "b": -3}, start=HALF, depth=2).gradient["b"].value
    return not _holds(part.at(0), 0, truth)


@pytest.mark.usefixtures("quiet")
def test_a_wrong_hull_is_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not middle_is_missed()
    forgetful = replace(shape_of("sigmoid"), beside_zero=(np.inf, -np.inf))
    monkeypatch.setattr("symgrad.certify.covered_layers.shape_of", lambda name: forgetful)
    assert middle_is_missed()


@pytest.mark.usefixtures("quiet")
def test_a_lost_term_of_the_deviation_is_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = Expansion.at

    def first_order(self: Expansion, h: Intervals) -> tuple[Intervals, Intervals, Intervals]:
        call, slope, _ = exact(self, h)
        return call, slope, h * self.shape.slopes(self.z)

    monkeypatch.setattr(Expansion, "at", first_order)
    problem, target = problem_of("w*sigmoid(x)+b", BOX, 12, LINE)
    assert misses(problem, target, BOX, 60) > 0


@pytest.mark.parametrize("line", [None, LINE])
def test_the_reference_paving_leaves_less_than_a_thousandth(line: Any) -> None:
    found = pave(surface(), BOX, start=HALF, depth=50, threshold=0.2, wrt="b", line=line)
    assert found.verdict is Verdict.CERTIFIED
    assert found.undecided_share < 1e-3
    assert sum(found.areas.values()) == pytest.approx(20, rel=1e-9)
    assert 0.305 < found.areas["inside"] < 0.309
    assert "widened by 32 units in the last place" in found.statement


def test_cells_of_the_paving_are_what_balls_say_they_are() -> None:
    target = surface()
    found = pave(target, BOX, start=HALF, depth=50, threshold=0.2, wrt="b", undecided=0.01)
    rng = np.random.default_rng(11)
    for cells, inside in ((found.inside, True), (found.outside, False)):
        for cell in cells[rng.integers(0, len(cells), 20)]:
            w_at, b_at = (Fraction(float(v)) for v in rng.uniform(cell[:, 0], cell[:, 1]))
            value = ball_gradient(target, {"w": w_at, "b": b_at}, start=HALF, depth=50).gradient["b"].value
            assert bool(abs(value) > 0.2) is inside


def test_the_wall_is_resolved_far_below_the_last_bit() -> None:
    found = pave(surface(), {"w": (7, 8), "b": (-5, -3)}, start=HALF, depth=200, threshold=0.2, wrt="b", line=LINE)
    nearest = np.abs(found.inside[:, 1]).min(axis=1)
    assert found.verdict is Verdict.CERTIFIED
    assert len(found.inside) > 0
    assert nearest.min() < 1e-40


def test_the_supremum_at_depth_100_is_known_to_one_per_cent() -> None:
    found = gradient_supremum(surface(), BOX, start=HALF, depth=100, wrt="b", line=LINE)
    assert found.verdict is Verdict.CERTIFIED
    assert 0 <= found.log_upper - found.log_lower <= np.log1p(0.01)
    assert found.log_lower == pytest.approx(61.68, abs=0.01)
    _attained(found, 100)


def _attained(found: Supremum, depth: int) -> None:
    assert found.distance is not None
    place = sympy.Rational(Fraction(found.point["w"]))
    b = LINE["b"].xreplace({w: place}) + sympy.Rational(Fraction(found.distance))
    value = ball_gradient(surface(), {"w": place, "b": b}, start=HALF, depth=depth).gradient["b"].value
    assert found.log_lower <= float(abs(value).log().mid()) <= found.log_upper


def test_without_the_line_the_bounds_hold_and_are_called_undecided() -> None:
    found = gradient_supremum(surface(), BOX, start=HALF, depth=100, wrt="b", most_cells=8000)
    assert found.verdict is Verdict.UNDECIDED
    assert found.log_lower < 61.7 < found.log_upper


def test_depth_1000_does_not_overflow() -> None:
    found = gradient_supremum(surface(), BOX, start=HALF, depth=1000, wrt="b", line=LINE, most_cells=1500)
    assert found.log_lower <= 629.85 <= found.log_upper
    assert np.isfinite(found.log_upper)


def test_overflow_gives_an_infinite_bound_and_no_warning() -> None:
    target = gradient(composition_from_text("w*exp(x)+b", depth=n), "x**2", wrt="w")
    found = gradient_supremum(target, {"w": (1, 2), "b": (0, 1)}, start=1, depth=10, most_cells=500)
    assert (found.log_upper, found.verdict) == (np.inf, Verdict.UNDECIDED)


@pytest.mark.parametrize(
    ("layer", "line", "box", "parameters"),
    [
        ("tanh(w*x+b)", {"b": sympy.atanh(HALF) - w / 2}, {"w": (2, 4), "b": (-2, 0)}, {}),
        ("sigmoid(w*x+b)", {"b": -w / 2}, {"w": (5, 9), "b": (-5, -2)}, {}),
        ("tanh(v*x) | w*x+b", {"b": HALF - w * sympy.tanh(HALF * 2)}, {"w": (2, 4), "b": (-4, 0)}, {"v": 2}),
        ("3*tanh(w*x+b)+1", {"b": sympy.atanh(-sympy.Rational(1, 6)) - w / 2}, {"w": (1, 2), "b": (-2, 0)}, {}),
    ],
)
def test_other_lines_have_coordinates_too(layer: str, line: Any, box: Any, parameters: Any) -> None:
    target = surface(layer, "(x-0.1)**2")
    found = gradient_supremum(target, box, start=HALF, parameters=parameters, depth=30, wrt="b", line=line)
    assert found.verdict is Verdict.CERTIFIED
    assert found.distance is not None


def test_the_start_enters_the_loss_through_the_last_state_only() -> None:
    target = gradient(composition_from_text("w*tanh(x)+b", depth=n), "x**2", wrt="x")
    box = {"w": (1, 1 + 2**-20), "b": (0, 2**-20)}
    found = gradient_supremum(target, box, start=HALF, depth=2, wrt="x")
    truth = ball_gradient(target, {"w": 1, "b": 0}, start=HALF, depth=2).gradient["x"].value
    assert found.log_lower == pytest.approx(float(truth.log().mid()), abs=0.01)
    assert found.verdict is Verdict.CERTIFIED


@pytest.mark.usefixtures("quiet")
def test_a_sensitivity_beyond_two_to_the_thousand_keeps_its_local_terms() -> None:
    problem, target = problem_of("w*x+b", {"w": (7, 8), "b": (1, 2)}, 500)
    found = problem.program.orbit(problem.frame.parameters(problem.frame.first()))
    assert found.exponent[0] > 1000
    truth = ball_gradient(target, {"w": 7, "b": 1}, start=HALF, depth=500)
    assert np.log(float(found.sensitivities["b"].high[0])) + found.exponent[0] * np.log(2) > 499 * np.log(7)
    assert truth.product.value > 0


def test_a_line_on_which_the_start_does_not_rest_is_refused() -> None:
    with pytest.raises(InputError, match="not proved to come to rest"):
        gradient_supremum(surface(), BOX, start=HALF, depth=10, line={"b": 1 - w})


@pytest.mark.parametrize(
    ("layer", "loss"),
    [
        ("w*gelu(x)+b", "x**2"),
        ("silu(w*x+b)", "x**2"),
        ("w*mish(x)+b", "x**2"),
        ("w*sin(x)+b", "x**2"),
        ("w*x*sigmoid(x)+b", "x**2"),
        ("tanh(w*x+b)+tanh(x)", "x**2"),
        ("w*tanh(x)+b[k]", "x**2"),
        ("w*tanh(x)+b", "gelu(x)**2"),
        ("w*tanh(x)+b", "sqrt(x**2+1)"),
    ],
)
def test_what_is_not_covered_is_refused_in_one_line(layer: str, loss: str) -> None:
    target = gradient(composition_from_text(layer, depth=n), loss, wrt="w")
    box = {"w": (1, 2), "b": (0, 1)}
    for ask in (
        lambda: pave(target, box, start=0, depth=3, threshold=1),
        lambda: gradient_supremum(target, box, start=0, depth=3),
    ):
        with pytest.raises(NotCovered, match=r"^not covered: ") as refused:
            ask()
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"depth": 0}, "depth must be a positive integer"),
        ({"threshold": -1}, "threshold"),
        ({"start": float("nan")}, "finite number"),
        ({"box": {"w": (5, 4), "b": (0, 1)}}, "low end below the high end"),
        ({"box": {"w": (4, 5)}}, "b has no value"),
        ({"box": {"w": ("4", 5), "b": (0, 1)}}, "a bound of w must be a real number"),
        ({"box": {}}, "no axis"),
        ({"wrt": "v"}, "not in 'v'"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"box": BOX, "start": HALF, "depth": 5, "threshold": 1.0, **change}
    with pytest.raises(InputError, match=words):
        pave(surface(), given.pop("box"), **given)


def test_the_contraction_share_of_the_reference_box_is_proved() -> None:
    found = contraction(surface().composition, BOX, start=HALF, depth=100, most_cells=6000)
    assert found.verdict is Verdict.CERTIFIED
    assert 0.98 < found.share < 1
    assert (found.factors < 1).all()
    rng = np.random.default_rng(2)
    for i in rng.integers(0, len(found.vanishing), 8):
        point = {k: Fraction(float(v)) for k, v in zip("wb", found.vanishing[i].mean(axis=1), strict=True)}
        product = ball_gradient(surface(), point, start=HALF, depth=100).product.value
        assert float(abs(product).log().mid()) / 100 <= found.rates[i]


def test_a_repelling_box_is_never_said_to_vanish() -> None:
    chain = composition_from_text("w*x+b", depth=n)
    found = contraction(chain, {"w": (1, 2), "b": (0, 1)}, start=1, depth=50, most_cells=4000)
    assert (found.share, found.verdict) == (0.0, Verdict.UNDECIDED)


def test_balls_give_the_published_value_on_the_line() -> None:
    found = ball_gradient(surface(), {"w": 5, "b": HALF - 5 * sigmoid(HALF)}, start=HALF, depth=50)
    assert found.gradient["b"].text(14) == "-661.68280132266"
    assert found.loss is not None
    assert found.state.text(5) == "0.50000"


def test_the_statement_is_read_from_the_widening() -> None:
    assert str(box_functions.ULPS) in paving.RESTS_ON
