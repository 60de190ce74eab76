"""Vector code agrees with the other backends, knows settled orbits, and says what it does not compute."""

from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.derivation import gradient
from symgrad.errors import InputError
from symgrad.kernels import Outcome, SignedLog, llvm, to_kernel
from symgrad.kernels.backends import BACKENDS
from symgrad.kernels.llvm import engine, run
from symgrad.maps import Map, stack
from symgrad.symbols import n

installed = pytest.mark.skipif(not llvm.available(), reason="llvmlite is not installed: the extra fast is not tested")
ACTIVATIONS = "tanh sigmoid relu leaky_relu elu selu softplus softsign silu mish exp".split()
GRADED = [
    -1000.0,
    -745.3,
    -708.5,
    -40.0,
    -20.0,
    -1.0,
    -0.3,
    -1e-9,
    1e-300,
    1e-5,
    0.2,
    0.7,
    3.0,
    36.0,
    300.0,
    709.5,
    1e9,
]


def both(layer: str, depth: int, values: dict[str, Any], start: Any = 0.3) -> tuple[Outcome, Outcome]:
    target = gradient(Map(layer, "x") ** n, "(x - 7/10)**2", wrt=[*sorted(values), "x"])
    vectors, arrays = (to_kernel(target, backend=name)(start, values, depth=depth) for name in ("llvm", "numpy"))
    return vectors, arrays


def distance(a: SignedLog | None, b: SignedLog | None) -> Any:
    """Return |log a - log b| relative to 1 or to the logarithm, whichever is larger; inf where the signs differ."""
    assert a is not None
    assert b is not None
    with np.errstate(all="ignore"):
        apart = np.where(a.log_abs == b.log_abs, 0.0, np.abs(a.log_abs - b.log_abs))
        return np.where(a.sign == b.sign, apart / np.maximum(1.0, np.abs(b.log_abs)), np.inf)


def farthest(a: Outcome, b: Outcome) -> float:
    pairs = [(a.state_log, b.state_log), (a.loss, b.loss), (a.product, b.product)]
    pairs += [(a.gradient[name], b.gradient[name]) for name in b.gradient]
    return max(float(np.max(distance(x, y))) for x, y in pairs)


@installed
@pytest.mark.parametrize("name", ["exp(x)", "log(x)", "tanh(x)", "elu(x)", "softplus(x)", "sigmoid(x)"])
def test_functions_are_right_to_four_roundings_over_the_whole_range(name: str) -> None:
    given = np.array([x for x in [*GRADED, 5e-324, 1e300] if name != "log(x)" or x > 0])
    found = to_kernel(Map(name, "x"), backend="llvm")(given).state[0]
    ctx = mpmath.MPContext()
    ctx.prec = 200
    truths = {
        "exp(x)": ctx.exp,
        "log(x)": ctx.log,
        "tanh(x)": ctx.tanh,
        "elu(x)": lambda x: x if x > 0 else ctx.expm1(x),
        "softplus(x)": lambda x: ctx.log1p(ctx.exp(x)) if x < 800 else x,
        "sigmoid(x)": lambda x: 1 / (1 + ctx.exp(-x)),
    }
    for x, y in zip(given, found, strict=True):
        truth = truths[name](ctx.mpf(float(x)))
        if truth > ctx.mpf(2) ** 1024:
            assert y == np.inf
        else:
            assert abs(ctx.mpf(float(y)) - truth) <= 4 * max(abs(truth) * ctx.mpf(2) ** -53, ctx.mpf(5e-324))


@installed
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_it_agrees_with_the_numpy_backend(activation: str) -> None:
    rng = np.random.default_rng(7)
    w, b = rng.normal(0.0, 0.6, 61), rng.normal(0.0, 1.0, 61)
    w[:4], b[:4] = [1e-8, 40.0, -1e-5, 0.9], [0.1, -20.0, 1.0, 0.0]
    for layer, depth in (
        (f"w*{activation}(x) + b", 13),
        (f"{activation}(w*x + b)", 20 if activation == "exp" else 200),
    ):
        vectors, arrays = both(layer, depth, {"w": w, "b": b})
        assert (vectors.backend, arrays.backend) == ("llvm", "numpy")
        assert farthest(vectors, arrays) < 1e-11
        assert vectors.gradient["w"].shape == (61,)


