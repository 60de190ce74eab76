"""The NumPy backend on whole tiles: pooled orbits, long blocks, unguarded exponentials, and little memory."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

from symgrad.derivation import gradient
from symgrad.kernels import Outcome, to_kernel
from symgrad.kernels.blocks import block_program
from symgrad.kernels.orbits import REACH, Orbits
from symgrad.kernels.program import program_of
from symgrad.kernels.settling import stands_still
from symgrad.kernels.steps import derive_steps
from symgrad.kernels.stretches import DENSE, SPAN, TILE, Body
from symgrad.maps import Map, compose
from symgrad.symbols import n


def both(chain: Any, start: Any, loss: str | None, depth: int, **values: Any) -> tuple[Outcome, Outcome]:
    target = gradient(chain, loss, wrt=tuple(values))
    fast, dense = (to_kernel(target, backend=name)(start, values, depth=depth) for name in ("numpy", "lambdify"))
    return fast, dense


def agree(fast: Outcome, dense: Outcome, rel: float = 1e-12) -> None:
    assert fast.state[0] == pytest.approx(dense.state[0], rel=rel)
    assert fast.product.log_abs == pytest.approx(dense.product.log_abs, rel=rel)
    for name, one in fast.gradient.items():
        assert one.log_abs == pytest.approx(dense.gradient[name].log_abs, rel=rel, abs=rel), name
        assert one.sign.tolist() == dense.gradient[name].sign.tolist()


@pytest.mark.parametrize("depth", [1, 13, 24, 26, 50, 51, 71, 72])
def test_long_blocks_equal_single_steps(depth: int) -> None:
    w, b = np.linspace(0.3, 4.0, 7), np.linspace(-2.0, 0.4, 7)
    agree(*both(Map("w*sigmoid(x) + b", "x") ** n, 0.5, "(x - 1)**2", depth, w=w, b=b))


def test_blocks_of_a_dense_run_have_one_length() -> None:
    (step,) = derive_steps(gradient(Map("w*x", "x"), wrt="w")).layers.values()
    body = Body((program_of(step),), ("w",), (0,), False)
    assert [body.dense(times) for times in (1, 25, 26, 50, 51, 71)] == [1, 25, 13, 25, 17, 24]
    assert Body((program_of(step),), ("w",), (0,), True).dense(50) == SPAN < DENSE


@pytest.mark.parametrize("unit", ["sigmoid", "tanh", "softplus", "silu", "mish"])
def test_arguments_of_exponentials_beyond_float64_are_run_again(unit: str) -> None:
    """A block leaves out the cut at 709; what overflows is found, and run with it."""
    start = np.array([-1e5, -800.0, -3.0, 0.0, 3.0, 710.0, 1e5])
    fast, dense = both(Map(f"w*{unit}(x) + b", "x") ** n, start, "(x - 1)**2", 3, w=0.5, b=-0.2)
    agree(fast, dense)


def test_only_cuts_of_exponentials_are_left_out() -> None:
    (step,) = derive_steps(gradient(Map("w*sigmoid(x) + Min(x, 709)", "x"), wrt="w")).layers.values()
    kinds = [
        [one.op for one in block_program([program_of(step)], 1, ["w"], careful=careful).program.instructions]
        for careful in (False, True)
    ]
    assert [row.count("min") for row in kinds] == [1, 2]


def test_orbits_that_do_not_settle_go_on_through_several_blocks() -> None:
    """In the first chain some orbits settle and others creep; both then go through a second chain."""
    first = Map("w*tanh(x) + b", "x") ** n
    w = np.concatenate([np.linspace(0.2, 0.9, 20), np.linspace(0.995, 1.004, 9), [-1.001, -0.999]])
    b = np.linspace(0, 1e-3, w.size)
    alone = to_kernel(first, backend="numpy")(0.4, {"w": w, "b": b}, depth=150)
    assert 0.0 < alone.settled < 1.0
    fast, dense = both(compose(first, Map("w*sin(x)/2 + 3/10", "x") ** 90), 0.4, "(x - 0.2)**2", 150, w=w, b=b)
    assert fast.settled > 0.9
    agree(fast, dense, rel=1e-11)


def test_neighbouring_tiles_keep_their_points_apart() -> None:
    size = 2 * TILE + 5
    w = np.linspace(-0.999, 0.999, size)
    kernel = to_kernel(gradient(Map("w*tanh(x) + b", "x") ** n, "x", wrt="w,b"), backend="numpy")
    whole = kernel(0.5, {"w": w, "b": 0.1}, depth=150, threads=2)
    some = np.arange(0, size, 997)
    alone = kernel(0.5, {"w": w[some], "b": 0.1}, depth=150)
    for name in "wb":
        assert whole.gradient[name].value[some] == pytest.approx(alone.gradient[name].value, rel=1e-12)
    assert whole.growth[0, some] == pytest.approx(alone.growth[0], rel=1e-12)
    assert whole.state[0, some] == pytest.approx(alone.state[0], rel=1e-12)


def test_numbers_written_twice_leave_the_others_alone() -> None:
    """One orbit dies away, its slope is written by its tile, by the pool, and mended; its neighbours are floats."""
    w, b = np.array([-1.6, 3.2, 0.4, 0.4, 2.0, 2.6]), np.array([-1.0, 1.2, 0.0, 0.0, -0.42, -0.7])
    fast, dense = both(Map("w*tanh(x) + b", "x") ** n, 0.5, "(tanh(x) - 7/10)**2", 1000, w=w, b=b)
    agree(fast, dense)


def test_standing_still_asks_for_contraction() -> None:
    before, after = np.ones(4), np.array([1.0, 1 + 2e-16, 1.0, 1 + 1e-12])
    assert stands_still(before, after, np.array([0.1, -0.5, 0.9, 0.1])).tolist() == [True, True, False, False]


def test_mantissas_stay_within_reach() -> None:
    orbits, size = Orbits.of(np.zeros(2), 0), np.empty(2)
    reach, total = 0.0, 0.0
    for power in (-300, -300, -300, 350, 380, -899, 900, -1000):
        reach = orbits.multiply(np.array([2.0**power, -(2.0**power)]), size, reach)
        total += power
        assert reach <= 2 * REACH
        found = np.log2(np.abs(orbits.mantissa)) + orbits.exponent
        assert found.tolist() == [total, total]
        assert orbits.flagged.tolist() == [power == -1000] * 2


def test_a_million_numbers_need_little_memory() -> None:
    """512 x 512 points at T = 50, results and all; the second call, which compiles nothing."""
    kernel = to_kernel(
        gradient(Map("w*sigmoid(x) + b", "x") ** n, "(sigmoid(x) - 7/10)**2", wrt="w,b"), backend="numpy"
    )
    w, b = np.meshgrid(np.linspace(4, 8, 512), np.linspace(-6, -1, 512), indexing="ij")
    kernel(0.5, {"w": w[:2], "b": b[:2]}, depth=50, threads=2)
    tracemalloc.start()
    try:
        outcome = kernel(0.5, {"w": w, "b": b}, depth=50, threads=2)
        assert outcome.loss is not None
        found = [outcome.loss.value, outcome.gradient["w"].value, outcome.gradient["b"].value, outcome.growth]
        assert sum(one.size for one in found) == 4 * 512**2
        assert tracemalloc.get_traced_memory()[1] <= 20e6
    finally:
        tracemalloc.stop()
