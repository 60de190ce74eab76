"""Cliff regions lie where they are known to lie, are measured in box units, and claim no more than a grid can show."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgrad.derivation import gradient
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import to_kernel
from symgrad.maps import composition_from_text
from symgrad.phenomena import CliffRegions, cliff_regions
from symgrad.sweeps import Axis, Sweep, sweep
from symgrad.symbols import n

REFERENCE = "w*sigmoid(x) + b"
LOSS = "(sigmoid(x) - 7/10)**2"


def surface(text: str, loss: str, axes: tuple[Axis, ...], *, start: Any = 1, depth: int | None = 1, wrt: str) -> Sweep:
    chain = composition_from_text(text, depth=n if depth else 1)
    return sweep(to_kernel(gradient(chain, loss, wrt=wrt)), *axes, start=start, depth=depth)


def reference(count: int = 301) -> Sweep:
    axes = Axis("w", 4, 8, count), Axis("b", -6, -1, count)
    return surface(REFERENCE, LOSS, axes, start=0.5, depth=50, wrt="w,b")


@pytest.fixture(scope="module")
def fine() -> CliffRegions:
    return cliff_regions(reference(501), floor=0)


def test_the_largest_gradient_a_grid_sees_on_the_reference_surface(fine: CliffRegions) -> None:
    """501 x 501 points see 206 where the true gradient exceeds 1e13 (measured; Pascanu et al. 2013, fig. 6)."""
    assert np.exp(fine.largest_log_gradient) == pytest.approx(206, abs=0.5)
    assert fine.largest == fine.regions[0].steepest


def test_the_wall_of_the_reference_surface_is_one_region_along_the_basin_line(fine: CliffRegions) -> None:
    (wall,) = fine.regions
    i, j = np.nonzero(fine.labels)
    w, b = fine.axes[0].values[i], fine.axes[1].values[j]
    line = 0.5 - 0.6224593312018546 * w
    assert np.abs(b - line)[w > 4.4].max() < 3 * fine.axes[1].spacing
    assert set(i.tolist()) == set(range(501))
    assert wall.cells == len(i)
    assert wall.area == pytest.approx(wall.cells / 501**2)
    assert wall.parameter_area == pytest.approx(20 * wall.area)
    (outline,) = wall.outline
    assert np.array_equal(outline[0], outline[-1])
    assert outline.min(axis=0) == pytest.approx([4, -4.5], abs=0.05)
    assert outline.max(axis=0) == pytest.approx([8, -2], abs=0.05)


def test_a_sampled_surface_says_what_it_misses(fine: CliffRegions) -> None:
    assert fine.verdict is Verdict.SAMPLED
    assert "501 x 501 points underestimates the height" in fine.statement
    assert fine.kappa == 100


def test_the_floor_may_be_the_smallest_loss_of_the_grid() -> None:
    known, found = cliff_regions(reference(), floor=0), cliff_regions(reference())
    assert found.log_reference_step == pytest.approx(known.log_reference_step, abs=0.3)
    assert len(found.regions) == len(known.regions) == 1
    assert found.regions[0].cells == pytest.approx(known.regions[0].cells, rel=0.05)


@pytest.mark.parametrize("depth", [1, 5])
def test_a_shallow_chain_has_no_cliff(depth: int) -> None:
    axes = Axis("w", 4, 8, 101), Axis("b", -6, -1, 101)
    assert cliff_regions(surface(REFERENCE, LOSS, axes, start=0.5, depth=depth, wrt="w,b")).regions == ()


def test_the_step_of_the_deep_product_is_the_one_derived() -> None:
    """η = 1/(4p²·Σ 1/w_i²) for L = (p - y)², here of p = u²v in box units (Goodfellow et al. 2016, sec. 8.2.4)."""
    axes = Axis("u", 0.5, 2.5, 41), Axis("v", 0.5, 1.5, 41)
    plane = surface("u*x | u*x | v*x", "(x - 1)**2", axes, depth=None, wrt="u,v")
    found = cliff_regions(plane, floor=0)
    u, v = plane.grid("u"), plane.grid("v")
    derived = 1 / (4 * ((2 * u * v * 2) ** 2 + (u**2) ** 2))
    away = np.abs(u**2 * v - 1) > 0.5
    assert np.allclose(found.log_step[away], np.log(derived)[away], atol=0.3)


def test_the_corners_of_an_untied_deep_product_are_cliffs() -> None:
    axes = Axis("u", -4, 4, 101), Axis("v", -4, 4, 101)
    found = cliff_regions(surface("u*x | u*x | u*x | v*x | v*x | v*x", "(x - 1)**2", axes, depth=None, wrt="u,v"))
    assert len(found.regions) == 4
    assert {(abs(r.steepest["u"]), abs(r.steepest["v"])) for r in found.regions} == {(4.0, 4.0)}
    assert len({r.cells for r in found.regions}) == 1


@settings(max_examples=10, deadline=None)
@given(side=st.floats(1e-3, 1e3), shift=st.floats(-10, 10))
def test_box_units_do_not_depend_on_the_units_of_a_parameter(side: float, shift: float) -> None:
    axes = Axis("u", 0.513, 2.507, 21), Axis("v", 0.508, 1.508, 21)
    plain = cliff_regions(surface("u*x | u*x | v*x", "(x - 1)**2", axes, depth=None, wrt="u,v"), floor=0)
    other = Axis("v", shift, shift + side, 21)
    text = f"u*x | u*x | ((v - {other.low!r})/{other.side!r} + 0.508)*x"
    scaled = cliff_regions(surface(text, "(x - 1)**2", (axes[0], other), depth=None, wrt="u,v"), floor=0)
    assert np.allclose(plain.log_step, scaled.log_step, atol=1e-3)
    assert plain.log_reference_step == pytest.approx(scaled.log_reference_step, abs=1e-3)


def test_a_jump_between_flat_sides_is_seen_although_no_grid_point_has_a_gradient() -> None:
    axes = Axis("w", -1, 1, 200), Axis("b", -1, 1, 20)
    plane = surface("b*x/10 + sigmoid(100000*(w + b/50))", "x**2", axes, start=1, wrt="w,b")
    found = cliff_regions(plane)
    assert len(found.regions) == 1
    columns = np.nonzero(found.labels)[1]
    assert set(columns.tolist()) == set(range(20))
    assert np.exp(found.largest_log_gradient) < 10


def test_an_exploding_loss_needs_no_float64() -> None:
    axes = Axis("w", 1, 4, 9), Axis("b", -1, 1, 9)
    found = cliff_regions(surface("w*x + b", "(x - 1)**2", axes, start=0.5, depth=1200, wrt="w,b"))
    assert found.regions[0].area > 0.5
    assert found.largest_log_gradient > 3000


def test_undefined_losses_are_no_cliffs() -> None:
    axes = Axis("w", -2, 2, 21), Axis("b", 0.1, 1, 11)
    found = cliff_regions(surface("log(w*x) + b", "x**2", axes, start=0.5, wrt="w,b"))
    assert np.isnan(found.log_step[:11]).all()
    assert (found.labels[:11] == 0).all()
    assert np.isfinite(found.largest_log_gradient)


def test_a_flat_surface_has_neither_gradient_nor_cliff() -> None:
    axes = Axis("w", -2, -1, 5), Axis("b", -2, -1, 5)
    found = cliff_regions(surface("relu(w*x + b)", "x**2", axes, wrt="w,b"))
    assert found.regions == ()
    assert found.largest_log_gradient == -np.inf
    assert found.reference_step == 0


def test_regions_touch_at_corners_and_are_ordered_by_size() -> None:
    axes = Axis("w", -4, 4, 201), Axis("b", -2, 2, 201)
    found = cliff_regions(surface("sin(w*x + b)", "(x - 1/2)**2", axes, start=0.5, depth=20, wrt="w,b"))
    sizes = [r.cells for r in found.regions]
    assert sizes == sorted(sizes, reverse=True)
    assert [int((found.labels == i).sum()) for i in range(1, len(sizes) + 1)] == sizes
    first = found.regions[0]
    place = [int(np.argmin(np.abs(a.values - first.steepest[a.name]))) for a in found.axes]
    assert found.labels[place[0], place[1]] == 1
    assert found.log_gradient[place[0], place[1]] == first.log_gradient


W, B = Axis("w", 4, 8, 3), Axis("b", -6, -1, 3)


@pytest.mark.parametrize(
    ("plane", "options", "message"),
    [
        (lambda: 3, {}, "run sweep first"),
        (lambda: reference(3), {"ratio": 1}, "ratio must be above 1"),
        (lambda: reference(3), {"ratio": float("nan")}, "ratio must be above 1"),
        (lambda: reference(3), {"floor": float("nan")}, "floor must be a finite number"),
        (lambda: reference(3), {"floor": 0.2}, "falls below the floor"),
        (lambda: surface(REFERENCE, LOSS, (W, B), start=0.5, depth=2, wrt="w"), {}, "not by the axis 'b'"),
        (lambda: sweep(to_kernel(composition_from_text(REFERENCE)), W, B, start=0.5), {}, "need a loss"),
        (lambda: surface("w*x", "x**2", (W,), wrt="w"), {}, "two axes, got 1"),
    ],
)
def test_what_has_no_cliffs_is_refused_in_one_line(plane: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        cliff_regions(plane(), **options)
    assert "\n" not in str(caught.value)
