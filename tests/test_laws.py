"""The laws that every activation of the registry obeys, a user's own included."""

import json
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mpf
from sympy import IndexedBase, Rational

from symgrad.derivation import chain_product, gradient, is_zero
from symgrad.kernels import Kernel, SignedLog, steps, to_kernel
from symgrad.kernels.stable import STABLE
from symgrad.maps import (
    ACTIVATIONS,
    Composition,
    Map,
    activation,
    activations,
    composition_from_canonical,
    differentiate,
    expand_activations,
    expression,
    map_from_canonical,
    stack,
    unregister,
)
from symgrad.symbols import b, n, w, x

NAMES = [*ACTIVATIONS, "bent"]
HARMLESS = "lambda start e x0 p0 numpy".split()
LOSS = "(x - c)**2 + w*b*x"
every_activation = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module", autouse=True)
def _bent() -> Iterator[None]:
    """Register an activation of a user's own."""

    @activation(latex=r"\operatorname{bent}", lipschitz=Rational(3, 2))
    def bent(x: sympy.Expr) -> sympy.Expr:
        """Bent identity, (sqrt(x**2 + 1) - 1)/2 + x."""
        return (sympy.sqrt(x**2 + 1) - 1) / 2 + x

    yield
    unregister("bent")


def layer(name: str) -> Map:
    return Map(f"{name}(w*x + b)", "x")


Number = Any
Values = Mapping[str, Any]


def written_out(name: str) -> Callable[[Number, Number, Number], Number]:
    """Return one layer as a function of mpmath numbers, made from the activation's formula alone."""
    formula = expand_activations(ACTIVATIONS[name].formula(x)) if name != "identity" else x
    function = in_mpmath(formula)
    return lambda state, weight, bias: function(weight * state + bias)


@cache
def in_mpmath(formula: sympy.Expr) -> Callable[[Number], Number]:
    function: Callable[[Number], Number] = sympy.lambdify(x, formula, modules="mpmath")
    return function


def iterate(name: str, start: Number, weights: list[Number], biases: list[Number]) -> Number:
    step = written_out(name)
    for weight, bias in zip(weights, biases, strict=True):
        start = step(start, weight, bias)
    return start


def loss_of(state: Number, values: Mapping[str, Number]) -> Number:
    return (state - values["c"]) ** 2 + values["w"] * values["b"] * state


def close(found: SignedLog, truth: Number, tolerance: float, scale: Number = 0) -> bool:
    """Whether a number without range limits agrees with an mpmath number, relative to it or to ``scale``."""
    mine = mpf(float(found.mantissa)) * mpf(2) ** int(found.exponent)
    return bool(abs(mine - truth) <= tolerance * max(abs(truth), abs(scale), mpf(10) ** -300))


# ---------------------------------------------------------------- algebra


@every_activation
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_factors_multiply_to_the_derivative_of_the_iterate(name: str, depth: int) -> None:
    product = chain_product(layer(name) ** depth)
    values = {w: Rational(13, 10), b: Rational(-2, 7)}
    with mpmath.workdps(50):
        weights, biases = [mpf(13) / 10] * depth, [mpf(-2) / 7] * depth
        for start in ("-1.1", "0.37", "2.05"):
            orbit = [iterate(name, mpf(start), weights[:i], biases[:i]) for i in range(depth + 1)]
            at = {IndexedBase(x)[i]: sympy.Float(str(s), 50) for i, s in enumerate(orbit)}
            factors = [f.expr for t in range(1, depth + 1) for f in product.blocks[0].at(sympy.Integer(t))]
            total = mpf(1)
            for factor in factors:
                total *= mpf(str(sympy.N(expand_activations(factor.xreplace(at)).subs(values), 50)))
            truth = mpmath.diff(lambda s: iterate(name, s, weights, biases), mpf(start))
            assert abs(total - truth) <= mpf(10) ** -22 * (abs(truth) + mpf(10) ** -10)


SMOOTH = "identity tanh sigmoid softplus sin atan exp erf bent".split()


