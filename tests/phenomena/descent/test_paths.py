"""Descent and its catapults, against loops written by hand and against the definitions."""

from typing import Any

import numpy as np
import pytest

from symgrad.derivation import gradient
from symgrad.errors import InputError
from symgrad.kernels import SignedLog
from symgrad.maps import Map
from symgrad.phenomena.descent.catapults import find_catapults
from symgrad.phenomena.descent.endings import ENDS, PathEnd, ends_of, goal_of
from symgrad.phenomena.descent.paths import descend
from symgrad.symbols import n

wall = gradient(Map("w*sigmoid(x) + b", "x") ** n, "(sigmoid(x) - 0.7)**2", wrt="w,b")
linear = gradient(Map("w*x + b", "x") ** n, "(x - 1)**2", wrt="w,b")
bowl = gradient(Map("w*x", "x"), "(x - 1)**2", wrt="w")
AT = {"w": 5.0, "b": -2.7}
SAME: dict[str, Any] = {"start": 0.5, "depth": 50}


def by_hand(w: float, b: float, depth: int = 50) -> tuple[float, np.ndarray]:
    x, sw, sb = 0.5, 0.0, 0.0
    for _ in range(depth):
        s = 1 / (1 + np.exp(-x))
        slope = w * s * (1 - s)
        x, sw, sb = w * s + b, slope * sw + s, slope * sb + 1
    y = 1 / (1 + np.exp(-x))
    return (y - 0.7) ** 2, 2 * (y - 0.7) * y * (1 - y) * np.array([sw, sb])


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("momentum", [None, 0.5])
def test_a_path_is_the_loop_written_by_hand(clip: float | None, momentum: float | None) -> None:
    """Only up to the wall: on it neighbouring float64 paths part for good."""
    rule = "gradient" if momentum is None else "momentum"
    path = descend(wall, AT, step_size=0.01, clip=clip, rule=rule, momentum=momentum, steps=15, **SAME)
    where, velocity = np.array([5.0, -2.7]), np.zeros(2)
    for step in range(15):
        loss, g = by_hand(*where)
        assert path.positions[step] == pytest.approx(where, rel=1e-9)
        assert float(path.losses.value[step]) == pytest.approx(loss, rel=1e-8)
        g = g * min(1.0, (clip or np.inf) / np.linalg.norm(g))
        velocity = (momentum or 0.0) * velocity - 0.01 * g
        assert path.lengths[step] == pytest.approx(np.linalg.norm(velocity), rel=1e-7)
        where = where + velocity


def test_newtons_rule_finds_the_minimum_in_quadratic_order() -> None:
    path = descend(linear, {"w": 0.5, "b": 0.4}, start=0.5, depth=3, rule="newton", steps=1, step_size=0.5)
    whole = descend(linear, {"w": 0.5, "b": 0.4}, start=0.5, depth=3, rule="newton", steps=1)
    assert path.positions[1] - path.positions[0] == pytest.approx((whole.positions[1] - whole.positions[0]) / 2)
    solved = descend(bowl, {"w": 7.0}, start=2, rule="newton", steps=2)
    assert solved.positions[1:, 0] == pytest.approx([0.5, 0.5])


def test_many_paths_are_the_single_ones() -> None:
    sizes, bounds = np.array([0.01, 0.3]), np.array([0.1, np.inf])
    starts = {"w": np.array([5.0, 4.5]), "b": np.array([-2.7, -2.2])}
    whole = descend(
        wall,
        {name: value[None, None, :] for name, value in starts.items()},
        step_size=sizes[:, None, None],
        clip=bounds[None, :, None],
        steps=12,
        box={"b": (-6, -1)},
        **SAME,
    )
    for i, j, k in np.ndindex(2, 2, 2):
        at = {name: float(value[k]) for name, value in starts.items()}
        one = descend(wall, at, step_size=sizes[i], clip=bounds[j], steps=12, box={"b": (-6, -1)}, **SAME)
        assert np.array_equal(one.positions, whole.positions[:, :, i, j, k])
        assert np.array_equal(one.catapults, whole.catapults[:, i, j, k])
        assert float(one.undone.value) == float(whole.undone.value[i, j, k])
        assert int(one.left) == int(whole.left[i, j, k])


