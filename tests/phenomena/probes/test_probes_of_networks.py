"""Probes of real PyTorch modules: measured against full Jacobians, closed forms and the theory of wide networks."""

import inspect
import math
import textwrap
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.phenomena.probes.blocks import BlockKind
from symgrad.phenomena.probes.probing import probe
from symgrad.phenomena.probes.regimes import GradientRegime

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'symgrad[torch]'")
nn = torch.nn
F = torch.nn.functional


@pytest.fixture(autouse=True)
def _one_thread_and_one_seed() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def mlp(depth: int, width: int, gain: float, phi: Callable[[], Any] = nn.Tanh, bias: float = 0.0) -> Any:
    """Return layers with weights of variance gain²/width and biases of variance bias²."""
    layers = []
    for _ in range(depth):
        linear = nn.Linear(width, width, bias=bias > 0)
        nn.init.normal_(linear.weight, 0.0, gain / math.sqrt(width))
        if bias:
            nn.init.normal_(linear.bias, 0.0, bias)
        layers += [linear, phi()]
    return nn.Sequential(*layers)


def jacobian(function: Any, x: Any) -> np.ndarray:
    """Return the full Jacobian of one sample, outputs × inputs, as PyTorch computes it row by row."""
    made = torch.autograd.functional.jacobian(lambda v: function(v[None])[0].reshape(-1), x)
    return np.asarray(made.reshape(made.shape[0], -1).numpy())


def rate_of(full: np.ndarray, depth: int) -> float:
    return math.log(np.linalg.norm(full) / math.sqrt(full.shape[0])) / depth


@pytest.mark.parametrize(("gain", "regime"), [(0.5, "vanishing"), (1.0, "near-critical"), (3.0, "exploding")])
def test_fifty_tanh_layers_are_named_and_agree_with_theory(gain: float, regime: str) -> None:
    found = probe(mlp(50, 512, gain), torch.randn(16, 512), samples=2)
    assert found.depth == 50
    assert found.regime.word == regime
    assert found.verdict is Verdict.SAMPLED
    assert found.prediction is not None
    assert found.prediction.regime.word == regime
    assert found.prediction.asymptotic_rate is not None
    if gain == 1.0:
        assert abs(found.rate) <= 0.05
    else:
        assert math.isclose(found.rate, found.prediction.asymptotic_rate, rel_tol=0.1)
    assert abs(found.rate - found.prediction.rate) < 0.005
    assert found.suggestion.factor == pytest.approx(1.0 / gain, rel=0.01)


class Residual(nn.Module):
    def __init__(self, width: int, scale: float = 0.5) -> None:
        super().__init__()
        self.first, self.second, self.scale = nn.Linear(width, width), nn.Linear(width, width), scale

    def forward(self, x: Any) -> Any:
        return x + self.scale * self.second(torch.tanh(self.first(x)))


