"""A sweep is the kernel at every point of its grid, however it is cut into chunks."""

import io
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgrad.derivation import gradient
from symgrad.errors import InputError
from symgrad.kernels import Kernel, SignedLog, to_kernel
from symgrad.maps import Map, composition_from_text, stack
from symgrad.sweeps import Axis, Sweep, sweep
from symgrad.symbols import n

REFERENCE = to_kernel(gradient(Map("w*sigmoid(x) + b", "x") ** n, "(sigmoid(x) - 7/10)**2", wrt="w,b"))
HENON = to_kernel(gradient(Map(("1 - a*x**2 + y", "b*x"), ("x", "y")) ** n, wrt="a", second_order=True))
UNTIED = to_kernel(gradient(composition_from_text("w*x + b", depth=3, untied=["w"]), "(x - 1)**2", wrt="w,b"))


def same(a: SignedLog, b: SignedLog) -> bool:
    return np.array_equal(a.mantissa, b.mantissa, equal_nan=True) and np.array_equal(a.exponent, b.exponent)


@settings(max_examples=15, deadline=None)
@given(chunk=st.integers(1, 40), counts=st.tuples(st.integers(2, 5), st.integers(2, 5)))
def test_chunks_change_nothing(chunk: int, counts: tuple[int, int]) -> None:
    axes = Axis("w", 4, 8, counts[0]), Axis("b", -6, -1, counts[1])
    cut = sweep(REFERENCE, *axes, start=0.5, depth=9, chunk=chunk).outcome
    whole = REFERENCE(0.5, dict(zip("wb", np.meshgrid(*(a.values for a in axes), indexing="ij"), strict=True)), depth=9)
    assert cut.status.shape == counts
    assert np.array_equal(cut.state, whole.state)
    assert cut.loss is not None
    assert whole.loss is not None
    assert same(cut.loss, whole.loss)
    assert same(cut.product, whole.product)
    assert all(same(cut.gradient[name], whole.gradient[name]) for name in "wb")


def test_every_part_of_an_outcome_is_joined() -> None:
    axes = Axis("a", 1, 1.4, 3), Axis("y", 0, 0.3, 4)
    plane = sweep(HENON, *axes, start=(0.1, None), parameters={"b": 0.3}, depth=5, chunk=5)
    whole = HENON((np.full((3, 4), 0.1), plane.grid("y")), {"a": plane.grid("a"), "b": 0.3}, depth=5)
    assert plane.outcome.growth.shape == (2, 3, 4)
    assert plane.outcome.product.shape == (2, 2, 3, 4)
    assert np.array_equal(plane.outcome.growth, whole.growth)
    assert same(plane.outcome.hessian["a", "a"], whole.hessian["a", "a"])
    assert plane.outcome.depth == 5


def test_values_per_layer_stay_values_per_layer() -> None:
    plane = sweep(UNTIED, Axis("b", -1, 1, 3), Axis("x", 0, 1, 2), parameters={"w": [2, 0.5, -3]})
    assert plane.outcome.gradient["w"].shape == (3, 3, 2)
    assert plane.outcome.product.value.tolist() == [[-3.0, -3.0]] * 3


def test_the_axes_can_be_asked_for() -> None:
    plane = sweep(REFERENCE, Axis("w", 4, 8, 3), Axis("b", -6, -1, 2), start=0.5, depth=1)
    assert plane.shape == (3, 2)
    assert plane.axis("b").low == -6
    assert plane.grid("w").tolist() == [[4, 4], [6, 6], [8, 8]]
    assert plane.grid("b").tolist() == [[-6, -1]] * 3
    with pytest.raises(InputError, match="its axes are w, b"):
        plane.axis("x")


def run(*axes: Any, kernel: Any = REFERENCE, **options: Any) -> Sweep:
    return sweep(kernel, *axes, **{"start": 0.5, "depth": 2, **options})


W, B = Axis("w", 4, 8, 2), Axis("b", -6, -1, 2)


@pytest.mark.parametrize(
    ("axes", "options", "message"),
    [
        ((), {}, "at least one axis"),
        ((W, Axis("v", 0, 1, 2)), {}, r"'v' is not a name.*b, w, x \(its start\)"),
        ((W, W), {"parameters": {"b": 1}}, "two axes are named 'w'"),
        ((W, B), {"parameters": {"w": 1}}, "an axis and a value"),
        ((W,), {}, "'b' has no value"),
        ((W,), {"parameters": {"b": 1, "c": 2}}, "'c' is not a parameter"),
        ((W,), {"parameters": {"b": [1, 2]}}, "one finite number"),
        ((W,), {"parameters": {"b": float("nan")}}, "one finite number"),
        ((W, B), {"start": None}, "'x' has no start"),
        ((W, B), {"start": float("inf")}, "one finite number"),
        ((W, B), {"start": (1, 2)}, "1 components, got 2"),
        ((Axis("x", 0, 1, 2), W), {"parameters": {"b": 1}}, "a start; leave one"),
        ((W, B), {"depth": None}, "depth"),
        ((W, B), {"chunk": 0}, "chunk must be"),
        (("w=0:1:5",), {}, "takes axes"),
        ((Axis("w", 0, 1, 10_000), Axis("b", 0, 1, 10_000)), {}, "lower the counts"),
    ],
)
def test_bad_sweeps_are_refused_in_one_line(axes: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        run(*axes, **options)
    assert "\n" not in str(caught.value)


def test_a_value_per_layer_cannot_be_an_axis_and_a_map_is_no_kernel() -> None:
    untied = to_kernel(stack(Map("w*x + b", "x"), 3, untied=["w"]))
    with pytest.raises(InputError, match=r"value per layer.*b, x \(its start\)"):
        sweep(untied, Axis("w", 0, 1, 2), start=1, parameters={"b": 0})
    with pytest.raises(InputError, match="to_kernel first"):
        sweep(Map("w*x", "x"), Axis("w", 0, 1, 2), start=1)  # type: ignore[arg-type]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "progress", "shown"), [(Terminal, None, True), (Terminal, False, False), (io.StringIO, True, False)]
)
def test_progress_appears_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], progress: bool | None, shown: bool
) -> None:
    output = stream()
    monkeypatch.setattr(sys, "stderr", output)
    monkeypatch.setattr("symgrad.sweeps.grid.SECONDS_BEFORE_PROGRESS", 0.0)
    run(W, B, chunk=1, progress=progress)
    assert bool(output.getvalue()) == shown


def test_a_short_sweep_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    output = Terminal()
    monkeypatch.setattr(sys, "stderr", output)
    run(W, B, chunk=1)
    assert output.getvalue().strip() == ""


def test_an_interrupt_ends_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def interrupted(self: Kernel, *given: Any, **options: Any) -> Any:
        calls.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(Kernel, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(W, B, chunk=1)
    assert calls == [1]


def test_temporary_memory_is_bounded() -> None:
    count = 300
    run(Axis("w", 4, 8, 10), Axis("b", -6, -1, 10))
    tracemalloc.start()
    plane = run(Axis("w", 4, 8, count), Axis("b", -6, -1, count))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    kept = 8 * count**2 * 13
    assert plane.shape == (count, count)
    assert peak - kept < 60e6