@pytest.mark.parametrize("name", SMOOTH)
def test_the_factors_are_proved_to_multiply_to_the_derivative(name: str) -> None:
    f = layer(name)
    inner = f.expr
    outer = f.expr.subs(x, inner)
    factors = chain_product(f @ f).factors
    at = {IndexedBase(x)[0]: x, IndexedBase(x)[1]: inner}
    product = sympy.Mul(*(factor.expr.xreplace(at) for factor in factors))
    assert is_zero(differentiate(outer, x) - product) is True
    assert is_zero(differentiate(outer, x) - 2 * product) is not True


@every_activation
def test_the_derivative_through_the_output_is_the_derivative(name: str) -> None:
    row = ACTIVATIONS[name]
    for place, slope in row.kinks.items():
        assert differentiate(row.function(x), x).subs(x, place) == slope
    if row.derivative_of_output is None:
        return
    through = row.derivative_of_output(row.function(x))
    if row.kinks:
        assert through.subs(x, next(iter(row.kinks))) == next(iter(row.kinks.values()))
    difference = expand_activations(through - differentiate(row.formula(x), x))
    assert is_zero(difference + Rational(1, 10**9)) is not True
    if is_zero(difference) is not True:
        p = sympy.Symbol("p", positive=True)
        assert [is_zero(difference.subs(x, side)) for side in (p, -sympy.log(1 + p))] == [True, True]
        assert row.kinks or difference.subs(x, 0) == 0


@every_activation
def test_the_lipschitz_bound_holds_and_is_attained(name: str) -> None:
    bound = ACTIVATIONS[name].lipschitz
    near = np.concatenate([np.linspace(-12, 12, 40001), np.linspace(-200, 200, 2001)])
    slopes = np.abs(to_kernel(Map(f"{name}(x)", "x"))(near).product.value)
    if bound == sympy.oo:
        assert slopes.max() > 1e50
        return
    assert slopes.max() <= float(bound) * (1 + 1e-15)
    assert slopes.max() >= 0.99 * float(bound)


@every_activation
def test_composition_is_associative(name: str) -> None:
    f, g, h = layer(name), Map(f"v*{name}(x)", "x"), Map("x + u", "x")
    assert (f @ g) @ h == f @ (g @ h)
    assert (f**3 @ g) @ h**2 == f**3 @ (g @ h**2)
    assert stack([f, g, h]) == h @ g @ f
    values = {"w": 0.8, "b": 0.1, "v": -1.2, "u": 0.3}
    once = to_kernel(Map("x + u", "x"))(0.4, {"u": 0.3}).state[0]
    twice = to_kernel(g)(once, {"v": -1.2}).state[0]
    thrice = to_kernel(f)(twice, {"w": 0.8, "b": 0.1}).state[0]
    assert to_kernel(stack([h, g, f]))(0.4, values).state[0] == thrice


@every_activation
def test_texts_and_pickles_round_trip(name: str) -> None:
    f = layer(name)
    for chain in (f**n, f**7, stack(f, n), stack(f, 3, untied=["w"]), f @ Map("v*x", "x")):
        assert composition_from_canonical(chain.canonical) == chain
        assert pickle.loads(pickle.dumps(chain)) == chain
        target = gradient(chain, "(x - c)**2", wrt="w,c" if "w" not in chain.layered else "c")
        assert pickle.loads(pickle.dumps(target)) == target
        kernel = to_kernel(target)
        _ = kernel.compiled
        assert pickle.loads(pickle.dumps(kernel)) == kernel
    assert map_from_canonical(f.canonical) == f
    assert pickle.loads(pickle.dumps(f)) == f
    values = {"w": 1.25, "b": -0.5}
    assert pickle.loads(pickle.dumps(to_kernel(f)))(0.3, values).state == to_kernel(f)(0.3, values).state


