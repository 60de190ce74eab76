"""States of two to four components obey the law of all backends; what settles is finished, chaos never is."""

from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.derivation import gradient
from symgrad.errors import InputError
from symgrad.kernels import Kernel, Outcome, SignedLog, to_kernel
from symgrad.kernels.program import BUNDLES
from symgrad.maps import Map, composition_from_text, stack
from symgrad.symbols import n

FORMS = (
    (("{f}(w*x + v*y + b)", "{f}(v*x - w*y)"), ("x", "y")),
    (("w*{f}(x) + y/3", "v*x + {f}(b*y)/2"), ("x", "y")),
    (("x + w*({f}(y) - x)", "v*{f}(x - b)"), ("x", "y")),
    (("{f}(w*x - z)", "x/2 + b*{f}(y)", "v*{f}(x + y)"), ("x", "y", "z")),
    (("w*x - y/4", "{f}(v*z + b)", "y/3 - {f}(x)"), ("x", "y", "z")),
)
DEPTHS = (1, 13, 61, 180, 2, 100, 500)
HENON = Map(("1 - a*x**2 + y", "b*x"), ("x", "y"))
CELL = Map(
    (
        "sigmoid(o*h + 1/2)*tanh(c*sigmoid(f*h + 1) + sigmoid(i*h)*tanh(g*h + b))",
        "c*sigmoid(f*h + 1) + sigmoid(i*h)*tanh(g*h + b)",
    ),
    ("h", "c"),
)
GATES = {"o": 1.0, "f": 0.5, "i": 1.0, "g": 1.0, "b": 0.1}


def rows(outcome: Outcome) -> dict[str, SignedLog]:
    """Return every number of an outcome by name, the points last."""
    d, points = len(outcome.state), outcome.state.shape[-1]
    product = SignedLog(
        outcome.product.mantissa.reshape(d * d, points), outcome.product.exponent.reshape(d * d, points)
    )
    found = {"state": outcome.state_log, "product": product}
    return found | ({} if outcome.loss is None else {"loss": outcome.loss}) | dict(outcome.gradient)


def apart(a: SignedLog, b: SignedLog) -> Any:
    """Return the largest difference at each point, relative to the largest component there."""
    with np.errstate(all="ignore"):
        top = np.where(b.mantissa == 0.0, -np.inf, b.exponent).reshape(-1, b.shape[-1]).max(axis=0)
        ours, theirs = (
            np.ldexp(m, np.clip(e - top, -2000, 2000).astype(np.intc))
            for m, e in ((a.mantissa, a.exponent), (b.mantissa, b.exponent))
        )
        found = np.abs(ours - theirs).reshape(-1, b.shape[-1]).max(axis=0)
        same = (a.mantissa == b.mantissa) & (a.exponent == b.exponent) | np.isnan(a.mantissa) & np.isnan(b.mantissa)
    return np.where(same.reshape(-1, b.shape[-1]).all(axis=0), 0.0, np.where(np.isnan(found), np.inf, found))


def around(kernel: Kernel, start: Any, values: dict[str, Any], depth: int) -> Outcome:
    """Run the general backend at a point and its neighbours in float64: how far it is off, whatever its luck."""
    columns = {f"start {i}": float(s) for i, s in enumerate(start)} | values
    grid = np.array(list(columns.values()))[:, None].repeat(2 * len(columns) + 1, axis=1)
    for i, number in enumerate(columns.values()):
        grid[i, 2 * i + 1 : 2 * i + 3] = np.nextafter(number, [-np.inf, np.inf])
    named = dict(zip(columns, grid, strict=True))
    return kernel([named.pop(f"start {i}") for i in range(len(start))], named, depth=depth)


def disagreements(fast: Kernel, start: Any, values: dict[str, Any], depth: int, most: int = 1) -> list[str]:
    """Return where a kernel leaves the law: against lambdify, and at the worst points against 20 digits."""
    dense = to_kernel(fast.target, backend="lambdify")
    ours, theirs = (k(start, values, depth=depth) for k in (fast, dense))
    assert ours.backend == "numpy"
    found, other = rows(ours), rows(theirs)
    worst = np.max([apart(one, other[name]) for name, one in found.items()], axis=0)
    calm = (theirs.growth[0] < 2.0) & np.isfinite(theirs.growth).all(axis=0)
    suspects = [i for i in np.argsort(-worst) if calm[i] and worst[i] > 1e-12][:most]
    left = []
    for i in suspects:
        point = {name: float(v[i]) for name, v in values.items()}
        first = [float(s[i]) for s in start]
        truth = to_kernel(fast.target, digits=20)([[s] for s in first], point, depth=depth)
        near, exact = rows(around(dense, first, point, depth)), rows(truth)
        for name, one in found.items():
            own = apart(one[..., i : i + 1], exact[name])[0]
            whole = SignedLog(
                *(np.broadcast_to(a, near[name].shape) for a in (exact[name].mantissa, exact[name].exponent))
            )
            if not own <= max(1e-12, 4 * apart(near[name], whole).max()):
                left.append(f"{name} at {first}, {point}, depth {depth}: {own:.1e}")
    return left


