"""The parts of probes that need no PyTorch: graphs, theory, regimes, singular values, the text, and the refusal."""

import math
import sys
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.phenomena.meanfield.correlations import mean_field
from symgrad.phenomena.meanfield.criticality import critical_point
from symgrad.phenomena.meanfield.networks import simulate
from symgrad.phenomena.meanfield.nonlinearities import nonlinearity
from symgrad.phenomena.meanfield.trajectories import trajectory
from symgrad.phenomena.probes.blocks import BlockKind
from symgrad.phenomena.probes.extra import MISSING, require_torch
from symgrad.phenomena.probes.graphs import Chain, chain
from symgrad.phenomena.probes.lanczos import largest_singular_value
from symgrad.phenomena.probes.probing import chosen, probe
from symgrad.phenomena.probes.recurrent import log_path
from symgrad.phenomena.probes.regimes import GradientRegime, margin, name_regime, verdict_of
from symgrad.phenomena.probes.results import Block, Path, Probe, mean_and_error
from symgrad.phenomena.probes.theory import (
    Nonlinear,
    Normalised,
    Operation,
    Scaled,
    Skip,
    Suggestion,
    Weights,
    critical_factor,
    odd,
    plain,
    predict,
    pushed,
    suggest,
    supported,
)
from symgrad.phenomena.probes.ways import suggest_gate
from symgrad.report import Table


def test_without_pytorch_probe_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"pip install 'symgrad\[torch\]'") as caught:
        probe(None, None)
    assert str(caught.value) == MISSING
    assert "\n" not in MISSING


def test_a_broken_pytorch_is_named_and_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise OSError(f"lib{name}.so: cannot open\nshared object file")

    monkeypatch.setattr("symgrad.phenomena.probes.extra.import_module", broken)
    with pytest.raises(InputError, match=r"does not load here: libtorch\.so: cannot open$"):
        require_torch()


