"""One law for all backends: the same numbers to 1e-12, or to 4 times the error that float64 itself makes there."""

from typing import Any

import numpy as np
import pytest

from symgrad.derivation import gradient
from symgrad.kernels import Kernel, Outcome, SignedLog, to_kernel
from symgrad.kernels.program import BUNDLES
from symgrad.maps import Map, composition_from_text, stack
from symgrad.symbols import n

FORMS = ("{f}(w*x + b)", "w*{f}(x) + b", "x + c*{f}(w*x + b)", "c*{f}(w*x) - x*b/3")
TOLERANCE = 1e-12
CHAOTIC = 2.0
START = np.linspace(-1.0, 1.3, 7)


def parts(outcome: Outcome) -> dict[str, SignedLog]:
    """Return every number of an outcome by name."""
    assert outcome.loss is not None
    found = {"state": outcome.state_log[0], "product": outcome.product, "loss": outcome.loss}
    return found | {name: outcome.gradient[name] for name in outcome.gradient}


def difference(a: SignedLog, b: SignedLog) -> Any:
    """Return the relative difference; of logarithms, relative to their size, where a number leaves float64."""
    with np.errstate(all="ignore"):
        shift = np.clip(a.exponent - b.exponent, -2000, 2000).astype(np.intc)
        near = np.abs(np.ldexp(a.mantissa, shift) - b.mantissa) / np.abs(b.mantissa)
        far = np.abs(a.log_abs - b.log_abs) / np.abs(b.log_abs)
    same = (a.mantissa == b.mantissa) & (a.exponent == b.exponent) | np.isnan(a.mantissa) & np.isnan(b.mantissa)
    return np.where(same, 0.0, np.where(a.sign != b.sign, np.inf, np.where(np.abs(b.log_abs) > 300, far, near)))


def disagreements(fast: Kernel, start: Any, values: dict[str, Any], depth: int) -> list[str]:
    """Return where a kernel leaves the law against lambdify, and against 20 digits where those two differ."""
    lambdify = to_kernel(fast.target, backend="lambdify")
    found, dense = (parts(k(start, values, depth=depth)) for k in (fast, lambdify))
    bad = ~(dense["product"].log_abs > CHAOTIC)
    bad &= np.any([~(difference(one, dense[name]) <= TOLERANCE) for name, one in found.items()], axis=0)
    oracle, left = to_kernel(fast.target, digits=20), []
    for i in np.flatnonzero(bad):
        point = {name: float(np.broadcast_to(v, len(start))[i]) for name, v in values.items()}
        truth = parts(oracle(float(start[i]), point, depth=depth))
        nearby = [float(np.nextafter(start[i], side)) for side in (-np.inf, start[i], np.inf)]
        around = parts(lambdify(nearby, point, depth=depth))  # how far float64 is off here, whatever its luck
        for name in found:
            own, other = difference(found[name][i], truth[name]), difference(around[name], truth[name]).max()
            if not own <= max(TOLERANCE, 4 * other):
                left.append(f"{name} at {float(start[i])!r}, {point}: {own:.1e}, lambdify {other:.1e}")
    return left


def random_values(rng: np.random.Generator, count: int, extremes: float) -> dict[str, Any]:
    sizes = 10 ** rng.uniform(-2, 0.7, (3, count)) * rng.choice([-1, 1], (3, count))
    sizes[:, ::5] *= extremes
    return dict(zip("wbc", sizes, strict=True))


@pytest.mark.parametrize("name", BUNDLES)
def test_the_fast_backend_keeps_the_law(name: str) -> None:
    rng = np.random.default_rng(sum(map(ord, name)))
    cases = ((1, 1e5), (2, 1e-5), (9, 20.0), (61, 1.0), (int(rng.integers(80, 500)), 1.0))
    for i, (depth, extremes) in enumerate(cases):
        text = FORMS[(i + len(name)) % len(FORMS)].format(f=name)
        wrt = "w,b,c" if "c*" in text else "w,b"
        kernel = to_kernel(gradient(Map(text, "x") ** n, "(x - 7/10)**2", wrt=wrt), backend="numpy")
        values = {k: v for k, v in random_values(rng, 10, extremes).items() if k in wrt}
        assert disagreements(kernel, rng.normal(0, 1, 10), values, depth) == []


def test_the_law_catches_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = to_kernel(gradient(Map("tanh(w*x + b)", "x") ** n, "x**2", wrt="w,b"), backend="numpy")
    start, values = np.linspace(0.1, 1, 5), {"w": 0.7, "b": 0.2}
    assert disagreements(kernel, start, values, 200) == []
    monkeypatch.setattr("symgrad.kernels.settling._geometric", lambda product, power, blocks: 1 + 1e-9 / product)
    assert len(disagreements(kernel, start, values, 200)) > 0


DRIVEN = {
    "driven": (Map("tanh(w*x + u[k])", "x") ** n, ("w",)),
    "untied": (stack(Map("tanh(w*x + b)", "x"), n, untied=["w"]), ("b",)),
    "two blocks": (
        Map("tanh(w*x)", "x") ** 30 @ composition_from_text("x + b*relu(x) | sin(x) - w*x/3", depth=n),
        ("w", "b"),
    ),
    "start": (Map("tanh(w*x + b)", "x") ** n, ("x", "b")),
    "loss only": (Map("0.9*sin(x + w)", "x") ** n, ("w", "c")),
}


@pytest.mark.parametrize("case", DRIVEN)
@pytest.mark.parametrize("depth", [5, 37, 130])
def test_chains_of_every_kind(case: str, depth: int) -> None:
    chain, wrt = DRIVEN[case]
    loss = "(x - c)**2" if "c" in wrt else "x**2 + x"
    kernel = to_kernel(gradient(chain, loss, wrt=wrt), backend="numpy")
    rng = np.random.default_rng(depth)
    values: dict[str, Any] = {name: rng.uniform(0.2, 1.1, 7) for name in kernel.needed}
    for name in kernel.composition.layered:
        values[name] = rng.uniform(0.4, 1.0, (depth, 7) if case == "driven" else depth)
    found, dense = (
        to_kernel(kernel.target, backend=backend)(START, values, depth=depth) for backend in ("numpy", "lambdify")
    )
    assert (found.backend, dense.backend) == ("numpy", "lambdify")
    for name, one in parts(found).items():
        assert difference(one, parts(dense)[name]).max() < TOLERANCE, name