@pytest.mark.parametrize(("place", "name"), list(enumerate(sorted(BUNDLES))))
def test_vector_states_keep_the_law(place: int, name: str) -> None:
    rng = np.random.default_rng(place)
    texts, state = FORMS[place % len(FORMS)]
    layer = Map([text.format(f=name) for text in texts], state)
    kernel = to_kernel(gradient(layer**n, "(x - 7/10)**2 + y", wrt=("w", "b", "x")), backend="numpy")
    start = tuple(rng.normal(0, 0.7, (len(state), 8)))
    values = {k: rng.normal(0, 0.7, 8) for k in "wvb"}
    assert disagreements(kernel, start, values, DEPTHS[place % len(DEPTHS)]) == []


def test_the_law_for_vectors_catches_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = Map(("tanh(w*x + v*y + b)", "x/2 - y/3"), ("x", "y"))
    kernel = to_kernel(gradient(layer**n, "x**2", wrt=("w", "b")), backend="numpy")
    start = (np.linspace(-0.4, 0.4, 5), np.linspace(0.1, 0.6, 5))
    values = {name: np.full(5, number) for name, number in {"w": 0.4, "v": 0.3, "b": 0.2}.items()}
    assert disagreements(kernel, start, values, 600) == []
    monkeypatch.setattr("symgrad.kernels.vectors.stretches.power", lambda piece, times: piece)
    assert len(disagreements(kernel, start, values, 600)) > 0


def henon_fixed_point(a: float, b: float) -> tuple[Any, list[Any], Any, Any]:
    """Return x*, log|eigenvalues| largest first, dx*/da and dx*/db with 40 digits."""
    with mpmath.mp.workdps(40):
        a_, b_ = mpmath.mpf(a), mpmath.mpf(b)
        x = (-(1 - b_) + mpmath.sqrt((1 - b_) ** 2 + 4 * a_)) / (2 * a_)
        values = mpmath.eig(mpmath.matrix([[-2 * a_ * x, 1], [b_, 0]]))[0]
        logs = sorted((mpmath.log(abs(v)) for v in values), reverse=True)
        slope = 2 * a_ * x + 1 - b_
        return x, logs, -(x**2) / slope, x / slope


def test_a_billion_steps_of_a_vector_state_are_as_easy_as_ten() -> None:
    outcome = to_kernel(gradient(HENON**n, wrt="a,b"))((0.1, 0.1), {"a": 0.2, "b": 0.3}, depth=10**9)
    x, logs, by_a, by_b = henon_fixed_point(0.2, 0.3)
    assert (outcome.settled, outcome.backend) == (1.0, "numpy")
    assert outcome.state == pytest.approx([float(x), 0.3 * float(x)], rel=1e-13)
    assert outcome.growth == pytest.approx([float(v) * 1e9 for v in logs], rel=1e-8)  # but for the transient
    assert outcome.growth.sum() == pytest.approx(1e9 * np.log(0.3), rel=1e-13)
    assert outcome.gradient["a"].value[0] == pytest.approx(float(by_a), rel=1e-12)
    assert outcome.gradient["b"].value == pytest.approx([float(by_b), float(x + 0.3 * by_b)], rel=1e-12)