def test_the_laws_see_a_planted_row(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(ACTIVATIONS["tanh"], derivative_of_output=lambda y: 1 - y, lipschitz=Rational(1, 2))
    monkeypatch.setitem(activations._TABLE, "tanh", wrong)
    with pytest.raises(AssertionError):
        test_the_derivative_through_the_output_is_the_derivative("tanh")
    with pytest.raises(AssertionError):
        test_the_lipschitz_bound_holds_and_is_attained("tanh")
    monkeypatch.setitem(activations._TABLE, "tanh", replace(wrong, lipschitz=sympy.Integer(2)))
    with pytest.raises(AssertionError):
        test_the_lipschitz_bound_holds_and_is_attained("tanh")
    monkeypatch.setitem(
        activations._TABLE, "relu", replace(ACTIVATIONS["relu"], kinks={sympy.Integer(0): Rational(1, 2)})
    )
    with pytest.raises(AssertionError):
        test_the_derivative_through_the_output_is_the_derivative("relu")


# ---------------------------------------------------------------- numbers

SATURATED = [(1e3, -0.3, 0.7, 30), (-1e3, 0.2, 0.01, 6), (2.3, -7.0, 0.3, 8), (15.0, 0.2, 1.0, 6)]
EPSILON = 2.0**-52
WORST_CONDITION = 1e5
SOFTER = {"exp": 0.25}


def parts_of(outcome: Any) -> dict[str, SignedLog]:
    found = {"state": outcome.state_log[0], "product": outcome.product, "loss": outcome.loss}
    found |= {f"gradient {name}": value for name, value in outcome.gradient.items()}
    return found | {f"hessian {pair}": value for pair, value in outcome.hessian.items()}


@every_activation
def test_compiled_is_the_50_digit_oracle_deep_into_saturation(name: str) -> None:
    """Tolerance: 16 ulp for each layer, times the condition number (relative change for a relative change of inputs).

    Where the condition number exceeds 1e5 (chaos), float64 says nothing and the law nothing about it.
    """
    target = gradient(layer(name) ** n, "(x - c)**2", wrt="w,b,c", second_order=True)
    compiled, oracle = to_kernel(target), to_kernel(target, digits=50)
    compared = 0
    for weight, bias, start, depth in SATURATED:
        values = {"w": weight, "b": bias, "c": 0.25}
        found = parts_of(compiled(start, values, depth=depth))
        truth = parts_of(oracle(start, values, depth=depth))
        h = 1e-8
        moved = {"w": weight * np.array([1, 1 + h, 1, 1]), "b": bias * np.array([1, 1, 1 + h, 1]), "c": 0.25}
        nearby = parts_of(compiled(start * np.array([1, 1, 1, 1 + h]), moved, depth=depth))
        for part, value in truth.items():
            if not np.isfinite(value.log_abs) or not np.isfinite(value.exponent):
                assert np.array_equal(found[part].log_abs, value.log_abs, equal_nan=True), part
                continue
            with np.errstate(invalid="ignore"):
                change = np.nan_to_num(np.abs(nearby[part].log_abs - nearby[part].log_abs[0]), nan=np.inf)
            condition = 1 + float(np.max(change)) / h
            if condition > WORST_CONDITION:
                continue
            compared += 1
            assert found[part].sign == value.sign, part
            error = abs(float(found[part].log_abs) - float(value.log_abs))
            assert error <= 16 * EPSILON * depth * condition + 4 * EPSILON * abs(float(value.log_abs)), part
    assert compared >= 13


def test_the_law_sees_a_form_that_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    row = STABLE["tanh"]
    cancelling = replace(row, numpy=(row.numpy[0], lambda x: 1.0 - np.tanh(x) ** 2, row.numpy[2]))
    monkeypatch.setattr(steps, "STABLE", {**STABLE, "tanh": cancelling})
    steps._numeric.cache_clear()
    try:
        with pytest.raises(AssertionError):
            test_compiled_is_the_50_digit_oracle_deep_into_saturation("tanh")
    finally:
        steps._numeric.cache_clear()


@every_activation
@pytest.mark.parametrize("with_loss", [False, True], ids=["state", "loss"])
def test_gradient_and_hessian_are_central_differences(name: str, with_loss: bool) -> None:
    rng = random.Random(name)
    values = {
        "w": rng.uniform(0.7, 1.4) * SOFTER.get(name, 1.0),
        "b": rng.uniform(-0.4, 0.4),
        "c": 0.3,
        "x": rng.uniform(0.2, 0.9),
    }
    wrt = "w,b,c,x" if with_loss else "w,b,x"
    target = gradient(layer(name) ** 4, LOSS if with_loss else None, wrt=wrt, second_order=True)
    kernel = to_kernel(target)
    found = kernel(values["x"], {key: values[key] for key in kernel.needed})
    names = wrt.split(",")
    with mpmath.workdps(50):

        def goal(*moved: Number) -> Number:
            at = {**{k: mpf(v) for k, v in values.items()}, **dict(zip(names, moved, strict=True))}
            last = iterate(name, at["x"], [at["w"]] * 4, [at["b"]] * 4)
            return loss_of(last, at) if with_loss else last

        centre, h = [mpf(values[k]) for k in names], mpf(10) ** -15

        def difference(*axes: int) -> Number:
            if not axes:
                return goal(*centre)
            axis, *rest = axes
            kept, total = centre[axis], mpf(0)
            for sign in (1, -1):
                centre[axis] = kept + sign * h
                total += sign * difference(*rest)
            centre[axis] = kept
            return total / (2 * h)

        for i, one in enumerate(names):
            assert close(found.gradient[one], difference(i), 1e-12, scale=0.01)
            for j in range(i, len(names)):
                assert close(found.hessian[one, names[j]], difference(i, j), 1e-11, scale=0.1)


@every_activation
def test_untied_gradients_are_central_differences_and_sum_to_the_tied_one(name: str) -> None:
    rng = random.Random(name)
    weights = [rng.uniform(0.7, 1.4) * SOFTER.get(name, 1.0) for _ in range(4)]
    biases = [rng.uniform(-0.4, 0.4) for _ in range(4)]
    untied = to_kernel(gradient(stack(layer(name), 4), "(x - c)**2", wrt="w,b,c"))
    found = untied(0.45, {"w": weights, "b": biases, "c": 0.3})
    assert found.gradient["w"].shape == (4,)
    with mpmath.workdps(50):
        h = mpf(10) ** -15
        for i in range(4):
            for which, values in (("w", weights), ("b", biases)):
                ends = []
                for sign in (1, -1):
                    own = {"w": [mpf(v) for v in weights], "b": [mpf(v) for v in biases]}
                    own[which][i] = mpf(values[i]) + sign * h
                    ends.append((iterate(name, mpf(0.45), own["w"], own["b"]) - mpf(0.3)) ** 2)
                assert close(found.gradient[which][i], (ends[0] - ends[1]) / (2 * h), 1e-12, scale=0.01)
    same = untied(0.45, {"w": [0.9] * 4, "b": [0.1] * 4, "c": 0.3})
    tied = to_kernel(gradient(layer(name) ** 4, "(x - c)**2", wrt="w,b,c"))(0.45, {"w": 0.9, "b": 0.1, "c": 0.3})
    for which in "wb":
        assert same.gradient[which].value.sum() == pytest.approx(
            float(tied.gradient[which].value), rel=1e-13, abs=1e-15
        )
    assert float(same.gradient["c"].value) == pytest.approx(float(tied.gradient["c"].value), rel=1e-14)
    assert float(same.product.value) == pytest.approx(float(tied.product.value), rel=1e-14)


@every_activation
def test_outputs_have_the_broadcast_shape_and_threads_change_nothing(name: str) -> None:
    kernel = to_kernel(gradient(layer(name) ** n, "(x - 1)**2", wrt="w,b"))
    start, weight = np.linspace(-1, 1, 130)[:, None], np.linspace(-3, 3, 140)
    one, two = (kernel(start, {"w": weight, "b": 1}, depth=6, threads=t) for t in (1, 2))
    assert one.state.shape == (1, 130, 140)
    assert one.product.shape == one.gradient["w"].shape == one.loss.shape == one.status.shape == (130, 140)
    for part, value in parts_of(one).items():
        other = parts_of(two)[part]
        assert np.array_equal(value.mantissa, other.mantissa, equal_nan=True), part
        assert np.array_equal(value.exponent, other.exponent), part
    whole = kernel(np.array([[1], [2]]), {"w": np.array([1, 2, 3]), "b": np.int8(1)}, depth=2)
    split = kernel(2.0, {"w": 3.0, "b": 1.0}, depth=2)
    assert whole.product.shape == (2, 3)
    assert whole.product.value.dtype == np.float64
    for part, value in parts_of(split).items():
        assert value.shape == ()
        picked = parts_of(whole)[part]
        assert (picked.mantissa[1, 2], picked.exponent[1, 2]) == (value.mantissa, value.exponent), part


BLOCKER = """
import importlib.abc, importlib.util, json, sys
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("symgrad", "sympy"):
            raise ImportError(name + " is out of reach here")
sys.meta_path.insert(0, Blocker())
try:
    import symgrad
except ImportError:
    pass
else:
    raise SystemExit("symgrad can be imported")
for path, start, parameters, depth in json.load(sys.stdin):
    spec = importlib.util.spec_from_file_location("alone", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result = module.evaluate(start, parameters, depth)
    gradient = {k: [float(e) for e in v] if getattr(v, "ndim", 0) else float(v) for k, v in result["gradient"].items()}
    product = [float(p) for p in result["product"]]
    print(json.dumps([float(result["state"][0]), product, float(result["loss"]), gradient]))
"""


def test_the_source_runs_where_symgrad_cannot_be_imported(tmp_path: Path) -> None:
    jobs, kernels = [], []
    for name in NAMES:
        for untied in (False, True):
            chain: Composition = stack(layer(name), 3, untied=["w"]) if untied else layer(name) ** n
            kernel = to_kernel(gradient(chain, "(x - c)**2 + sigmoid(b)", wrt="w,b,c"))
            path = tmp_path / f"{name}_{untied}.py"
            path.write_text(kernel.source, encoding="utf-8")
            soft = SOFTER.get(name, 1.0)
            values = {"w": [1.1 * soft, -0.8 * soft, 2.0 * soft] if untied else 1.1 * soft, "b": 0.2, "c": 0.3}
            jobs.append([str(path), [0.6], values, None if untied else 5])
            kernels.append(kernel)
    for name in HARMLESS:
        kernel = to_kernel(gradient(Map(f"tanh({name}*x + b)", "x") ** n, f"(x - {name})**2", wrt=f"{name},b"))
        path = tmp_path / f"name_{name}.py"
        path.write_text(kernel.source, encoding="utf-8")
        jobs.append([str(path), [0.6], {name: 1.5, "b": 0.1}, 4])
        kernels.append(kernel)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    run = subprocess.run(
        [sys.executable, "-I", "-c", BLOCKER],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=True,
    )
    lines = run.stdout.splitlines()
    assert len(lines) == len(kernels)
    for line, kernel, (_, start, values, depth) in zip(lines, kernels, jobs, strict=True):
        state, (sign, log_abs), loss, slopes = json.loads(line)
        outcome = kernel(start[0], values, depth=depth)
        assert state == pytest.approx(outcome.state[0], rel=1e-12)
        assert sign == outcome.product.sign, kernel
        assert log_abs == pytest.approx(float(outcome.product.log_abs), rel=1e-12)
        assert loss == pytest.approx(float(outcome.loss.value), rel=1e-12)
        for name, slope in slopes.items():
            assert slope == pytest.approx(outcome.gradient[name].value.tolist(), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", HARMLESS)
def test_no_name_does_harm(name: str) -> None:
    plain = to_kernel(gradient(layer("tanh") ** n, "(x - w)**2", wrt="w,b", second_order=True))
    expected = plain(0.5, {"w": 1.5, "b": 0.1}, depth=3)
    f = Map(expression(f"tanh({name}*x + b)"), "x")
    assert map_from_canonical(f.canonical) == f
    target = gradient(f**n, f"(x - {name})**2", wrt=(name, "b"), second_order=True)
    assert name in target.text(name)
    assert target.latex(name)
    assert chain_product(f**n).latex()
    kernel: Kernel = pickle.loads(pickle.dumps(to_kernel(target)))
    found = kernel(0.5, {name: 1.5, "b": 0.1}, depth=3)
    assert found.loss.value == expected.loss.value
    assert found.gradient[name].value == expected.gradient["w"].value
    assert found.hessian[name, "b"].value == expected.hessian["w", "b"].value
    assert to_kernel(target, digits=30)(0.5, {name: 1.5, "b": 0.1}, depth=3).loss.value == pytest.approx(
        float(expected.loss.value), rel=1e-14
    )
    as_state = Map(f"tanh(w*{name} + b)", name)
    again = to_kernel(gradient(as_state**n, f"({name} - w)**2", wrt="w,b"))(0.5, {"w": 1.5, "b": 0.1}, depth=3)
    assert again.loss.value == expected.loss.value