class Functional(nn.Module):
    """Layers in a list with functions between them, as many write it."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.head = nn.Linear(width, 3)

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = F.gelu(layer(x))
        return self.head(x)


class Gated(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.value, self.gate = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Any) -> Any:
        return self.value(x) * torch.sigmoid(self.gate(x))


NETWORKS: dict[str, Callable[[], Any]] = {
    "tanh": lambda: mlp(6, 12, 1.3, bias=0.2),
    "relu in place": lambda: mlp(6, 12, 1.3, lambda: nn.ReLU(inplace=True)),
    "gelu": lambda: mlp(6, 12, 1.3, nn.GELU),
    "before the weights": lambda: nn.Sequential(nn.Tanh(), nn.Linear(12, 12), nn.Tanh(), nn.Linear(12, 5)),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Linear(12, 8), nn.ELU()), nn.Sequential(nn.Linear(8, 20))),
    "residual": lambda: nn.Sequential(*[Residual(12) for _ in range(5)]),
    "residual with ends": lambda: nn.Sequential(nn.Linear(12, 6), Residual(6), Residual(6), nn.ReLU(), nn.Linear(6, 2)),
    "functional": lambda: Functional(12, 5),
    "gated": lambda: nn.Sequential(Gated(12), nn.LayerNorm(12), Gated(12), nn.Dropout(0.5)),
    "softmax": lambda: nn.Sequential(nn.Linear(12, 12), nn.Tanh(), nn.Linear(12, 4), nn.Softmax(dim=1)),
    "norms": lambda: nn.Sequential(
        nn.Linear(12, 12), nn.BatchNorm1d(12), nn.SELU(), nn.Linear(12, 12), nn.LayerNorm(12)
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_rates_and_singular_values_are_those_of_the_full_jacobians(name: str) -> None:
    model = NETWORKS[name]().double().eval()
    batch = torch.randn(3, 12, dtype=torch.float64)
    found = probe(model, batch)
    full = [jacobian(model, x) for x in batch]
    assert math.isclose(found.rate, float(np.mean([rate_of(j, found.depth) for j in full])), rel_tol=1e-10)
    errors = np.std([rate_of(j, found.depth) for j in full], ddof=1) / math.sqrt(3)
    assert math.isclose(found.standard_error, float(errors), rel_tol=1e-6)
    assert found.log_largest is not None
    tops = [math.log(np.linalg.norm(j, 2)) for j in full]
    assert np.allclose(found.log_largest, tops, rtol=1e-10)
    assert found.exact
    assert math.isclose(sum(block.log_gain for block in found.blocks), found.rate * found.depth, rel_tol=1e-10)


def test_blocks_have_their_own_singular_values() -> None:
    model = mlp(4, 10, 1.2).double()
    batch = torch.randn(5, 10, dtype=torch.float64)
    found = probe(model, batch)
    x = batch
    for k, block in enumerate(found.blocks):
        layer = model[2 * k : 2 * k + 2]
        values = np.array([np.linalg.svd(jacobian(layer, row), compute_uv=False) for row in x])
        assert block.largest == pytest.approx(values[:, 0].max(), rel=1e-12)
        assert block.smallest == pytest.approx(values[:, -1].min(), rel=1e-10)
        assert block.kind is BlockKind.LAYER
        x = layer(x).detach()


def test_functions_between_modules_are_read_as_nonlinearities() -> None:
    found = probe(Functional(32, 6), torch.randn(8, 32))
    assert [block.name for block in found.blocks[:2]] == [
        "layers.0 Linear(32→32) + gelu",
        "layers.1 Linear(32→32) + gelu",
    ]
    assert found.prediction is not None
    assert found.prediction.phi == "gelu"


def test_residual_branches_are_one_block_and_have_a_law() -> None:
    found = probe(nn.Sequential(*[Residual(128) for _ in range(8)]), torch.randn(8, 128))
    assert [block.kind for block in found.blocks] == [BlockKind.SKIP] * 8
    assert found.prediction is not None
    assert math.isclose(found.rate, found.prediction.rate, abs_tol=2e-3)
    assert found.regime is GradientRegime.NEAR_CRITICAL


@pytest.mark.parametrize(
    ("phi", "gain", "bias"),
    [(nn.ReLU, 1.0, 0.0), (nn.GELU, 1.5, 0.3), (nn.Sigmoid, 3.0, 0.5), (nn.SELU, 1.0, 0.0), (nn.Hardtanh, 2.0, 0.1)],
)
def test_theory_predicts_wide_networks(phi: Callable[[], Any], gain: float, bias: float) -> None:
    found = probe(mlp(12, 128, gain, phi, bias), torch.randn(8, 128), samples=4)
    assert found.prediction is not None
    assert abs(found.rate - found.prediction.rate) < max(0.02, 3 * found.prediction.spread)


def test_the_suggested_gain_makes_the_network_critical() -> None:
    model = mlp(20, 128, 0.6, bias=0.2)
    first = probe(model, torch.randn(8, 128), samples=4)
    assert first.regime is GradientRegime.VANISHING
    assert first.suggestion.factor is not None
    with torch.no_grad():
        for layer in model[::2]:
            layer.weight *= first.suggestion.factor
    second = probe(model, torch.randn(8, 128), samples=4)
    assert second.regime is GradientRegime.NEAR_CRITICAL
    assert second.prediction is not None
    assert second.prediction.chi1 == pytest.approx(1.0, abs=1e-6)


def test_a_scalar_chain_at_its_fixed_point_has_the_closed_form() -> None:
    # (w, b, x_0) = (4c, -2c, 1/2) is a fixed point of the sigmoid unit with multiplier c: the product is c^T.
    c, depth = -0.75, 40
    layer = nn.Linear(1, 1).double()
    with torch.no_grad():
        layer.weight.fill_(4 * c)
        layer.bias.fill_(-2 * c)
    found = probe(
        nn.Sequential(*[nn.Sequential(layer, nn.Sigmoid()) for _ in range(depth)]), torch.full((2, 1), 0.5).double()
    )
    assert math.isclose(found.rate, math.log(abs(c)), rel_tol=1e-13)
    assert [block.sign for block in found.blocks] == ["--"] * depth
    assert found.standard_error == 0.0


def test_a_scalar_chain_agrees_with_symgrad_s_own_kernel() -> None:
    from symgrad.kernels import to_kernel
    from symgrad.maps import Map

    w, b, depth = 5.0, -2.5, 50
    layer = nn.Linear(1, 1).double()
    with torch.no_grad():
        layer.weight.fill_(w)
        layer.bias.fill_(b)
    found = probe(
        nn.Sequential(*[m for _ in range(depth) for m in (layer, nn.Sigmoid())]),
        torch.tensor([[0.3]], dtype=torch.float64),
    )
    outcome = to_kernel(Map.from_text("sigmoid(w*x + b)") ** depth)(0.3, {"w": w, "b": b})
    assert math.isclose(found.rate * depth, float(outcome.product.log_abs), rel_tol=1e-12)


def test_a_small_network_agrees_with_fifty_digits() -> None:
    model = mlp(30, 2, 0.7, bias=0.4).double()
    x = torch.randn(1, 2, dtype=torch.float64)
    found = probe(model, x)
    digits = mpmath.MPContext()
    digits.dps = 50
    state, product = digits.matrix(x[0].tolist()), digits.eye(2)
    for layer in model[::2]:
        weight = digits.matrix(layer.weight.tolist())
        state = (weight * state + digits.matrix(layer.bias.tolist())).apply(digits.tanh)
        product = digits.diag([1 - y**2 for y in state]) * weight * product
    log_norm = digits.log(digits.norm(product, 2) / digits.sqrt(2))
    assert math.isclose(found.rate * 30, float(log_norm), rel_tol=1e-13)
    assert found.log_largest is not None
    top = digits.svd_r(product, compute_uv=False)[0]
    assert math.isclose(float(found.log_largest[0]), float(digits.log(top)), rel_tol=1e-13)


def test_chains_beyond_float64_keep_their_rate() -> None:
    model = nn.Sequential(*[nn.Linear(4, 4, bias=False) for _ in range(350)])
    with torch.no_grad():
        for layer in model:
            layer.weight.copy_(0.1 * torch.linalg.qr(torch.randn(4, 4))[0])
    found = probe(model, torch.randn(2, 4))
    assert math.isclose(found.rate, math.log(0.1), rel_tol=1e-5)
    assert found.rate * found.depth < math.log(1e-308)
    assert "e-350" in found.status or "e-351" in found.status


def test_convolutions_are_operators_on_all_pixels() -> None:
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 5)
    ).double()
    batch = torch.randn(2, 2, 8, 8, dtype=torch.float64)
    found = probe(model, batch)
    full = [jacobian(model, x) for x in batch]
    assert math.isclose(found.rate, float(np.mean([rate_of(j, 3) for j in full])), rel_tol=1e-10)
    first = [jacobian(model[:3], x) for x in batch]
    assert found.blocks[0].largest == pytest.approx(max(np.linalg.norm(j, 2) for j in first), rel=1e-10)
    assert (found.blocks[0].inputs, found.blocks[0].outputs) == (128, 48)


def test_wide_blocks_have_a_largest_singular_value_by_products_and_no_smallest() -> None:
    model = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1, padding_mode="circular"), nn.Tanh()).double()
    batch = torch.randn(1, 3, 10, 10, dtype=torch.float64)
    found = probe(model, batch, cotangents=64)
    full = jacobian(model, batch[0])
    (block,) = found.blocks
    assert block.smallest is None
    assert block.largest == pytest.approx(np.linalg.norm(full, 2), rel=1e-4)
    assert not found.exact
    assert math.isclose(found.rate, rate_of(full, 1), abs_tol=0.02)
    assert any("were not measured" in note for note in found.notes)


def test_dead_and_saturated_units_are_counted_over_the_whole_batch() -> None:
    linear = nn.Linear(3, 4)
    with torch.no_grad():
        linear.weight.zero_()
        linear.weight[:, 0] = torch.tensor([0.0, 0.0, 1.0, 1.0])
        linear.bias.copy_(torch.tensor([-1.0, -2.0, 0.0, 0.5]))
    batch = torch.cat([-torch.ones(30, 3), torch.ones(10, 3)])
    (block,) = probe(nn.Sequential(linear, nn.ReLU()), batch, samples=2).blocks
    assert block.dead == 2
    assert block.saturated == pytest.approx((40 + 40 + 30 + 30) / 160)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("layers", [1, 2])
def test_recurrent_jacobians_are_those_of_pytorch(kind: Any, layers: int) -> None:
    size, steps = 4, 6
    module = kind(3, size, layers).double()
    series = torch.randn(steps, 1, 3, dtype=torch.float64)
    found = probe(module, series)

    def last_state(flat: Any) -> Any:
        parts = flat.reshape(layers, -1, size)
        start = parts[:, 0, None].contiguous()
        given = (start, parts[:, 1, None].contiguous()) if kind is nn.LSTM else start
        _, end = module(series, given)
        return torch.stack([e[:, 0] for e in end], dim=1) if kind is nn.LSTM else end[:, 0]

    count = layers * size * (2 if kind is nn.LSTM else 1)
    made = torch.autograd.functional.jacobian(last_state, torch.zeros(count, dtype=torch.float64))
    full = made.reshape(count, count).numpy()
    assert found.depth == steps
    assert math.isclose(found.rate, rate_of(full, steps), rel_tol=1e-10)
    assert found.log_largest is not None
    assert math.isclose(float(found.log_largest[0]), math.log(np.linalg.norm(full, 2)), rel_tol=1e-9)


def test_the_cell_path_is_the_product_of_the_forget_gates() -> None:
    module = nn.LSTM(3, 5, batch_first=True)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.zero_()
            if name == "bias_ih_l0":
                parameter[5:10] = math.log(9.0)
    found = probe(module, torch.randn(4, 20, 3))
    whole, cell = found.paths
    assert cell.rate == pytest.approx(math.log(0.9), rel=1e-5)
    assert whole.gate == pytest.approx(0.9, rel=1e-5)
    assert found.suggestion.added is not None
    with torch.no_grad():
        module.bias_hh_l0[5:10] += found.suggestion.added
    assert probe(module, torch.randn(4, 20, 3)).paths[1].rate == pytest.approx(-1 / 20, rel=1e-4)


def test_vanilla_recurrences_have_a_theory_with_their_inputs_as_biases() -> None:
    module = nn.RNN(8, 144)
    with torch.no_grad():
        module.weight_hh_l0.normal_(0.0, 1.5 / 12.0)
        module.weight_ih_l0.normal_(0.0, 0.3 / math.sqrt(8))
    found = probe(module, torch.randn(20, 6, 8), samples=3)
    assert found.prediction is not None
    assert abs(found.rate - found.prediction.rate) < 0.06
    assert found.suggestion.parameter == "weight_hh"


def test_both_directions_and_projections_are_followed() -> None:
    both = probe(nn.GRU(3, 4, 2, bidirectional=True), torch.randn(5, 2, 3))
    assert [path.name for path in both.paths[::2]] == [
        "layer 0, h",
        "layer 0 backwards, h",
        "layer 1, h",
        "layer 1 backwards, h",
    ]
    assert any("two directions" in note for note in both.notes)
    projected = probe(nn.LSTM(3, 4, proj_size=2), torch.randn(5, 2, 3))
    assert projected.blocks[0].inputs == 6


class Language(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.cell, self.head = nn.Embedding(11, 6), nn.LSTM(6, 8, batch_first=True), nn.Linear(8, 11)

    def forward(self, tokens: Any) -> Any:
        states, last = self.cell(self.embedding(tokens))
        return self.head(states[:, -1]), last


def test_integers_are_measured_from_the_embedding_on() -> None:
    model = Language().double()
    tokens = torch.randint(0, 11, (4, 5))
    found = probe(model, tokens)

    def behind(v: Any) -> Any:
        return model.head(model.cell(v.reshape(-1, 5, 6))[0][:, -1])

    full = [jacobian(behind, row.reshape(-1)) for row in model.embedding(tokens).detach()]
    assert math.isclose(found.rate, float(np.mean([rate_of(j, found.depth) for j in full])), rel_tol=1e-10)
    assert [path.steps for path in found.paths] == [5, 5]
    assert any("embedding" in note for note in found.notes)
    assert any("tuple" in note for note in found.notes)


def test_a_transformer_is_cut_at_its_residual_stream() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    found = probe(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), torch.randn(3, 4, 8))
    assert found.depth == 4
    assert sum(block.kind is BlockKind.SKIP for block in found.blocks) == 2


class Touchy(nn.Module):
    """A module that counts its calls in a buffer, draws random numbers, and fails on request."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.fails = nn.Linear(4, 4), False
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Any) -> Any:
        self.calls += 1
        torch.rand(3)
        if self.fails:
            raise RuntimeError("asked to fail\nat once")
        return self.layer(x)


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was(fails: bool) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), Touchy())
    model[1].eval()
    model[3].fails = fails
    model[0].weight.grad = torch.ones(4, 4)
    model[3].layer.weight.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state, python_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    if fails:
        with pytest.raises(InputError, match=r"refuses a batch of shape .*: asked to fail; give one it runs on"):
            probe(model, torch.randn(6, 4))
        torch.set_rng_state(state)
    else:
        with torch.no_grad():
            batch = torch.randn(6, 4)
            state = torch.get_rng_state()
            probe(model, batch)
    assert torch.equal(torch.get_rng_state(), state)
    assert (np.random.get_state()[1] == python_state).all()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [m.training for m in model.children()] == [True, False, True, True]
    assert model.training
    assert torch.equal(model[0].weight.grad, torch.ones(4, 4))
    assert all(p.grad is None for p in list(model.parameters())[1:])
    assert [p.requires_grad for p in model[3].parameters()] == [False, True]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_frozen_and_half_precision_models_are_measured() -> None:
    model = mlp(5, 16, 1.0).requires_grad_(False)
    exact = probe(model, torch.randn(4, 16)).rate
    torch.manual_seed(0)
    coarse = probe(mlp(5, 16, 1.0).bfloat16(), torch.randn(4, 16))
    assert coarse.precision == "bfloat16"
    assert math.isclose(coarse.rate, exact, abs_tol=0.02)