def test_a_recurrent_cell_reaches_its_fixed_point() -> None:
    outcome = to_kernel(gradient(CELL**n, "h**2", wrt=tuple(GATES)))((0.1, 0.2), GATES, depth=10**9)
    with mpmath.mp.workdps(40):
        s = lambda u: 1 / (1 + mpmath.exp(-u))  # noqa: E731
        g = {name: mpmath.mpf(number) for name, number in GATES.items()}

        def cell(h: Any, c: Any, b: Any) -> tuple[Any, Any]:
            new = c * s(g["f"] * h + 1) + s(g["i"] * h) * mpmath.tanh(g["g"] * h + b)
            return s(g["o"] * h + mpmath.mpf(1) / 2) * mpmath.tanh(new), new

        def rest(b: Any) -> Any:
            return mpmath.findroot(lambda h, c: [cell(h, c, b)[0] - h, cell(h, c, b)[1] - c], outcome.state.tolist())

        h, step = rest(g["b"])[0], mpmath.mpf(10) ** -12
        by_b = (rest(g["b"] + step)[0] - rest(g["b"] - step)[0]) / (2 * step)
    assert outcome.state[0] == pytest.approx(float(h), rel=1e-13)
    assert outcome.gradient["b"].value == pytest.approx(float(2 * h * by_b), rel=1e-12)


@pytest.mark.parametrize(("a", "period"), [(0.5, 2), (1.0, 4), (1.226, 0)])
def test_cycles_of_a_plane_map(a: float, period: int) -> None:
    """Cycles of 2 and 4 are finished and equal the dense run; the attractor at a = 1.226 has period 7 and goes on."""
    depth = 3007
    kernel = to_kernel(HENON**n)
    outcome, dense = (
        k((0.1, 0.1), {"a": a, "b": 0.3}, depth=depth) for k in (kernel, to_kernel(HENON**n, backend="lambdify"))
    )
    assert outcome.settled == float(period > 0)
    assert outcome.state == pytest.approx(dense.state, rel=1e-11)
    assert outcome.growth == pytest.approx(dense.growth, rel=1e-9)


def test_chaos_of_a_plane_map_never_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = to_kernel(HENON**n)
    outcome = kernel((np.array([0.1, 0.2]), 0.1), {"a": 1.4, "b": 0.3}, depth=5000)
    assert outcome.settled == 0.0
    assert outcome.open_factor > 1.0
    assert outcome.growth[0] / 5000 == pytest.approx([0.42, 0.42], abs=0.02)
    assert outcome.growth.sum(axis=0) == pytest.approx([5000 * np.log(0.3)] * 2, rel=1e-12)
    monkeypatch.setattr("symgrad.kernels.vectors.stretches.PATIENCE", 500)
    with pytest.raises(InputError, match=r"1 of 1 orbits have not settled within \d+ steps, and \d+ more would be"):
        kernel((0.1, 0.1), {"a": 1.4, "b": 0.3}, depth=10**9)


def test_a_turning_orbit_that_never_contracts_goes_on() -> None:
    turn = Map(("3*x/5 - 4*y/5", "4*x/5 + 3*y/5"), ("x", "y"))
    outcome = to_kernel(turn**n)((0.6, 0.7), depth=2000)
    assert outcome.settled == 0.0
    assert np.hypot(*outcome.state) == pytest.approx(np.hypot(0.6, 0.7), rel=1e-12)
    assert outcome.growth == pytest.approx([0.0, 0.0], abs=1e-11)


EXTREMES: dict[str, tuple[Map, tuple[Any, ...], dict[str, Any], int]] = {
    "underflow": (Map(("sigmoid(w*x - 90)", "sigmoid(y + w*x - 90)"), ("x", "y")), (0.1, 0.2), {"w": [0.5, 2.0]}, 30),
    "far apart": (Map(("w*x + y/3", "y/1000 + v"), ("x", "y")), (0.3, 0.4), {"w": [1.3, 0.5], "v": 0.1}, 100),
    "a zero parameter": (Map(("x - y/9", "m*y + (x - 1/3)/5"), ("x", "y")), (0.4, 0.1), {"m": [0.0, 0.5]}, 100),
    "dead units": (Map(("relu(w*x - y)", "relu(y - v*x)/2"), ("x", "y")), (0.3, 0.4), {"w": [1.3, 0.5], "v": 2.0}, 20),
    "divergence": (HENON, (0.1, 0.1), {"a": [3.0, 0.2], "b": 0.3}, 40),
    "explosion": (Map(("w*x + y", "w*y - tanh(x)"), ("x", "y")), (0.3, 0.4), {"w": [900.0, -3.0]}, 90),
    "giants": (Map(("tanh(w*x) + y/2", "w*x"), ("x", "y")), (0.3, 0.4), {"w": [1e-200, 1e40]}, 5),
}


