"""Kernel.source: a module of its own, for every kind of chain. (That it needs no symgrad is a law.)"""

from typing import Any

import numpy as np
import pytest

from symgrad.derivation import gradient
from symgrad.errors import InputError
from symgrad.kernels import Kernel, to_kernel
from symgrad.maps import Map, composition_from_text, stack
from symgrad.symbols import n


def run(kernel: Kernel, start: list[Any], parameters: dict[str, Any], depth: int | None = None) -> dict[str, Any]:
    module: dict[str, Any] = {"__name__": "alone"}
    exec(compile(kernel.source, "alone.py", "exec"), module)
    result: dict[str, Any] = module["evaluate"](start, parameters, depth)
    return result


def test_the_header_says_what_it_is() -> None:
    kernel = to_kernel(gradient(stack(Map("tanh(w*x)", "x"), n), "x**2", wrt="w"))
    assert kernel.source.startswith('"""x -> {tanh(x*w[k])}^n, with the loss x**2')
    assert "symgrad." not in kernel.source
    assert kernel.source == to_kernel(kernel.target).source
    compile(kernel.source, "alone.py", "exec")


def test_blocks_and_arrays() -> None:
    chain = Map("tanh(w*x)", "x") ** 2 @ composition_from_text("x + b*relu(x) | step(x)*x - abs(x)/3", depth=n)
    kernel = to_kernel(gradient(chain, "x**2 + Max(x, w)", wrt="w,b"))
    start, weight = np.linspace(-1, 1, 7), np.linspace(0.5, 2, 5)[:, None]
    result = run(kernel, [start], {"w": weight, "b": 0.3}, 3)
    outcome = kernel(start, {"w": weight, "b": 0.3}, depth=3)
    assert outcome.loss is not None
    assert result["loss"] == pytest.approx(outcome.loss.value, rel=1e-12)
    for name in "wb":
        assert result["gradient"][name] == pytest.approx(outcome.gradient[name].value, rel=1e-12, abs=1e-15)
    assert result["product"][0].tolist() == outcome.product.sign.tolist()


@pytest.mark.parametrize(
    "text", ["Mod(w*x, 2) + floor(3*x)", "Max(w, x, 1)*Min(x, -w)*sign(x)", "asinh(x)*erf(w*x)", "abs(x)**w + pi*E/3"]
)
def test_every_function_of_the_grammar_has_its_import(text: str) -> None:
    kernel = to_kernel(gradient(Map(text, "x") ** n, "x**2 + step(w)", wrt="w"))
    result, outcome = run(kernel, [0.3], {"w": 1.7}, 2), kernel(0.3, {"w": 1.7}, depth=2)
    assert result["state"][0] == pytest.approx(outcome.state[0], rel=1e-13)
    assert result["gradient"]["w"] == pytest.approx(float(outcome.gradient["w"].value), rel=1e-12)


def test_a_product_beyond_float64_is_sign_and_logarithm() -> None:
    kernel = to_kernel(Map("w*x", "x") ** n)
    sign, log_abs = run(kernel, [0.5], {"w": -1e-3}, 501)["product"]
    assert (sign, log_abs) == (-1.0, pytest.approx(-501 * 3 * np.log(10), rel=1e-13))


def test_several_components_with_and_without_a_loss() -> None:
    g = Map(("w*x + y", "b*x + w*y"), ("x", "y"))
    for chain, values in ((g**3, {"w": 1.2, "b": 0.5}), (stack(g, 3, untied=["w"]), {"w": [1.2, 0.3, 2.0], "b": 0.5})):
        for loss in (None, "x*y"):
            kernel = to_kernel(gradient(chain, loss, wrt="w,b"))
            result, outcome = run(kernel, [0.1, 0.2], values), kernel((0.1, 0.2), values)
            for name in "wb":
                assert np.array(result["gradient"][name]) == pytest.approx(outcome.gradient[name].value, rel=1e-13)
            matrix, power = result["product"]
            assert matrix * 2.0**power == pytest.approx(outcome.product.value, rel=1e-13)


def test_numbers_beyond_float64_are_refused() -> None:
    with pytest.raises(InputError, match="lies outside float64, which a plain module needs"):
        _ = to_kernel(Map("1e400*x", "x")).source