def test_a_second_probe_gives_the_same_numbers() -> None:
    model, batch = mlp(2, 600, 1.0), torch.randn(3, 600)
    first, second = probe(model, batch), probe(model, batch)
    assert not first.exact
    assert first.rate == second.rate
    assert probe(model, batch, seed=1).rate != first.rate


def test_dead_networks_are_zero_and_not_minus_infinity_somewhere() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
    with torch.no_grad():
        model[0].bias.fill_(-100.0)
    found = probe(model, torch.rand(4, 3))
    assert found.regime is GradientRegime.ZERO
    assert found.rate == -math.inf
    assert (found.blocks[0].dead, found.blocks[0].saturated) == (3, 1.0)
    assert "no gradient gets through" in str(found)


def test_some_dead_samples_are_left_out_and_told() -> None:
    model = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    with torch.no_grad():
        model[0].weight.fill_(2.0)
        model[0].bias.zero_()
    found = probe(model, torch.tensor([[1.0], [-1.0], [3.0], [2.0]]))
    assert (found.zeros, found.rate) == (0.25, pytest.approx(math.log(2.0)))
    assert any("exactly 0" in note for note in found.notes)


class Frozen(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return self.layer(x.detach())


class Silent(Frozen):
    def forward(self, x: Any) -> Any:
        return None


class Spectral(Frozen):
    def forward(self, x: Any) -> Any:
        return torch.fft.fft(self.layer(x))


class Summed(Frozen):
    def forward(self, x: Any) -> Any:
        return self.layer(x).sum()


def doubling() -> Any:
    """Return the recurrence h' = relu(2h + x)."""
    module = nn.RNN(1, 1, nonlinearity="relu", bias=False)
    with torch.no_grad():
        module.weight_ih_l0.fill_(1.0)
        module.weight_hh_l0.fill_(2.0)
    return module


def nan_in(tensor: Any) -> Any:
    tensor[1, 2] = math.nan
    return tensor


X = [3, 4]
BAD: dict[str, tuple[Callable[[], tuple[Any, Any]], str]] = {
    "a function": (lambda: (torch.tanh, torch.randn(X)), "must be a torch.nn.Module, got builtin"),
    "no weights": (lambda: (nn.Tanh(), torch.randn(X)), "has no parameters"),
    "weights without shape": (lambda: (nn.LazyLinear(4), torch.randn(X)), "without a shape yet"),
    "complex weights": (lambda: (nn.Linear(4, 4, dtype=torch.complex64), torch.randn(X)), "complex weights"),
    "weights elsewhere": (lambda: (nn.Linear(4, 4, device="meta"), torch.randn(X)), "meta device"),
    "a list": (lambda: (nn.Linear(4, 4), [[1.0]]), "must be a torch.Tensor, got list"),
    "complex numbers": (lambda: (nn.Linear(4, 4), torch.randn(X, dtype=torch.complex64)), "complex numbers"),
    "empty": (lambda: (nn.Linear(4, 4), torch.randn(0, 4)), r"has shape \(0, 4\)"),
    "a number": (lambda: (nn.Linear(4, 4), torch.tensor(1.0)), r"has shape \(\)"),
    "nan": (lambda: (nn.Linear(4, 4), nan_in(torch.randn(X))), r"not finite at index \[1, 2\]"),
    "wrong shape": (lambda: (nn.Linear(5, 4), torch.randn(X)), "refuses a batch of shape .*cannot be multiplied"),
    "wrong shape in time": (lambda: (nn.GRU(5, 4), torch.randn(6, 2, 3)), "refuses a batch of shape"),
    "integers": (lambda: (nn.Linear(4, 4), torch.ones(X, dtype=torch.long)), "refuses a batch of shape"),
    "no samples": (lambda: (nn.Linear(4, 4), torch.randn(4)), "rows of the batch affect one another"),
    "batch statistics": (
        lambda: (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False)), torch.randn(X)),
        "rows of the batch affect one another",
    ),
    "a loss": (lambda: (Summed(), torch.randn(X)), r"gave an output of shape \(\)"),
    "detached": (lambda: (Frozen(), torch.randn(X)), "does not depend on the batch differentiably"),
    "nothing": (lambda: (Silent(), torch.randn(X)), "returns no tensor but a NoneType"),
    "complex output": (lambda: (Spectral(), torch.randn(X)), "returns complex numbers"),
    "overflow in time": (lambda: (doubling(), torch.ones(300, 1, 1)), "layer 0 leave float32 at step 128"),
    "overflow": (lambda: (mlp(200, 4, 100.0, nn.ReLU), torch.randn(X)), r"leave float32 in block \d+ of 200"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_measured_is_refused_in_one_line(name: str) -> None:
    make, message = BAD[name]
    model, batch = make()
    with pytest.raises(InputError, match=message) as caught:
        probe(model, batch)
    assert "\n" not in str(caught.value)


def test_weights_that_are_not_finite_are_named() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    with torch.no_grad():
        model[0].bias[1] = math.inf
    with pytest.raises(InputError, match=r"parameter '0\.bias' is not finite"):
        probe(model, torch.randn(3, 4))


def test_packed_sequences_are_refused() -> None:
    packed = nn.utils.rnn.pack_padded_sequence(torch.randn(4, 2, 3), [4, 2])
    with pytest.raises(InputError, match="PackedSequence"):
        probe(nn.GRU(3, 4), packed)


def test_the_example_of_the_docstring_runs() -> None:
    text = inspect.getdoc(probe) or ""
    block = text.split("installed::\n", 1)[1].split("\nReferences", 1)[0]
    names: dict[str, Any] = {"probe": probe}
    exec(textwrap.dedent(block), names)
    assert names["found"].depth == 20


def test_the_text_names_blocks_theory_and_what_to_do() -> None:
    text = str(probe(mlp(20, 64, 0.5), torch.randn(8, 64)))
    assert "vanishing" in text
    assert "0 Linear(64→64) + 1 Tanh" in text
    assert "multiply the weights by 2" in text
    assert "(tanh, σ_w² = 0.2" in text