def test_a_pytorch_that_lacks_a_part_of_its_own_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'filelock'", name="filelock")

    monkeypatch.setattr("symgrad.phenomena.probes.extra.import_module", broken)
    with pytest.raises(InputError, match="does not load here: No module named 'filelock'"):
        require_torch()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "samples must be a positive whole number, got 0"),
        ({"cotangents": 2.5}, "cotangents must be a positive whole number, got 2.5"),
        ({"tolerance": -0.01}, "tolerance must be positive, got -0.01"),
        ({"tolerance": math.inf}, "tolerance must be positive, got inf"),
        ({"seed": -1}, "seed must be a whole number"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        probe(None, None, **options)


class Made:
    """A node of a graph: what it was made from."""

    def __init__(self, *arguments: "Made | tuple[Made, int] | None") -> None:
        pairs = [a if isinstance(a, tuple) else (a, 0) for a in arguments]
        self.next_functions = tuple(pairs)


def found(output: Made, root: Made) -> Chain:
    made = chain(output, root)
    assert made is not None
    return made


def test_a_plain_chain_is_all_dominators() -> None:
    nodes = [Made()]
    for _ in range(5000):
        nodes.append(Made(nodes[-1], None))
    made = found(nodes[-1], nodes[0])
    assert list(made.nodes) == nodes
    assert made.between(nodes[0], nodes[2]) == (nodes[1], nodes[2])


def test_branches_are_no_dominators_and_sums_are() -> None:
    x = Made()
    sums, branches = [x], []
    for _ in range(200):
        branches.append(Made(sums[-1]))
        sums.append(Made(branches[-1], sums[-1]))
    made = found(sums[-1], x)
    assert list(made.nodes) == sums
    assert set(made.between(sums[0], sums[1])) == {branches[0], sums[1]}


def test_what_does_not_come_from_the_input_is_left_out() -> None:
    x, weights = Made(), Made()
    end = Made(Made(weights), x)
    assert found(end, x).nodes == (x, end)
    assert chain(Made(weights), x) is None


def test_a_long_skip_hides_what_lies_under_it() -> None:
    x = Made()
    first = Made(x)
    second = Made(first)
    end = Made(second, x)
    assert found(end, x).nodes == (x, end)


def test_a_node_with_two_results_in_use_is_known() -> None:
    x = Made()
    split = Made(x)
    end = Made((split, 0), (split, 1))
    made = found(end, x)
    assert made.nodes == (x, split, end)
    assert split not in made.single
    assert {x, end} <= made.single


def test_the_input_itself_is_a_chain_of_one() -> None:
    x = Made()
    assert found(x, x).nodes == (x,)


@pytest.mark.parametrize(
    ("rate", "depth", "regime"),
    [
        (-0.7, 50, "vanishing"),
        (0.31, 50, "exploding"),
        (0.05, 50, "near-critical"),
        (-0.051, 50, "vanishing"),
        (0.02, 1000, "exploding"),
        (0.006, 1000, "near-critical"),
        (-math.inf, 3, "zero"),
        (math.nan, 3, "undecided"),
        (math.inf, 3, "undecided"),
    ],
)
def test_rates_get_their_regime(rate: float, depth: int, regime: str) -> None:
    assert name_regime(rate, depth).word == regime


def test_near_critical_means_at_most_a_factor_1000() -> None:
    assert margin(10) == 0.05
    assert math.isclose(math.exp(1e6 * margin(10**6)), 1000.0)


def test_a_rate_within_two_errors_of_a_limit_is_undecided() -> None:
    assert verdict_of(0.06, 0.001, 50) is Verdict.SAMPLED
    assert verdict_of(0.06, 0.006, 50) is Verdict.UNDECIDED
    assert verdict_of(0.06, math.nan, 50) is Verdict.SAMPLED
    assert verdict_of(math.nan, 0.0, 50) is Verdict.UNDECIDED
    assert verdict_of(-math.inf, math.nan, 50) is Verdict.SAMPLED


@pytest.mark.parametrize("phi", ["tanh", "relu", "gelu", "sigmoid"])
def test_plain_layers_follow_the_length_map(phi: str) -> None:
    depth, sigma_w2, sigma_b2 = 30, 1.7, 0.05
    layer = (Nonlinear(phi), Weights(sigma_w2, sigma_b2, 256))
    expected = trajectory(
        nonlinearity(phi), sigma_w2=sigma_w2, sigma_b2=sigma_b2, depth=depth, length=0.8, correlation=1.0
    )
    assert math.isclose(predict([layer] * depth, 0.8).rate * depth, expected.log_gradients[-1] / 2, rel_tol=1e-9)


def test_skips_follow_the_residual_length_map() -> None:
    depth, scale = 20, 0.3
    block = (Skip((Nonlinear("tanh"), Weights(1.5, 0.1, 256)), scale),)
    expected = trajectory(nonlinearity("tanh"), sigma_w2=1.5, sigma_b2=0.1, depth=depth, branch=scale)
    assert math.isclose(predict([block] * depth, 1.0).rate * depth, expected.log_gradients[-1] / 2, rel_tol=1e-9)


def test_the_deep_limit_is_that_of_mean_field() -> None:
    layer = (Weights(2.5, 0.05, 512), Nonlinear("tanh"))
    made = predict([layer] * 400, 1.0)
    chi1 = mean_field(nonlinearity("tanh"), sigma_w2=2.5, sigma_b2=0.05).chi1
    assert chi1 is not None
    assert made.asymptotic_rate is not None
    assert math.isclose(made.asymptotic_rate, 0.5 * math.log(chi1), rel_tol=1e-12)
    assert math.isclose(made.rate, made.asymptotic_rate, abs_tol=1e-3)
    assert (made.phi, made.regime) == ("tanh", GradientRegime.EXPLODING)


def test_the_spread_bounds_that_of_random_networks() -> None:
    width, depth = 64, 16
    layer = (Nonlinear("relu"), Weights(2.0, 0.0, width))
    spread = predict([layer] * depth, 1.0).spread * depth
    logs = simulate(
        nonlinearity("relu"), width=width, depth=depth, networks=600, sigma_w2=2.0, sigma_b2=0.0
    ).log_gradients[:, -1]
    assert math.isclose(spread, 0.5 * float(logs.std()), rel_tol=0.15)


def test_a_reading_layer_does_not_hide_the_nonlinearity() -> None:
    layer, head = (Weights(0.25, 0.0, 512), Nonlinear("tanh")), (Weights(1 / 3, 0.01, 512),)
    made = predict([layer] * 20 + [head], 1.0)
    assert (made.phi, made.sigma_w2, made.sigma_b2) == ("tanh", pytest.approx(0.25), 0.0)
    assert suggest([layer] * 20 + [head], -0.7).factor == pytest.approx(2.0)


def test_different_nonlinearities_have_a_rate_but_no_deep_limit() -> None:
    layers = [(Weights(1.0, 0.0, 64), Nonlinear(phi)) for phi in ("tanh", "relu")]
    made = predict(layers, 1.0)
    assert made.asymptotic_rate is None
    assert made.phi == ""
    assert suggest(layers, -0.5).factor is None
    assert suggest(layers, 0.0).sentence == "leave the network as it is: it is near-critical"


@pytest.mark.parametrize(("phi", "sigma_b2"), [("tanh", 0.05), ("relu", 0.0), ("erf", 0.1), ("silu", 0.2)])
def test_the_suggested_factor_leads_to_the_critical_line(phi: str, sigma_b2: float) -> None:
    point = critical_point(nonlinearity(phi), sigma_b2=sigma_b2)
    assert point is not None
    layer = (Weights(0.3, sigma_b2, 100), Nonlinear(phi))
    made = suggest([layer] * 10, -0.6)
    assert made.factor is not None
    assert math.isclose(0.3 * made.factor**2, point.sigma_w2, rel_tol=1e-12)
    assert made.parameter == "weights"
    assert f"multiply the weights by {made.factor:.4g}" in made.sentence


def test_a_nonlinearity_without_a_critical_point_has_no_factor() -> None:
    assert critical_factor(Weights(1.0, 0.0, 8), "exp") is None or critical_factor(Weights(0.0, 0.0, 8), "tanh") is None
    assert suggest([(Weights(0.0, 0.0, 8), Nonlinear("tanh"))] * 3, -math.inf).factor is None


def test_uneven_layers_are_told_one_by_one() -> None:
    layers = [(Weights(s, 0.0, 64), Nonlinear("tanh")) for s in (0.25, 4.0)] * 5
    assert "block by block" in suggest(layers, -0.3).sentence
    assert suggest(layers, -0.3).factor == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([Weights(2.0, 0.1, 4), Nonlinear("relu")], (Weights(2.0, 0.1, 4), "relu")),
        ([Nonlinear("relu"), Weights(2.0, 0.1, 4)], (Weights(2.0, 0.1, 4), "relu")),
        ([Weights(2.0, 0.1, 4)], (Weights(2.0, 0.1, 4), "identity")),
        ([Weights(8.0, 0.4, 4), Scaled(0.5), Nonlinear("relu")], (Weights(2.0, 0.1, 4), "relu")),
        ([Weights(8.0, 0.4, 4), Nonlinear("relu"), Scaled(0.5)], (Weights(2.0, 0.4, 4), "relu")),
        ([Weights(2.0, 0.1, 4), Weights(2.0, 0.1, 4)], None),
        ([Weights(2.0, 0.1, 4), Nonlinear("relu"), Nonlinear("tanh")], None),
        ([Weights(2.0, 0.1, 4), Normalised()], None),
        ([Nonlinear("relu")], None),
    ],
)
def test_plain_blocks_are_recognised(operations: list[Operation], expected: tuple[Weights, str] | None) -> None:
    assert plain(operations) == expected