@pytest.mark.parametrize("case", EXTREMES)
def test_what_leaves_float64_agrees_with_digits(case: str) -> None:
    layer, start, values, depth = EXTREMES[case]
    target = gradient(layer**n, "x + y", wrt=tuple(values))
    found = to_kernel(target)(start, values, depth=depth)
    assert found.backend == "numpy"
    for i in range(2):
        point = {name: v if np.ndim(v) == 0 else v[i] for name, v in values.items()}
        truth = to_kernel(target, digits=20)(start, point, depth=depth) if case != "dead units" else None
        if truth is None:
            truth = to_kernel(target, backend="lambdify")(start, point, depth=depth)
        pairs = [(found.state_log[:, i], truth.state_log), (found.product[:, :, i], truth.product)]
        pairs += [(found.gradient[name][i], truth.gradient[name]) for name in values]
        for one, other in pairs:
            assert one.sign.tolist() == other.sign.tolist()
            alive = one.sign != 0
            assert one.log_abs[alive] == pytest.approx(other.log_abs[alive], rel=1e-11, abs=1e-11)
        assert found.growth[:, i] == pytest.approx(truth.growth, rel=1e-11, abs=1e-11)


SHAPES: dict[str, tuple[Any, tuple[str, ...], tuple[float, ...]]] = {
    "driven": (Map(("tanh(w*x + u[k] - y)", "x/2"), ("x", "y")) ** n, ("w",), (0.1, 0.3)),
    "untied": (stack(Map(("tanh(w*x + b*y)", "x - y/3"), ("x", "y")), n, untied=["w"]), ("b",), (0.1, 0.3)),
    "two blocks": (
        Map(("tanh(w*x) + y/4", "x/3"), ("x", "y")) ** 30
        @ composition_from_text("x + b*relu(y); y/2 | sin(x) - w*x/3; x*y", state=("x", "y"), depth=n),
        ("w", "b"),
        (0.1, 0.3),
    ),
    "start": (CELL**n, ("h", "c", "b"), (0.1, 0.3)),
    "four": (
        Map(("tanh(w*x + q)", "x/2 - z", "b*y + cos(z)/9", "sin(y)/2"), ("x", "y", "z", "q")) ** n,
        ("w", "b"),
        (0.1,) * 4,
    ),
}


@pytest.mark.parametrize("case", SHAPES)
@pytest.mark.parametrize("depth", [5, 130])
def test_chains_of_vector_states_of_every_kind(case: str, depth: int) -> None:
    chain, wrt, start = SHAPES[case]
    rng = np.random.default_rng(depth)
    kernel = to_kernel(gradient(chain, wrt=wrt), backend="numpy")
    values: dict[str, Any] = {name: rng.uniform(0.2, 1.1, 7) for name in kernel.needed}
    for name in kernel.composition.layered:
        values[name] = rng.uniform(0.4, 1.0, (depth, 7) if case == "driven" else depth)
    found, dense = (to_kernel(kernel.target, backend=b)(start, values, depth=depth) for b in ("numpy", "lambdify"))
    for name, one in rows(found).items():
        assert apart(one, rows(dense)[name]).max() < 1e-12, name
    assert found.growth == pytest.approx(dense.growth, rel=1e-11, abs=1e-11)


def test_threads_change_nothing() -> None:
    kernel = to_kernel(gradient(CELL**n, "h**2", wrt=("g",)))
    values = GATES | {"g": np.linspace(-3, 3, 20_000)}
    one, two = (kernel((0.1, 0.2), values, depth=40, threads=threads) for threads in (1, 2))
    assert np.array_equal(one.product.mantissa, two.product.mantissa)
    assert np.array_equal(one.gradient["g"].mantissa, two.gradient["g"].mantissa)


def test_what_the_fast_path_for_vectors_lacks_it_names() -> None:
    wide = Map(tuple(f"x{i}/2" for i in range(5)), tuple(f"x{i}" for i in range(5)))
    assert to_kernel(wide**n)((0.1,) * 5, depth=3).backend == "lambdify"
    with pytest.raises(InputError, match="the numpy backend does not compute 5 components; use the backend auto"):
        to_kernel(wide**n, backend="numpy")((0.1,) * 5, depth=3)
    bent = to_kernel(gradient(HENON**n, "x", wrt="a", second_order=True), backend="numpy")
    with pytest.raises(InputError, match="does not compute second derivatives"):
        bent((0.1, 0.1), {"a": 1.0, "b": 0.3}, depth=3)
