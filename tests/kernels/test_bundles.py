"""Each bundle against the exact form of its activation and derivatives, evaluated with 50 digits and more."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

from symgrad.kernels.program import BUNDLES, OPERATIONS, TRUTHS, Builder, Input, Program, Term
from symgrad.kernels.stable import STABLE
from symgrad.kernels.ufuncs import CALLS, run_program
from symgrad.symbols import x

SIZES = [
    *(1e-300, 1e-150, 1e-30, 1e-12, 1e-6, 1e-3, 0.01, 0.06, 0.1, 0.2499, 0.2501, 0.3, 0.5, 0.7, 1.0, 1.3, 1.9, 2.5),
    *(3.3, 4.9, 5.1, 7.0, 11.0, 19.0, 26.0, 36.0, 90.0, 200.0, 320.0, 354.2, 600.0, 650.0, 708.0),
    *(709.5, 745.0, 800.0, 1e4, 1e8, 1e30, 1e150, 1e200, 1.7e308),
]
POINTS = np.array([-s for s in reversed(SIZES)] + [0.0] + SIZES)
FAINT = 1e-290  # below it, next to the smallest normal float, only the absolute error counts
INTERIOR_ZEROS = {("gelu", 1), ("gelu", 2), ("silu", 1), ("silu", 2), ("mish", 1), ("mish", 2)}
FURTHEST = {"sin": 1e4, "exp": 709.7, "mish": 1e3, "gelu": 1e3, "selu": 1.6e308}


def bundle(name: str, order: int) -> Program:
    builder = Builder([Input("state", "x")])
    return builder.program([BUNDLES[name](Term(builder, 0))[order].slot], [], [])


@cache
def exact(name: str, order: int) -> Callable[[Any], Any]:
    function: Callable[[Any], Any] = sympy.lambdify(x, STABLE[name].exact[order], modules="mpmath")
    return function


def truth(name: str, order: int, point: float) -> Any:
    with mpmath.mp.workdps(60):
        return mpmath.mpf(exact(name, order)(mpmath.mpf(point)))


def errors(name: str, order: int, program: Program) -> list[tuple[float, float]]:
    """Return (point, error in units of 1e-15): relative, absolute below FAINT; near zeros of a derivative by |x f'|."""
    (found,) = run_program(program, [POINTS])
    result = []
    for point, got in zip(POINTS.tolist(), np.broadcast_to(found, POINTS.shape).tolist(), strict=True):
        if abs(point) > FURTHEST.get(name, math.inf):
            continue
        true = truth(name, order, point)
        scale = abs(true)
        if (name, order) in INTERIOR_ZEROS and abs(point) < 5:
            scale += abs(point) * abs(truth(name, order + 1, point)) if order == 1 else 1
        error, limit = abs(got - true), 1e-15 * scale if scale > FAINT else 1e-304
        result.append((point, float(error / limit)))
    return result


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize("order", range(3))
def test_a_bundle_is_right_for_every_float(name: str, order: int) -> None:
    found = errors(name, order, bundle(name, order))
    assert len(found) > 60
    worst = max(found, key=lambda pair: pair[1])
    assert worst[1] < 1, worst


def test_a_bundle_that_cancels_is_caught() -> None:
    builder = Builder([Input("state", "x")])
    u = Term(builder, 0)
    value = BUNDLES["tanh"](u)[0]
    assert max(error for _, error in errors("tanh", 1, builder.program([(1 - value * value).slot], [], []))) > 1e10


@pytest.mark.parametrize("name", BUNDLES)
def test_no_number_gives_an_undefined_result(name: str) -> None:
    for order in range(3):
        (found,) = run_program(bundle(name, order), [np.append(POINTS, [math.inf, -math.inf, math.nan])])
        assert np.isfinite(np.broadcast_to(found, len(POINTS) + 3)[: len(POINTS)]).all() or name in {"exp", "selu"}


def test_value_and_slope_share_their_exponential() -> None:
    for name in ("tanh", "sigmoid", "softplus", "silu", "mish"):
        builder = Builder([Input("state", "x")])
        program = builder.program([t.slot for t in BUNDLES[name](Term(builder, 0))], [], [])
        assert [i.op for i in program.instructions].count("exp") == 1, name


def test_every_activation_has_a_bundle_and_every_operation_a_call() -> None:
    assert set(BUNDLES) == set(STABLE)
    assert set(CALLS) == set(OPERATIONS)
    assert set(OPERATIONS) > TRUTHS