def test_laws_are_used_only_where_they_hold() -> None:
    weights = Weights(1.0, 0.0, 4)
    assert supported([weights, Normalised(), Nonlinear("relu")])
    assert not supported([Nonlinear("relu"), Normalised()])
    assert supported([Skip((weights, Nonlinear("tanh")))])
    assert not supported([Skip((weights, Nonlinear("relu")))])
    assert not supported([Skip((Nonlinear("tanh"),))])
    assert not supported([Skip(())])
    assert odd("erf")
    assert not odd("gelu")


def test_normalisation_divides_gradients_by_the_length() -> None:
    square, growth, _ = pushed([Weights(4.0, 0.0, 64), Normalised(1.0, 0.0)], 2.0)
    assert (square, growth) == (1.0, 4.0 / 8.0)


def test_branches_that_explode_are_scaled_and_others_left() -> None:
    block = (Skip((Nonlinear("relu"), Weights(2.0, 0.0, 64))),)
    made = suggest([block] * 16, 0.35)
    assert (made.parameter, made.factor) == ("branches", 0.25)
    assert suggest([block] * 16, 0.01).factor is None
    assert suggest([block] * 16, -0.5).factor is None


def test_scaled_branches_grow_by_a_factor_without_depth() -> None:
    for depth in (16, 256):
        block = (Skip((Nonlinear("relu"), Weights(2.0, 0.0, 64)), 1.0 / math.sqrt(depth)),)
        total = predict([block] * depth, 1.0).rate * depth
        assert math.isclose(total, 0.5, abs_tol=0.02)


def test_gates_are_told_the_bias_of_chrono_initialisation() -> None:
    steps = 100
    made = suggest_gate("LSTM", [math.log(0.5)], -0.6, steps, 0.05)
    wanted = math.exp(-1.0 / steps)
    assert made.added is not None
    assert math.isclose(1.0 / (1.0 + math.exp(-made.added)), wanted)
    assert suggest_gate("GRU", [-0.5], 0.0, steps, 0.05).added is None
    assert "weight_hh smaller" in suggest_gate("GRU", [-0.5], 0.4, steps, 0.05).sentence
    assert "already" in suggest_gate("LSTM", [-1e-6], -0.6, steps, 0.05).sentence


