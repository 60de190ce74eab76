"""Diagrams, advice and sharpness, against closed answers and against the single paths."""

import mpmath
import numpy as np
import pytest

from symgrad.derivation import gradient
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import SignedLog
from symgrad.maps import Map
from symgrad.phenomena.descent.advice import largest_safe_step, smallest_crossing_threshold
from symgrad.phenomena.descent.curvature import edge_of_stability, largest_eigenvalue, sharpness
from symgrad.phenomena.descent.diagrams import descent_diagram
from symgrad.phenomena.descent.endings import ENDS, PathEnd, ends_of
from symgrad.phenomena.descent.paths import descend
from symgrad.symbols import n

wall = gradient(Map("w*sigmoid(x) + b", "x") ** n, "(sigmoid(x) - 0.7)**2", wrt="w,b")
bowl = gradient(Map("w*x", "x"), "(x - 1)**2", wrt="w")
BOX = {"w": (2.0, 10.0), "b": (-7.0, 2.0)}


def test_a_diagram_holds_the_shares_of_the_single_paths() -> None:
    rng = np.random.default_rng(3)
    starts = {"w": rng.uniform(4.3, 5.5, 7), "b": rng.uniform(-3, -2, 7)}
    sizes, bounds = [0.01, 0.1, 1.0], [0.1, 1.0, np.inf]
    found = descent_diagram(wall, starts, sizes, bounds, start=0.5, depth=50, steps=12, goal=0.01, box=BOX)
    assert found.longest_clipped_ratio <= 1
    assert sum(found.ends.values()) == pytest.approx(np.ones((3, 3)))
    for i, size in enumerate(sizes):
        for j, bound in enumerate(bounds):
            run = descend(wall, starts, start=0.5, depth=50, step_size=size, clip=bound, steps=12, box=BOX)
            codes = ends_of(run, 0.01)
            assert found.catapulted[i, j] == run.catapulted.mean()
            assert found.undone[i, j] == pytest.approx(run.undone.value.mean())
            assert found.ends[PathEnd.CONVERGED][i, j] == (codes == ENDS.index(PathEnd.CONVERGED)).mean()
            assert run.lengths[run.clipped].max(initial=0.0) <= size * bound


def test_a_diagram_in_pieces_is_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    starts, sizes, bounds = {"w": [0.2, 3.0]}, [0.1, 0.5, 0.9, 2.0], [0.5, np.inf]
    whole = descent_diagram(bowl, starts, sizes, bounds, start=1, steps=8)
    monkeypatch.setattr("symgrad.phenomena.descent.diagrams.MOST_NUMBERS", 2 * 2 * 9 * 6)
    parts = descent_diagram(bowl, starts, sizes, bounds, start=1, steps=8)
    assert np.array_equal(whole.catapulted, parts.catapulted)
    assert np.array_equal(whole.final, parts.final)
    monkeypatch.setattr("symgrad.phenomena.descent.diagrams.MOST_NUMBERS", 10)
    with pytest.raises(InputError, match="one row of the diagram needs 216 numbers"):
        descent_diagram(bowl, starts, sizes, bounds, start=1, steps=8)
    with pytest.raises(InputError, match="the step sizes must increase"):
        descent_diagram(bowl, starts, [1.0, 0.5], bounds, start=1, steps=8)


def test_the_largest_safe_step_of_a_quadratic_is_two_over_its_curvature() -> None:
    advice = largest_safe_step(bowl, {"w": [3.0, -1.0]}, start=1, steps=30, low=0.01, high=100)
    assert advice.value is not None
    assert advice.beyond is not None
    assert advice.value <= 1 < advice.beyond < 1.001 * advice.value
    assert advice.verdict is Verdict.SAMPLED
    assert advice.monotone
    assert "none of the larger ones is safe" in advice.statement
    none = largest_safe_step(bowl, {"w": 3.0}, start=1, steps=30, low=2, high=100)
    assert none.value is None
    everything = largest_safe_step(bowl, {"w": 3.0}, start=1, steps=30, low=0.01, high=0.5)
    assert everything.value == 0.5
    assert everything.beyond is None


