"""Enclosures of deep orbits hold the truth in balls of thousands of bits, and are as narrow as step by step."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

from symgrad.certify import ball_gradient, deep_orbits, gradient_supremum, paving
from symgrad.certify.boxes import Intervals
from symgrad.certify.paving import Enclosed, enclosed
from symgrad.derivation import Gradient, gradient
from symgrad.evidence import Verdict
from symgrad.maps import composition_from_text, sigmoid
from symgrad.symbols import n, w

HALF = sympy.Rational(1, 2)
LINE = {"b": HALF - w * sigmoid(HALF)}
CASES: list[tuple[str, Any, Any]] = [
    ("w*sigmoid(x)+b", LINE, {"w": (4, 8), "b": (-6, -1)}),
    ("w*sigmoid(x)+b", None, {"w": (4, 8), "b": (-6, -1)}),
    ("tanh(w*x+b)", {"b": sympy.atanh(HALF) - w / 2}, {"w": (1, 3), "b": (-2, 0)}),
    ("tanh(2*x) | w*x+b", {"b": HALF - w * sympy.tanh(1)}, {"w": (1, 3), "b": (-4, 0)}),
    ("w*relu(x)+b", {"b": HALF - w / 2}, {"w": (0, 2), "b": (-2, 2)}),
]
DEPTH, COUNT = 400, 24


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def problem_of(layer: str, line: Any, box: Any, depth: int = DEPTH) -> tuple[Enclosed, Gradient]:
    target = gradient(composition_from_text(layer, depth=n), "(x-0.7)**2", wrt="w,b")
    return enclosed(target, box, start=HALF, parameters={}, depth=depth, wrt=None, line=line), target


def cells_of(problem: Enclosed, count: int, seed: int = 3) -> Any:
    """Return random cells of all sizes, points among them."""
    rng = np.random.default_rng(seed)
    cells = problem.frame.grid(7)
    cells = cells[rng.integers(0, len(cells), count)]
    shrink = 2.0 ** -rng.integers(0, 60, (count, 1, 1)) * (rng.random((count, 1, 1)) > 0.2)
    return cells[:, :, :1] + (cells[:, :, 1:] - cells[:, :, :1]) * np.concatenate([0 * shrink, shrink], axis=2)


def exact_low_corner(problem: Enclosed, cell: Any) -> dict[str, Any]:
    point: dict[str, Any] = {
        s.name: sympy.Rational(Fraction(float(side[0]))) for s, side in zip(problem.frame.symbols, cell, strict=True)
    }
    reference = problem.frame.reference
    if reference is not None:
        name = reference.parameter.name
        point[name] += reference.line.xreplace({s: point[s.name] for s in reference.line.free_symbols})
    return point


def holds(problem: Enclosed, target: Gradient, cells: Any, count: int) -> list[bool]:
    where = problem.frame.parameters(cells)
    found = problem.program.gradient(where, deep_orbits.deep_orbit(problem.program, where))
    answers = []
    for i in range(count):
        point = exact_low_corner(problem, cells[i])
        truth = ball_gradient(target, point, start=HALF, depth=problem.program.depth, bits=4000).gradient
        for name, part in found.parts.items():
            low, high = (
                sympy.Float(float(end[i]), 400) * sympy.Float(2, 400) ** int(found.exponent[i])
                for end in (part.low, part.high)
            )
            ball = truth[name].value
            middle = sympy.Float(ball.mid().str(400, radius=False), 400)
            answers.append(bool(low <= middle <= high) or not np.isfinite(float(part.low[i])))
    return answers


@pytest.mark.parametrize(("layer", "line", "box"), CASES)
def test_no_random_point_contradicts_a_deep_enclosure(layer: str, line: Any, box: Any) -> None:
    problem, target = problem_of(layer, line, box)
    cells = cells_of(problem, COUNT)
    answers = holds(problem, target, cells, COUNT)
    assert len(answers) == 2 * COUNT
    assert all(answers)


def test_a_deviation_that_is_stepped_over_wrongly_is_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, target = problem_of(*CASES[0])
    blocks = deep_orbits._blocks
    monkeypatch.setattr(deep_orbits, "_blocks", lambda *given: blocks(*given) + 4)
    assert not all(holds(problem, target, cells_of(problem, COUNT), COUNT))


def test_a_box_that_is_not_mapped_into_itself_is_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, target = problem_of(*CASES[0])
    monkeypatch.setattr(Intervals, "lies_in", lambda self, other: np.ones(len(self.low), dtype=bool))
    assert not all(holds(problem, target, cells_of(problem, COUNT), COUNT))


@pytest.mark.parametrize(("layer", "line", "box"), CASES[:4])
def test_deep_enclosures_are_hardly_wider_than_step_by_step(layer: str, line: Any, box: Any) -> None:
    problem, _ = problem_of(layer, line, box)
    where = problem.frame.parameters(cells_of(problem, 200))
    sizes = []
    for orbit in (deep_orbits.deep_orbit(problem.program, where), problem.program.orbit(where)):
        found = problem.program.gradient(where, orbit)
        sizes.append(paving.logarithm(found.size(None).high, found.exponent, 1))
    deep, plain = sizes
    known = np.isfinite(plain) & (plain < 500)
    assert known.sum() > 20
    assert np.quantile(deep[known] - plain[known], 0.9) < 1e-3


def test_the_supremum_at_depth_1000_is_known_to_one_per_cent_and_attained() -> None:
    target = gradient(composition_from_text("w*sigmoid(x)+b", depth=n), "(sigmoid(x)-0.7)**2", wrt="w,b")
    found = gradient_supremum(
        target, {"w": (4, 8), "b": (-6, -1)}, start=HALF, depth=1000, wrt="b", line=LINE, tolerance=0.01
    )
    assert found.verdict is Verdict.CERTIFIED
    assert 0 <= found.log_upper - found.log_lower <= np.log1p(0.01)
    assert found.distance is not None
    place = sympy.Rational(Fraction(found.point["w"]))
    b = LINE["b"].xreplace({w: place}) + sympy.Rational(Fraction(found.distance))
    value = ball_gradient(target, {"w": place, "b": b}, start=HALF, depth=1000, bits=4000).gradient["b"].value
    assert found.log_lower <= float(abs(value).log().mid()) <= found.log_upper