def test_a_gradient_beyond_float64_is_clipped_or_leaves_float64() -> None:
    at = {"w": 50.0, "b": 1.0}
    clipped = descend(linear, at, start=0.5, depth=400, step_size=0.1, clip=1, steps=3)
    assert clipped.lengths == pytest.approx([0.1] * 3, rel=1e-12)
    assert np.isfinite(clipped.positions).all()
    plain = descend(linear, at, start=0.5, depth=400, step_size=0.1, steps=3)
    assert ENDS[int(ends_of(plain))] is PathEnd.LEFT_FLOAT64
    assert int(plain.left) == 0
    assert not np.isnan(plain.positions).any()
    assert plain.catapults.tolist() == [True, False, False]
    assert (plain.exits.sign == -1).all()
    assert np.logaddexp.reduce(2 * plain.exits.log_abs) / 2 == pytest.approx(plain.log_lengths[0], rel=1e-12)


def test_no_clipped_step_is_longer_than_step_size_times_threshold() -> None:
    rng = np.random.default_rng(1)
    starts = {"w": rng.uniform(4, 8, 60), "b": rng.uniform(-6, -1, 60)}
    for clip_by, factor in (("norm", 1.0), ("value", 2**0.5)):
        path = descend(wall, starts, step_size=0.3, clip=0.7, clip_by=clip_by, steps=25, **SAME)
        assert path.clipped.any()
        assert path.lengths[path.clipped].max() <= 0.3 * 0.7 * factor
        assert path.longest_clipped_ratio <= 1


def test_a_clipped_step_that_is_too_long_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symgrad.kernels.stepping.NEVER_LONGER", 1 + 1e-12)
    path = descend(wall, {"w": 5.0, "b": -2.61229}, step_size=0.3, clip=0.7, steps=2, **SAME)
    assert path.clipped[0]
    assert path.longest_clipped_ratio > 1


def test_the_definition_of_a_catapult() -> None:
    """Half of what was won, and above rounding; leaving the box is one whatever the loss does."""

    def found(losses: list[float], left: int = -1) -> tuple[list[int], float]:
        catapults, undone = find_catapults(SignedLog.from_float(losses), np.array(left))
        return np.flatnonzero(catapults).tolist(), float(undone.value)

    assert found([1.0, 0.5, 0.5 + 1e-16, 0.2]) == ([], 0.0)
    assert found([1.0, 0.2, 0.59]) == ([], 0.0)
    assert found([1.0, 0.2, 0.61]) == ([1], pytest.approx(0.41))
    assert found([1.0, 1.0 + 1e-12]) == ([], 0.0)
    assert found([1.0, 1.1]) == ([0], pytest.approx(0.1))
    assert found([1.0, 0.2, 0.7, 0.6, 0.66]) == ([1, 3], pytest.approx(0.56))
    assert found([1.0, 0.5, 0.1], left=1) == ([1], 0.0)
    assert found([1.0, float("nan")], left=0) == ([0], 0.0)
    assert found([1e-20, 3e-20]) == ([0], pytest.approx(2e-20))