def test_a_safe_step_beyond_a_catapult_is_counted_not_advised() -> None:
    """On the wall safety is not monotone in the step size."""
    at = {"w": 4.6, "b": -2.5}
    advice = largest_safe_step(wall, at, start=0.5, depth=50, steps=30, low=1e-3, high=10, count=24, box=BOX)
    assert not advice.monotone
    assert "of the larger ones sampled are safe again" in advice.statement
    assert advice.value is not None
    assert advice.sampled[advice.holds].max() > advice.value


def test_the_smallest_crossing_threshold_covers_the_distance() -> None:
    """L = (w - 1)² from w = 11: 17 clipped steps and 3 plain ones, (10 - 17 v/10)·0.8³ = 1, end at a loss of 1."""
    advice = smallest_crossing_threshold(
        bowl, {"w": 11.0}, start=1, step_size=0.1, steps=20, low=0.1, high=100, goal=1e-30, count=20
    )
    assert advice.value is None
    reached = smallest_crossing_threshold(
        bowl, {"w": 11.0}, start=1, step_size=0.1, steps=20, low=0.1, high=100, goal=1.0, count=20
    )
    assert reached.value is not None
    assert reached.beyond is not None
    assert reached.beyond < (10 - 0.8**-3) / 1.7 <= reached.value
    run = descend(bowl, {"w": 11.0}, start=1, step_size=0.1, clip=[reached.beyond, reached.value], steps=20)
    assert (run.losses.value.min(axis=0) <= 1.0).tolist() == [False, True]


@pytest.mark.parametrize(("low", "high", "count"), [(0, 1, 5), (1, 1, 5), (1, 2, 2), (1, float("inf"), 5)])
def test_scans_that_mean_nothing_are_refused(low: float, high: float, count: int) -> None:
    with pytest.raises(InputError, match="a scan needs"):
        largest_safe_step(bowl, {"w": 3.0}, start=1, steps=3, low=low, high=high, count=count)


def test_sharpness_is_the_largest_eigenvalue_of_the_hessian() -> None:
    """Against second differences of the loss in 40-digit arithmetic."""
    run = descend(wall, {"w": 4.4, "b": -2.0}, start=0.5, depth=50, step_size=0.1, steps=3)

    def loss(w: object, b: object) -> object:
        x = mpmath.mpf("0.5")
        for _ in range(50):
            x = w / (1 + mpmath.exp(-x)) + b
        return (1 / (1 + mpmath.exp(-x)) - mpmath.mpf("0.7")) ** 2

    with mpmath.workdps(40):
        at = [mpmath.mpf(float(v)) for v in run.positions[2]]
        hessian = mpmath.matrix(2, 2)
        for i, j, order in ((0, 0, (2, 0)), (0, 1, (1, 1)), (1, 0, (1, 1)), (1, 1, (0, 2))):
            hessian[i, j] = mpmath.diff(loss, tuple(at), order)
        top = max(mpmath.eigsy(hessian, eigvals_only=True))
    assert float(sharpness(run).value[2]) == pytest.approx(float(top), rel=1e-8)
    assert float(edge_of_stability(run)) == 20


def test_the_sharpness_of_a_quadratic_and_its_edges() -> None:
    run = descend(bowl, {"w": 3.0}, start=2, step_size=0.1, steps=2)
    assert sharpness(run).value == pytest.approx([8, 8, 8])
    ball = descend(bowl, {"w": 3.0}, start=2, step_size=0.1, rule="momentum", momentum=0.5, steps=2)
    assert float(edge_of_stability(ball)) == pytest.approx(30)
    with pytest.raises(InputError, match="Newton's step has no edge"):
        edge_of_stability(descend(bowl, {"w": 3.0}, start=2, rule="newton", steps=2))


def test_eigenvalues_of_any_size_and_undefined_ones() -> None:
    entries = {("a", "a"): [2.0, np.nan], ("a", "b"): [1.0, 0.0], ("b", "b"): [2.0, 1.0]}
    hessian = {pair: SignedLog.from_parts(value, [4000, 0]) for pair, value in entries.items()}
    top = largest_eigenvalue(hessian, ("a", "b"))
    assert float(top.log_abs[0]) == pytest.approx(np.log(3) + 4000 * np.log(2))
    assert np.isnan(top.mantissa[1])
