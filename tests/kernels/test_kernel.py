"""Kernels: what they take, what they return, and what never leaves its range."""

import math
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

from symgrad.derivation import chain_product, gradient, newton_of_composition
from symgrad.errors import InputError
from symgrad.kernels import Kernel, to_kernel
from symgrad.kernels.outcome import Status
from symgrad.maps import Map, activation, composition_from_text, stack, unregister
from symgrad.symbols import b, n, w

f = Map("tanh(w*x + b)", "x")
henon = Map(("1 - a*x**2 + y", "b*x"), ("x", "y"))
target = gradient(f**n, "x**2", wrt="w")
BACKENDS: dict[str, dict[str, Any]] = {"auto": {}, "lambdify": {"backend": "lambdify"}, "mpmath": {"digits": 20}}
VALUES = {"w": 1, "b": 0}
each_backend = pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)


def kernel_of(text: str, depth: Any = n, loss: str | None = None, wrt: Any = (), **options: Any) -> Kernel:
    return to_kernel(gradient(composition_from_text(text, depth=depth), loss, wrt=wrt), **options)


# ---------------------------------------------------------------- range


@each_backend
def test_a_product_that_leaves_float64_keeps_its_logarithm(backend: dict[str, Any]) -> None:
    outcome = kernel_of("w*x", loss="(x - 1)**2", wrt="w", **backend)(1.0, {"w": 5}, depth=1000)
    assert outcome.product.log_abs == pytest.approx(1000 * math.log(5), rel=1e-15)
    assert outcome.state_log.log_abs[0] == pytest.approx(1000 * math.log(5), rel=1e-15)
    assert outcome.state[0] == math.inf
    assert outcome.status == Status.DIVERGED
    assert outcome.loss is not None
    assert outcome.loss.log_abs == pytest.approx(2000 * math.log(5), rel=1e-15)
    assert outcome.gradient["w"].log_abs == pytest.approx(math.log(400) + 2000 * math.log(5), rel=1e-14)
    assert outcome.rate == pytest.approx(math.log(5), rel=1e-14)


@each_backend
def test_a_state_that_underflows_keeps_its_logarithm(backend: dict[str, Any]) -> None:
    outcome = kernel_of("x**2", **backend)(0.5, depth=30)
    assert outcome.state_log.log_abs[0] == pytest.approx(-(2.0**30) * math.log(2), rel=1e-14)
    assert outcome.product.log_abs == pytest.approx(30 * math.log(2) - (2.0**30 - 1) * math.log(2), rel=1e-14)
    assert outcome.product.sign == 1
    assert outcome.state[0] == 0.0


@each_backend
def test_a_dead_unit_is_exactly_zero(backend: dict[str, Any]) -> None:
    outcome = kernel_of("relu(w*x)", wrt="w", **backend)(-1.0, {"w": 5}, depth=10)
    assert outcome.product.sign == 0
    assert outcome.product.log_abs == -math.inf
    assert outcome.gradient["w"].sign == 0
    assert outcome.rate == -math.inf


@each_backend
def test_an_alternating_product_keeps_its_sign(backend: dict[str, Any]) -> None:
    outcome = kernel_of("w*x", **backend)(1.0, {"w": [-3.0, -3.0]}, depth=1001)
    assert outcome.product.sign.tolist() == [-1, -1]
    assert outcome.product.log_abs == pytest.approx(1001 * math.log(3))


@each_backend
def test_a_state_outside_the_domain_is_undefined(backend: dict[str, Any]) -> None:
    outcome = kernel_of("log(x)", **backend)(0.5, depth=3)
    assert outcome.status == Status.UNDEFINED
    assert np.isnan(outcome.state[0])


@each_backend
@pytest.mark.parametrize(
    ("text", "log_product"),
    [
        ("1e400*x", 2 * 400 * math.log(10)),
        ("x/10**400", -2 * 400 * math.log(10)),
        ("sigmoid(1)*x", 2 * math.log(1 / (1 + math.exp(-1)))),
        ("gelu(1)*x + tanh(2)", 2 * math.log((1 + math.erf(1 / math.sqrt(2))) / 2)),
        ("pi*x", 2 * math.log(math.pi)),
    ],
)
def test_constants_of_any_kind_and_size(text: str, log_product: float, backend: dict[str, Any]) -> None:
    assert kernel_of(text, **backend)(0.5, depth=2).product.log_abs == pytest.approx(log_product, rel=1e-14)