@installed
def test_grids_and_shared_values_keep_their_shape() -> None:
    w, b = np.linspace(4, 8, 9)[:, None], np.linspace(-6, -1, 7)
    vectors, arrays = both("w*sigmoid(x) + b", 50, {"w": w, "b": b})
    assert vectors.product.shape == (9, 7)
    assert farthest(vectors, arrays) < 1e-12


@installed
def test_a_billion_steps_are_finished_in_closed_form() -> None:
    values = {"w": np.array([0.9, -0.5, 1.4]), "b": 0.1}
    far, near = (both("tanh(w*x + b)", depth, values)[0] for depth in (10**9, 10**6))
    assert (far.settled, near.settled) == (1.0, 1.0)
    assert far.gradient["w"].value == pytest.approx(near.gradient["w"].value, rel=1e-13)
    assert far.product.log_abs == pytest.approx(1000 * near.product.log_abs, rel=1e-3)


@installed
def test_chaos_is_never_settled_a_cycle_of_12_is_and_one_of_5_is_carried_on() -> None:
    def logistic(r: float, depth: int) -> Outcome:
        return to_kernel(gradient(Map("r*x*(1 - x)", "x") ** n, wrt="r"), backend="llvm")(0.3, {"r": r}, depth=depth)

    assert logistic(4.0, 20000).settled == 0.0
    assert logistic(3.8481, 20000).settled == 1.0
    five = logistic(3.7389, 5000)
    arrays = to_kernel(Map("r*x*(1 - x)", "x") ** n, backend="numpy")(0.3, {"r": 3.7389}, depth=5000)
    assert five.settled == 0.0
    assert float(five.state[0]) == pytest.approx(float(arrays.state[0]), rel=1e-10)


@installed
def test_what_float64_cannot_carry_is_computed_with_more() -> None:
    vectors, arrays = both("w*tanh(x) + b", 30, {"w": np.array([300.0, 5.0, -2e5]), "b": np.array([1.0, 0.3, 0.0])})
    assert vectors.product.log_abs[0] < -10000
    assert farthest(vectors, arrays) < 1e-12
    escaped, other = both("exp(x)*w + x**3", 40, {"w": np.array([0.1, 2.0])}, start=1.5)
    assert (escaped.status == other.status).all()


@installed
def test_two_alternating_layers_are_one_body() -> None:
    chain = stack([Map("tanh(w*x)", "x"), Map("x + b", "x")]) ** 20
    target = gradient(chain, "x**2", wrt="w,b")
    values = {"w": np.linspace(-3, 3, 11), "b": 0.2}
    vectors, arrays = (to_kernel(target, backend=name)(0.4, values) for name in ("llvm", "numpy"))
    assert vectors.backend == "llvm"
    assert farthest(vectors, arrays) < 1e-12


@installed
def test_what_it_does_not_compute_it_names_and_auto_takes_another() -> None:
    target = gradient(Map("erf(w*x)", "x") ** n, wrt="w")
    with pytest.raises(InputError, match="the llvm backend does not compute the operation erf; use the backend auto"):
        to_kernel(target, backend="llvm")(0.5, {"w": 0.5}, depth=3)
    assert to_kernel(target)(0.5, {"w": 0.5}, depth=3).backend == "numpy"
    layered = to_kernel(Map("tanh(w[k]*x)", "x") ** 2, backend="llvm")
    with pytest.raises(InputError, match="does not compute values per layer"):
        layered(0.5, {"w": [0.5, 0.6]})


def test_without_llvmlite_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "available", lambda: False)
    kernel = to_kernel(Map("tanh(w*x)", "x") ** n, backend="llvm")
    with pytest.raises(InputError, match="anything without llvmlite: pip install 'symgrad\\[fast\\]'"):
        kernel(0.5, {"w": 0.5}, depth=3)
    auto = to_kernel(Map("tanh(w*x) + 1", "x") ** n)
    assert auto(0.5, {"w": 0.5}, depth=30_000_000).backend == "numpy"


def test_every_operation_of_the_backend_is_one_of_programs() -> None:
    from symgrad.kernels.llvm.operations import SUPPORTED
    from symgrad.kernels.program import OPERATIONS

    assert set(OPERATIONS) >= SUPPORTED
    assert "llvm" in BACKENDS
    assert isinstance(engine.available(), bool)
