"""Backends: which there are, that they agree, and how the oracle ends when digits cannot be had."""

import numpy as np
import pytest
import sympy

from symgrad.derivation import gradient
from symgrad.errors import InputError
from symgrad.kernels import multiprecision, to_kernel
from symgrad.kernels.backends import BACKENDS, resolve_backend
from symgrad.maps import Map, composition_from_text, stack
from symgrad.symbols import n

CASES = {
    "wall": ("w*sigmoid(x) + b", 0.5, {"w": 5, "b": -2.5}, "(sigmoid(x) - 7/10)**2", 50),
    "rational": ("x/(x - w) + b*x**3", 0.4, {"w": 1.3, "b": 0.1}, "x**2", 4),
    "jumps": ("Mod(w*x, 2) + floor(3*x)*b + abs(x)*sign(x)", 0.4, {"w": 5.3, "b": 0.1}, "abs(x)", 5),
    "extrema": ("Max(w*x, -x, b) + Min(x, 1/3)", 0.7, {"w": 0.9, "b": 0.1}, "Max(x, 0)", 5),
    "inverses": ("asinh(w*x) + atanh(x/9) + acosh(2 + x**2)/4 - b*acos(x/9)", 0.4, {"w": 0.3, "b": 0.1}, "x", 4),
    "powers": ("abs(x)**w + sqrt(2 + x) - 2**(b*x)", 0.4, {"w": 1.3, "b": 0.1}, "log(2 + x**2)", 4),
    "trigonometry": ("tan(x/3) + cos(w*x) - sinh(b*x)/cosh(x)", 0.4, {"w": 1.3, "b": 0.1}, "sin(x)", 4),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_float64_agrees_with_30_digits(case: tuple[str, float, dict[str, float], str, int]) -> None:
    text, start, values, loss, depth = case
    target = gradient(Map(text, "x") ** n, loss, wrt="w,b", second_order=True)
    a, m = (to_kernel(target, **o)(start, values, depth=depth) for o in ({}, {"digits": 30}))
    pairs = [(a.product, m.product), (a.loss, m.loss), (a.state_log[0], m.state_log[0])]
    pairs += [(a.gradient[k], m.gradient[k]) for k in "wb"] + [(a.hessian[k], m.hessian[k]) for k in m.hessian]
    for found, truth in pairs:
        assert found is not None
        assert truth is not None
        assert found.sign == truth.sign
        if truth.sign:
            assert found.log_abs == pytest.approx(float(truth.log_abs), rel=1e-11, abs=1e-11)


def test_both_backends_return_the_same_shapes_and_name_themselves() -> None:
    untied = to_kernel(gradient(stack(Map("tanh(w*x)", "x"), 3), "x**2", wrt="w"))
    oracle = to_kernel(untied.target, digits=20)
    weights = np.array([[0.5, 1.0], [2.0, -1.0], [0.3, 3.0]])
    a, m = untied([0.3, 0.4], {"w": weights}), oracle([0.3, 0.4], {"w": weights})
    assert (a.backend, m.backend) == ("lambdify", "mpmath")
    assert a.gradient["w"].shape == m.gradient["w"].shape == (3, 2)
    assert a.gradient["w"].value == pytest.approx(m.gradient["w"].value, rel=1e-14)


def test_digits_are_written_out() -> None:
    outcome = to_kernel(composition_from_text("w*x", depth=2), digits=30)("1/3", {"w": 3})
    assert outcome.digits is not None
    assert outcome.digits["state"] == ["3.00000000000000000000000000000"]
    assert outcome.digits["chain_product"] == "9.00000000000000000000000000000"


def test_a_chaotic_orbit_keeps_its_digits() -> None:
    """x ↦ 4x(1-x) from sin²(π/7) follows sin²(2ᵏπ/7), period 3."""
    outcome = to_kernel(Map("4*x*(1 - x)", "x") ** n, digits=30)(sympy.sin(sympy.pi / 7) ** 2, depth=300)
    assert outcome.digits is not None
    assert outcome.digits["state"][0][:31] == str(sympy.N(sympy.sin(sympy.pi / 7) ** 2, 40))[:31]


def test_a_result_that_is_zero_has_no_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zero reached by cancellation ends the search for digits early, with a reason."""
    kernel = to_kernel(Map("sin(x)", "x"), digits=20)
    with pytest.raises(InputError, match=r"a result is 0 to within 2\*\*-\d+, so that it has no 20 digits"):
        kernel(sympy.pi)
    monkeypatch.setattr("symgrad.kernels.oracle.MOST_BITS", 1 << 9)
    with pytest.raises(InputError, match="20 digits are not reached with 512 bits"):
        to_kernel(Map("4*x*(1 - x)", "x") ** n, digits=20)("1/3", depth=2000)


def test_named_numbers_are_known_to_any_number_of_digits() -> None:
    outcome = to_kernel(Map(sympy.GoldenRatio * sympy.Symbol("x"), "x"), digits=40)(1)
    assert outcome.digits is not None
    assert outcome.digits["state"] == [str(sympy.N(sympy.GoldenRatio, 40))]
    ctx = multiprecision.context(400)
    assert multiprecision.evaluate(sympy.pi + sympy.E, {}, ctx) == ctx.pi + ctx.e


def test_what_the_oracle_lacks_it_names() -> None:
    with pytest.raises(InputError, match="the mpmath backend has no function gamma; use the lambdify backend"):
        to_kernel(Map(sympy.gamma(sympy.Symbol("x")), "x"), digits=20)(0.5)
    assert to_kernel(Map(sympy.gamma(sympy.Symbol("x")), "x"))(0.5).state[0] == pytest.approx(np.sqrt(np.pi))


def test_auto_is_resolved_when_planned() -> None:
    assert resolve_backend("auto", None) == "auto"
    assert resolve_backend("auto", 30) == "mpmath"
    assert set(BACKENDS) >= {"auto", "numpy", "lambdify", "mpmath"}
    assert to_kernel(Map("x", "x"), backend="mpmath").digits == 30