def test_a_loss_beyond_float64_is_compared_by_its_logarithm() -> None:
    losses = SignedLog.from_parts([0.5, 0.5, 0.5], [5000, 4000, 4999.9 // 1 + 1])
    catapults, undone = find_catapults(losses, np.array(-1))
    assert catapults.tolist() == [False, True]
    assert float(undone.log_abs) == pytest.approx(float(losses.log_abs[2]))


def test_a_quadratic_catapults_exactly_above_two_over_its_curvature() -> None:
    """L = (w - 1)² has curvature 2: the plain step is stable for η < 1."""
    path = descend(bowl, {"w": 3.0}, start=1, step_size=np.array([0.5, 0.99, 1.01, 3.0]), steps=20)
    assert path.catapulted.tolist() == [False, False, True, True]


def test_the_wall_throws_a_plain_step_far() -> None:
    plain = descend(wall, AT, step_size=0.01, steps=100, **SAME)
    clipped = descend(wall, AT, step_size=0.01, clip=1, steps=100, **SAME)
    assert plain.lengths.max() > 5
    assert int(plain.thrown.sum()) == 1
    assert int(np.argmax(plain.lengths)) == int(np.flatnonzero(plain.thrown)[0])
    assert clipped.lengths.max() <= 0.01
    assert not clipped.thrown.any()
    assert plain.catapults.any()
    assert clipped.catapults.any()


def test_a_path_ends_where_it_leaves_the_box() -> None:
    path = descend(wall, AT, step_size=0.01, steps=60, box={"w": (4, 8), "b": (-6, -1)}, **SAME)
    left = int(path.left)
    assert not 4 <= path.positions[left + 1, 0] <= 8 or not -6 <= path.positions[left + 1, 1] <= -1
    assert np.array_equal(
        path.positions[left + 1 :], np.broadcast_to(path.positions[-1], path.positions[left + 1 :].shape)
    )
    assert (path.lengths[left + 1 :] == 0).all()
    assert path.catapults[left]
    assert ENDS[int(ends_of(path))] is PathEnd.LEFT_BOX


def test_how_paths_end() -> None:
    def end(target: Any, at: dict[str, float], goal: float | None = None, **options: Any) -> PathEnd:
        return ENDS[int(ends_of(descend(target, at, **options), goal))]

    assert end(bowl, {"w": 3.0}, start=1, step_size=0.3, steps=40) is PathEnd.CONVERGED
    assert end(bowl, {"w": 3.0}, start=1, step_size=0.01, steps=10) is PathEnd.UNDER_WAY
    assert end(bowl, {"w": 3.0}, start=1, step_size=1.0, steps=10) is PathEnd.STALLED
    assert end(wall, {"w": 6.0, "b": -5.5}, step_size=0.01, steps=20, **SAME) is PathEnd.STALLED
    assert end(wall, AT, step_size=0.01, clip=1, steps=100, **SAME) is PathEnd.BOUNCING
    unbounded = gradient(Map("w*x", "x"), "(x - 1)**2 - 3", wrt="w")
    assert end(unbounded, {"w": 3.0}, start=1, step_size=0.3, steps=60) is PathEnd.SETTLED
    assert end(unbounded, {"w": 3.0}, -2.9, start=1, step_size=0.3, steps=60) is PathEnd.CONVERGED
    assert np.isnan(goal_of(descend(unbounded, {"w": 3.0}, start=1, step_size=0.3, steps=1)).mantissa)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"step_size": 0}, "the step size must be positive, got 0"),
    ({"step_size": None}, "the gradient rule needs a step size"),
    ({"step_size": float("inf")}, "the step size must be finite"),
    ({"clip": 0}, "the clipping threshold must be positive, got 0"),
    ({"clip": -1}, "the clipping threshold must be positive, got -1"),
    ({"clip": 1, "clip_by": "size"}, "gradients are clipped by norm or by value, got 'size'"),
    ({"clip": 1, "rule": "newton"}, "clipping bounds the gradient, and Newton's step"),
    ({"momentum": 0.5}, "the gradient rule has no momentum"),
    ({"rule": "momentum", "momentum": 1}, "the momentum must be at least 0 and below 1, got 1"),
    ({"rule": "sgd"}, "there is no rule 'sgd'; choose one of gradient, newton, momentum"),
    ({"steps": 0}, "steps must be a positive whole number, got 0"),
    ({"steps": 2.5}, "steps must be a positive whole number, got 2.5"),
    ({"at": {"w": 5.0}}, "descent moves w, b, got first values for w"),
    ({"at": {"w": 5.0, "b": float("inf")}}, "the first value of 'b' must be finite"),
    ({"at": {"w": [5.0, 1.0], "b": [1.0, 2.0, 3.0]}}, "do not broadcast to one shape"),
    ({"parameters": {"w": 1}}, "'w' moves and cannot be set as well"),
    ({"parameters": {"q": 1}}, "'q' is not a parameter here"),
    ({"box": {"q": (0, 1)}}, "the box bounds 'q', which does not move"),
    ({"box": {"w": (1, 0)}}, "the box needs low < high for 'w'"),
    ({"box": {"w": (6, 8)}}, "a start lies outside the box"),
    ({"depth": None}, "the depth n has no value"),
    ({"target": gradient(Map("w*x + b", "x"), wrt="w,b")}, "an update needs a loss to lower"),
    ({"target": gradient(Map("w*x + b", "x"), "w**2 + b", wrt="w,b")}, "does not depend on the state x"),
    ({"target": Map("w*x + b", "x")}, "descent needs the gradient of a loss, got Map"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_means_nothing_is_refused_in_one_line(change: dict[str, Any], message: str) -> None:
    asked = {"target": wall, "at": AT, "step_size": 0.01, "steps": 3, **SAME} | change
    with pytest.raises(InputError, match=message) as refused:
        descend(**asked)
    assert "\n" not in str(refused.value)