def test_ordinary_points_need_float64_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter of the loss alone has sensitivity 0 at every point: that is no underflow."""

    def refuse(*_: Any) -> None:
        raise AssertionError("an ordinary point was run with unlimited exponents")

    for slow in ("lambdified._run_extended", "unlimited.run_unlimited"):
        monkeypatch.setattr(f"symgrad.kernels.{slow}", refuse)
    points = np.linspace(0.1, 1, 5)
    for name in "identity tanh sigmoid relu leaky_relu softplus softsign gelu silu mish erf sin atan".split():
        for wrt, second in (("w,b,c", True), ("w,x", True), ("c", False)):
            kernel = to_kernel(gradient(Map(f"{name}(w*x + b)", "x") ** n, "(x - c)**2", wrt=wrt, second_order=second))
            kernel(points, {"w": 0.7, "b": 0.2, "c": 0.25}, depth=6)
    exploding = to_kernel(gradient(Map("w*x", "x") ** n, "x + c", wrt="w,c"))
    exploding(1.0, {"w": 1.5, "c": 1}, depth=1500)
    with pytest.raises(AssertionError):
        to_kernel(Map("w*x", "x") ** n)(1.0, {"w": 1e200}, depth=2)


# ---------------------------------------------------------------- input


@each_backend
@pytest.mark.parametrize(
    "start", [1, 1.0, True, "1", "3/3", Fraction(1), sympy.Integer(1), np.float32(1), np.int8(1), np.longdouble(1)]
)
def test_a_number_may_be_of_any_kind(start: Any, backend: dict[str, Any]) -> None:
    outcome = to_kernel(target, **backend)(start, VALUES, depth=3)
    assert outcome.loss is not None
    assert outcome.loss.value == pytest.approx(0.32066168567541475, rel=1e-14)
    assert outcome.loss.shape == ()


@each_backend
def test_symbols_may_name_parameters_and_arrays_may_mix_numbers(backend: dict[str, Any]) -> None:
    kernel = to_kernel(target, **backend)
    assert kernel(0.5, {w: 1, b: 0}, depth=3).product.value == kernel(0.5, VALUES, depth=3).product.value
    assert kernel(["1/2", 1], VALUES, depth=3).product.value[0] == kernel(0.5, VALUES, depth=3).product.value
    assert kernel([Fraction(1, 2)], VALUES, depth=3).product.shape == (1,)


def test_exact_numbers_stay_exact_for_the_oracle() -> None:
    kernel = kernel_of("3*w*x - 1", digits=40)
    assert kernel("1", {"w": "1/3"}, depth=1).state_log.sign[0] == 0
    assert kernel(1, {"w": sympy.Rational(1, 3)}, depth=1).state_log.sign[0] == 0
    assert kernel(1, {"w": 1 / 3}, depth=1).state[0] == pytest.approx(-5.55e-17, rel=1e-2)
    layered = to_kernel(stack(Map("w*x", "x"), 2), digits=40)
    assert layered("1", {"w": ["1/3", sympy.Integer(3)]}).state_log.value[0] == 1
    assert to_kernel(Map("x", "x"), digits=30)(10**400).state_log.log_abs[0] == pytest.approx(400 * math.log(10))


REFUSED: list[tuple[Callable[[Kernel], Any], str]] = [
    (lambda k: k(0.5, {"w": 1}, depth=3), "parameter 'b' has no value; give one"),
    (lambda k: k(0.5, None, depth=3), "parameter 'b' has no value"),
    (lambda k: k(0.5, {**VALUES, "q": 2}, depth=3), "'q' is not a parameter here; the parameters are b, w"),
    (lambda k: k(0.5, [1, 2], depth=3), r"parameters must be a mapping, got '\[1, 2\]'"),
    (lambda k: k(0.5, VALUES), "the depth n has no value; give depth, a positive integer, e.g. 50"),
    (lambda k: k(0.5, VALUES, depth=n), "a kernel needs the depth as a number, got n"),
    (lambda k: k(0.5, VALUES, depth=3, threads=0), "threads must be a positive integer, got 0"),
    (lambda k: k(0.5, VALUES, depth=3, threads=1.5), "threads must be a positive integer, got 1.5"),
    (lambda k: k(0.5, VALUES, depth=3, threads=True), "threads must be a positive integer, got True"),
    (lambda k: k([1, 2, 3], {"w": [1, 2], "b": 0}, depth=3), r"do not broadcast to one shape: \(3,\), (\(\)|\(2,\))"),
    *(
        (lambda k, s=start: k(s, VALUES, depth=3), message)  # type: ignore[misc]
        for start, message in [
            (None, "the start must be a number or an array of numbers, got 'None'"),
            ("abc", "the start must be a number or an array of numbers, got 'abc'"),
            ("9**9**9", "the start must be a number"),
            (1j, "the start must be a number or an array of numbers, got '1j'"),
            (np.array([1j]), "the start must be a number"),
            (b"1", "the start must be a number"),
            (np.datetime64("2020-01-01"), "the start must be a number"),
            (sympy.Symbol("q"), "the start must be a number or an array of numbers, got 'q'"),
            (sympy.I, "the start must be a number"),
            (sympy.oo, "the start must be a number"),
            ({"x": 1}, "the start must be a number"),
            ([[1, 2], [3]], "the start must be a number"),
            (float("nan"), "the start contains nan; give finite numbers"),
            ([0.0, math.nan], "the start contains nan; give finite numbers"),
            ([], "the start is an empty array; give at least one number"),
        ]
    ),
    *(
        (lambda k, d=depth: k(0.5, VALUES, depth=d), "depth must be a positive integer")  # type: ignore[misc]
        for depth in (0, -1, 1.5, True, "3", sympy.Rational(1, 2))
    ),
]


@each_backend
@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[f"{i} {m}" for i, (_, m) in enumerate(REFUSED)])
def test_what_cannot_be_evaluated_is_refused_in_one_line(
    call: Callable[[Kernel], Any], message: str, backend: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match=message) as refused:
        call(to_kernel(target, **backend))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("start", [10**400, "1e400", "1e-400", Fraction(1, 10**400)], ids=list("abcd"))
def test_exact_numbers_outside_float64_need_digits(start: Any) -> None:
    with pytest.raises(InputError, match=r"start 0 lies outside float64 .* ask for digits"):
        to_kernel(target)(start, VALUES, depth=3)
    assert to_kernel(target, digits=20)(start, VALUES, depth=3).product.sign == 1


def test_layers_and_components_are_counted() -> None:
    layered = to_kernel(stack(f, 3))
    with pytest.raises(InputError, match="'w' needs one value per layer, 3 in all, got 2 values"):
        layered(0.5, {"w": [1, 2], "b": [1, 2, 3]})
    with pytest.raises(InputError, match="'w' needs one value per layer, 3 in all, got a single value"):
        layered(0.5, {"w": 2, "b": [1, 2, 3]})
    pair = to_kernel(henon)
    for start, count in ((0.5, 1), ([1, 2, 3], 3), (None, 1)):
        with pytest.raises(InputError, match=f"a state of 2 components needs 2 start values, got {count}"):
            pair(start, {"a": 1.4, "b": 0.3})
    with pytest.raises(InputError, match="trace lists the factors of scalar layers"):
        pair((0.1, 0.2), {"a": 1.4, "b": 0.3}, trace=True)
    with pytest.raises(InputError, match="the composition has depth 3, not 4"):
        to_kernel(f**3)(0.5, VALUES, depth=4)


TARGETS: list[tuple[Callable[[], Any], str]] = [
    (lambda: to_kernel(3), "to_kernel takes a map, composition or gradient, got int"),  # type: ignore[call-overload]
    (lambda: to_kernel(f, backend="jax"), "no backend is named 'jax'; known: auto, numpy, "),
    (lambda: to_kernel(f, backend="lambdify", digits=20), "digits need the mpmath backend"),
    (lambda: to_kernel(f, digits=0), "digits must be a whole number from 1 to 10000, got 0"),
    (lambda: to_kernel(f, digits=2.5), "digits must be a whole number"),  # type: ignore[call-overload]
    (lambda: to_kernel(f, digits=True), "digits must be a whole number"),
    (lambda: to_kernel(Map("x**2 + c", "x", domain="complex")), "kernels compute with real numbers, got a complex map"),
]


@pytest.mark.parametrize(("build", "message"), TARGETS, ids=[m for _, m in TARGETS])
def test_what_cannot_be_compiled_is_refused(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build()


# ---------------------------------------------------------------- output


def test_every_target_compiles_to_its_numbers() -> None:
    values = {"w": 1.2, "b": -0.1}
    product = to_kernel(f**4)(0.3, values).product.value
    assert to_kernel(chain_product(f**4))(0.3, values).product.value == product
    step = to_kernel(newton_of_composition(f**4, "y"))(0.3, values)
    assert step.gradient["x"].value == pytest.approx(product, rel=1e-15)
    assert set(step.hessian) == {("x", "x")}
    one = to_kernel(f)(0.3, values)
    assert one.depth == 1
    assert one.state[0] == pytest.approx(math.tanh(0.26))


@each_backend
def test_own_parameters_of_several_components_without_a_loss(backend: dict[str, Any]) -> None:
    """∂(last state)/∂w[k] has the layer first, then the component; at equal values it sums to the tied gradient."""
    g = Map(("w*x + y", "b*x + w*y"), ("x", "y"))
    untied = to_kernel(gradient(stack(g, 3, untied=["w"]), wrt="w,b"), **backend)
    tied = to_kernel(gradient(g**3, wrt="w,b"), **backend)
    points = np.linspace(0, 1, 4)
    found = untied((0.1, points), {"w": [2.0, 2.0, 2.0], "b": 0.5})
    assert found.gradient["w"].shape == (3, 2, 4)
    assert found.gradient["b"].shape == (2, 4)
    whole = tied((0.1, points), {"w": 2.0, "b": 0.5})
    assert found.gradient["w"].value.sum(axis=0) == pytest.approx(whole.gradient["w"].value, rel=1e-14)
    ends = [untied((0.1, points), {"w": [2.0, 2.0 + h, 2.0], "b": 0.5}).state for h in (1e-6, -1e-6)]
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(found.gradient["w"].value[1], rel=1e-8)


def test_a_trace_lists_every_factor() -> None:
    outcome = to_kernel(f**n)([0.3, 1.0], VALUES, depth=7, trace=True)
    assert outcome.trace is not None
    assert outcome.trace.shape == (7, 2)
    assert outcome.trace.sum(axis=0) == pytest.approx(outcome.product.log_abs)


def test_singular_values_far_apart_keep_their_digits() -> None:
    growth = to_kernel(Map(("w*x", "v*y"), ("x", "y")) ** n)((1.0, 1.0), {"w": 7, "v": 1e-3}, depth=500).growth
    assert growth == pytest.approx([500 * math.log(7), -1500 * math.log(10)], rel=1e-13)


def test_a_kernel_pickles_as_its_formula() -> None:
    kernel = to_kernel(gradient(stack(f, n, untied=["w"]), "(sigmoid(x) - c)**2", wrt="w,b,c"))
    values = {"w": [1, 2, 3], "b": 0.1, "c": 0.5}
    outcome = kernel(0.3, values, depth=3)
    text = pickle.dumps(kernel)
    assert b"auto" in text
    assert b"_lambdifygenerated" not in text
    back = pickle.loads(text)
    assert back == kernel
    assert np.array_equal(back(0.3, values, depth=3).gradient["w"].value, outcome.gradient["w"].value)


def test_an_activation_defined_anew_is_compiled_anew() -> None:
    """Nothing compiled or derived for a name outlives its definition."""
    found = []
    for factor in (1, 2):

        @activation(latex="B", lipschitz=factor)
        def bump(x: sympy.Expr) -> sympy.Expr:
            """A scaled arctangent."""
            return factor * sympy.atan(x)  # noqa: B023

        outcome = to_kernel(gradient(Map("bump(w*x)", "x"), wrt="w", second_order=True))(0.5, {"w": 1})
        found.append([float(outcome.state[0]), float(outcome.product.value), float(outcome.hessian["w", "w"].value)])
        unregister("bump")
    assert found[1] == pytest.approx([2 * value for value in found[0]])


@pytest.mark.parametrize("backend", ["auto", "numpy", "lambdify", "mpmath"])
def test_an_outcome_is_frozen_whatever_the_backend(backend: str) -> None:
    outcome = to_kernel(Map("w*tanh(x)", "x"), backend=backend)(np.linspace(-1, 1, 3), {"w": 2.0})
    with pytest.raises(ValueError, match="read-only"):
        outcome.state[0, 0] = 1.0
    assert outcome.state[0, 0] == outcome.state_log.value[0, 0]