def test_long_paths_do_not_underflow() -> None:
    gates = np.full((5000, 1, 4), math.log(0.1))
    gates[:, :, 0] = math.log(0.2)
    exact = 5000 * math.log(0.2) + 0.5 * math.log(1 / 4)
    assert math.isclose(float(log_path(gates)[0]), exact, rel_tol=1e-12)
    assert log_path(np.full((3, 1, 2), -np.inf)).tolist() == [-np.inf]


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (40, 3), (60, 60)])
def test_the_largest_singular_value_is_that_of_an_svd(shape: tuple[int, int]) -> None:
    matrices = np.random.default_rng(1).standard_normal((2, *shape))
    start = np.random.default_rng(2).standard_normal((2, shape[1]))
    value, error = largest_singular_value(
        lambda v: np.einsum("mij,mj->mi", matrices, v),
        lambda u: np.einsum("mij,mi->mj", matrices, u),
        start,
        tolerance=1e-9,
    )
    expected = np.linalg.svd(matrices, compute_uv=False)[:, 0].max()
    assert error <= 1e-9
    assert math.isclose(value, expected, rel_tol=1e-9)


def test_a_map_that_is_zero_has_no_singular_value_but_0() -> None:
    value, error = largest_singular_value(lambda v: 0 * v, lambda u: 0 * u, np.ones((1, 5)), tolerance=1e-6)
    assert (value, error) == (0.0, 0.0)


def test_zeros_are_left_out_of_means() -> None:
    mean, error = mean_and_error(np.array([[-np.inf, -np.inf], [1.0, -np.inf], [1.0, 2.0]]))
    assert mean.tolist() == [-np.inf, 1.0, 1.5]
    assert np.isnan(error[:2]).all()
    assert error[2] == 0.5


def test_samples_are_spread_over_the_batch() -> None:
    assert chosen(64, 8) == [0, 9, 18, 27, 36, 45, 54, 63]
    assert chosen(1, 8) == [0]


def a_probe(depth: int, rate: float) -> Probe:
    block = Block("fc Linear(4→4)", BlockKind.LAYER, 4, 4, rate, 0.1, name_regime(rate, 1), None, 1.25, 0.5, 1e-7)
    logs = rate * np.arange(depth, -1, -1.0)[:, None] + np.array([-1e-9, 1e-9]) * np.arange(depth, -1, -1.0)[:, None]
    return Probe(
        model="Net",
        blocks=(block,) * depth,
        rate=rate,
        standard_error=1e-9,
        regime=name_regime(rate, depth),
        verdict=Verdict.SAMPLED,
        prediction=None,
        suggestion=Suggestion("leave it"),
        paths=(Path("layer 0, h", 5, -0.1, 0.01, GradientRegime.VANISHING, 0.5),),
        log_norms=logs,
        log_largest=np.array([rate * depth]),
        zeros=0.0,
        exact=True,
        cotangents=4,
        samples=2,
        batch=7,
        precision="float64",
        tolerance=0.05,
        notes=("a note",),
    )


def test_the_text_says_what_was_found_and_what_it_rests_on() -> None:
    text = str(a_probe(40, -0.5))
    assert "Net: 40 blocks, 2 of 7 samples, all unit cotangents, float64" in text
    assert "vanishing: a gradient is multiplied by about 2.1e-9" in text
    assert "-0.5 ± 1e-09 nats per block (sampled)" in text
    assert "theory: none" in text
    assert "layer 0, h: -0.1 ± 0.01 nats per step over 5 steps: vanishing, mean gate 0.5" in text
    assert "note: a note" in text
    assert text.count("fc Linear") == 12
    assert max(map(len, text.splitlines())) < 160


def test_products_beyond_float64_have_their_power_of_ten() -> None:
    made = a_probe(4000, -0.7)
    with mpmath.workdps(20):
        mantissa = mpmath.exp(-2800) * mpmath.mpf(10) ** 1217
    assert f"about {float(mantissa):.1f}e-1217" in str(made)


def test_rows_fit_their_header_and_rates_run_from_the_output() -> None:
    made = a_probe(3, -0.5)
    assert len(Table(made.header, made.rows).rows) == 3
    assert np.allclose(made.rates, [-0.5, -0.5, -0.5])
    assert made.depth == 3
