"""Steps and Jacobians of cells in numbers agree with differences, with the scalar Map and with their named paths."""

from typing import Any

import numpy as np
import pytest
import sympy

from symgrad.errors import InputError
from symgrad.kernels import to_kernel
from symgrad.maps import ACTIVATIONS, activation, unregister
from symgrad.maps.cells import CELLS, Cell, cell
from symgrad.phenomena.networks.initialisations import INITIALISATIONS, draw_parameters
from symgrad.phenomena.networks.steps import by_path, cell_step

WIDTHS = (1, 3, 8)
MEMBERS = 4
NUMBERS = {"branch": "3/7", "epsilon": "1/100", "gain": "5/4", "shift": "-1/3"}


def same(found: Any, expected: Any, *, rtol: float = 1e-7, atol: float = 0.0) -> None:
    """Assert that two arrays agree."""
    assert np.allclose(found, expected, rtol=rtol, atol=atol)


def made(name: str) -> Cell:
    return cell(name, **{key: text for key, text in NUMBERS.items() if key in CELLS[name].options})


def drawn(layer: Cell, width: int, seed: int = 3) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Return a random state, random parameters and a random input of a cell, for several members."""
    rng = np.random.default_rng(seed)
    inputs = 2 if layer.inputs else 0
    law = draw_parameters(layer, "uniform", rng=rng, width=width, inputs=inputs, members=MEMBERS, gain=1.5)
    state = {s.name: rng.standard_normal((width, MEMBERS)) for s in layer.state}
    return state, law, rng.standard_normal((2, MEMBERS)) if inputs else None


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", CELLS)
def test_the_jacobian_is_that_of_differences(name: str, width: int) -> None:
    layer = made(name)
    state, parameters, inputs = drawn(layer, width)
    jacobian = cell_step(layer, state, parameters, inputs=inputs).jacobian
    names, small = [s.name for s in layer.state], 1e-6
    for column in range(width * len(names)):
        ends = []
        for sign in (1, -1):
            moved = {k: v.copy() for k, v in state.items()}
            moved[names[column // width]][column % width] += sign * small
            new = cell_step(layer, moved, parameters, inputs=inputs).state
            ends.append(np.concatenate([new[s] for s in names]))
        same(jacobian[:, column], (ends[0] - ends[1]) / (2 * small), atol=3e-8)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("name", CELLS)
def test_numbers_agree_with_the_scalar_map(name: str, width: int) -> None:
    layer = made(name)
    state, parameters, inputs = drawn(layer, width)
    scalar = layer.map(width)
    values = {} if inputs is None else {"u": inputs[:1]}
    to_inputs = {w.name for w in layer.weights if layer.inputs and w.shape[1] == layer.inputs[0].shape[0]}
    law = {name: array[:, :1] if name in to_inputs else array for name, array in parameters.items()}
    found = cell_step(layer, state, law, inputs=values.get("u"))
    entries = scalar_entries(layer, width, state, law, values)
    symbols = [
        *scalar.state,
        *(scalar.symbol(p.name) for p in scalar.parameters),
        *(scalar.symbol(p) for p in scalar.layered),
    ]
    modules = [{"sigmoid": lambda v: 1 / (1 + np.exp(-v))}, "numpy"]
    function = sympy.lambdify(symbols, [list(scalar.exprs), [list(row) for row in scalar.jacobian]], modules=modules)
    for member in range(MEMBERS):
        new, matrix = function(*(entries[str(s)][member] for s in symbols))
        state_now = np.concatenate([found.state[s.name][:, member] for s in layer.state])
        same(state_now, np.array(new, dtype=float), rtol=1e-12, atol=1e-15)
        same(found.jacobian[:, :, member], np.array(matrix, dtype=float), rtol=1e-11, atol=1e-14)


def scalar_entries(layer: Cell, width: int, *arrays: dict[str, Any]) -> dict[str, Any]:
    """Return the scalar's name → its values over the members, as ``Cell.map`` names them."""
    found = {}
    for name, array in ((n, a) for group in arrays for n, a in group.items()):
        sizes = array.shape[:-1]
        for place in np.ndindex(*sizes):
            digits = "".join(str(i + 1) for i, size in zip(place, sizes, strict=True) if size > 1)
            key = name.lower() + digits
            found[f"{key}[k]" if name == "u" else key] = array[place]
    return found


@pytest.mark.parametrize("name", CELLS)
def test_the_named_paths_add_up_to_the_jacobian(name: str) -> None:
    layer, width = made(name), 3
    state, parameters, inputs = drawn(layer, width)
    step = cell_step(layer, state, parameters, inputs=inputs)
    for i, new in enumerate(layer.state):
        for j, old in enumerate(layer.state):
            block = step.jacobian[i * width : (i + 1) * width, j * width : (j + 1) * width]
            total = np.sum(
                [np.broadcast_to(m, block.shape) for m in by_path(step, new.name, old.name).values()], axis=0
            )
            same(block, total, atol=1e-14)


@pytest.mark.parametrize("name", CELLS)
def test_products_with_tangents_are_those_with_the_jacobian(name: str) -> None:
    layer, width = made(name), 3
    state, parameters, inputs = drawn(layer, width)
    step = cell_step(layer, state, parameters, inputs=inputs)
    rng = np.random.default_rng(11)
    tangents = {s.name: rng.standard_normal((width, 2, MEMBERS)) for s in layer.state}
    pushed = step.times(tangents)
    whole = np.concatenate([tangents[s.name] for s in layer.state])
    expected = np.einsum("ijm,jcm->icm", step.jacobian, whole)
    same(np.concatenate([pushed[s.name] for s in layer.state]), expected, atol=1e-13)


@pytest.mark.parametrize("name", ["lstm", "gru", "highway"])
def test_paths_can_be_left_out_by_name(name: str) -> None:
    layer, width = made(name), 3
    state, parameters, inputs = drawn(layer, width)
    step = cell_step(layer, state, parameters, inputs=inputs)
    same(step.without(), step.jacobian, atol=1e-14)
    left = step.without("candidate")
    for i, new in enumerate(layer.state):
        for j, old in enumerate(layer.state):
            block = left[i * width : (i + 1) * width, j * width : (j + 1) * width]
            paths = [
                np.broadcast_to(m, block.shape)
                for w, m in by_path(step, new.name, old.name).items()
                if "candidate" not in w
            ]
            same(block, np.sum(paths, axis=0), atol=1e-14)
    with pytest.raises(InputError, match="cell is named with 'peephole'"):
        step.without("peephole")


def test_members_are_independent_and_may_share_their_weights() -> None:
    layer = cell("gru", inputs=0)
    state, parameters, _ = drawn(layer, 3)
    shared = {k: v[..., 0] for k, v in parameters.items()}
    together = cell_step(layer, state, shared)
    for member in range(MEMBERS):
        alone = cell_step(layer, {"h": state["h"][:, member]}, shared)
        same(together.jacobian[..., member], alone.jacobian, rtol=1e-14)
    assert together.value("z").shape == (3, MEMBERS)
    assert alone.value("z").shape == (3,)
    grid = cell_step(layer, {"h": state["h"].reshape(3, 2, 2)}, shared)
    assert np.array_equal(grid.jacobian.reshape(3, 3, 4), together.jacobian)


def test_a_deep_chain_of_one_unit_is_the_kernels() -> None:
    layer, depth = cell("dense", activation="sigmoid"), 40
    outcome = to_kernel(layer.map() ** depth)(0.3, {"w": 5.0, "b": -2.6})
    state, log = {"x": np.array([0.3])}, 0.0
    for _ in range(depth):
        step = cell_step(layer, state, {"W": [[5.0]], "b": [-2.6]})
        state, log = step.state, log + np.log(step.jacobian.item())
    assert float(outcome.product.log_abs) == pytest.approx(log, rel=1e-12)
    assert float(np.ravel(outcome.state)[0]) == pytest.approx(state["x"].item(), rel=1e-12)


def test_saturated_slopes_keep_their_digits() -> None:
    step = cell_step(cell("dense"), {"x": [25.0]}, {"W": [[1.0]], "b": [0.0]})
    assert step.jacobian.item() == pytest.approx(4 * np.exp(-50.0), rel=1e-12)


VARIANCES = {"glorot_normal": 2 / 100, "glorot_uniform": 2 / 100, "he": 2 / 60, "uniform": 1 / (3 * 40)}


@pytest.mark.parametrize("law", VARIANCES)
def test_laws_have_the_variance_of_their_source(law: str) -> None:
    weights = INITIALISATIONS[law].draw(np.random.default_rng(1), 20, 40, 60)
    assert weights.shape == (20, 40, 60)
    assert weights.var() == pytest.approx(VARIANCES[law], rel=4 * np.sqrt(2 / weights.size))
    assert abs(weights.mean()) < 5 * np.sqrt(VARIANCES[law] / weights.size)


def test_orthogonal_matrices_are_orthogonal_and_turn_to_no_side() -> None:
    for rows, columns in ((5, 5), (7, 4), (4, 7)):
        frames = INITIALISATIONS["orthogonal"].draw(np.random.default_rng(2), 3, rows, columns)
        least = min(rows, columns)
        gram = frames @ np.swapaxes(frames, 1, 2) if rows < columns else np.swapaxes(frames, 1, 2) @ frames
        same(gram, np.broadcast_to(np.eye(least), (3, least, least)), atol=1e-13)
    signs = np.sign(INITIALISATIONS["orthogonal"].draw(np.random.default_rng(2), 4000, 1, 1))
    assert abs(signs.mean()) < 4 / np.sqrt(4000)


def test_forget_biases_are_those_asked_for() -> None:
    layer, rng = cell("lstm", inputs=0), np.random.default_rng(0)
    chrono = draw_parameters(layer, rng=rng, width=500, forget_bias="chrono", horizon=100)
    assert np.array_equal(chrono["b_i"], -chrono["b_f"])
    assert np.exp(chrono["b_f"]).mean() == pytest.approx(50, abs=4)
    assert chrono["b_f"].min() >= 0
    assert chrono["b_f"].max() <= np.log(99)
    one = draw_parameters(layer, "uniform", rng=rng, width=3, forget_bias=1)
    assert one["b_f"].tolist() == [[1.0]] * 3
    assert np.abs(one["b_o"]).max() <= 1 / np.sqrt(3)


def test_a_duplicate_or_silent_law_is_refused() -> None:
    from symgrad.errors import RegistryError
    from symgrad.phenomena.networks.initialisations import initialisation

    def silent(rng: Any, count: int, rows: int, columns: int) -> Any:
        return rng.standard_normal((count, rows, columns))

    with pytest.raises(RegistryError, match="no docstring"):
        initialisation()(silent)
    with pytest.raises(RegistryError, match="exists already"):
        initialisation()(INITIALISATIONS["he"].draw)


def refusals() -> list[tuple[Any, str]]:
    dense, rnn = cell("dense"), cell("rnn")
    good: dict[str, Any] = {"W": np.eye(2), "b": np.zeros(2)}
    x, rng = {"x": np.zeros(2)}, np.random.default_rng(0)
    return [
        (lambda: cell_step(dense, {"x": np.zeros(0)}, {"W": np.zeros((0, 0)), "b": np.zeros(0)}), "got 0"),
        (lambda: cell_step(dense, x, good | {"W": np.zeros((2, 3))}), "W must have shape (2, 2) before the members"),
        (lambda: cell_step(dense, x, {"W": np.eye(2)}), "parameter 'b' has no value"),
        (lambda: cell_step(dense, x, good | {"v": 1}), "parameter 'v' is none of the cell's"),
        (lambda: cell_step(dense, {"h": np.zeros(2)}, good), "state 'h' is none of the cell's"),
        (lambda: cell_step(cell("dense", width=3), x, good), "was made for 3 units, got 2"),
        (lambda: cell_step(dense, {"x": np.zeros((2, 4))}, good | {"b": np.zeros((2, 5))}), "the same members"),
        (lambda: cell_step(dense, x, good, inputs=[1.0]), "takes no inputs"),
        (lambda: cell_step(rnn, {"h": [0.0]}, {"W": [[1.0]], "V": [[1.0]], "b": [0.0]}), "needs an input in every"),
        (lambda: cell_step(dense, x, good).value("f"), "has no vector 'f'"),
        (lambda: draw_parameters(dense, "xavier", rng=rng, width=2), "no initialisation is named 'xavier'; known: gl"),
        (lambda: draw_parameters(dense, rng=rng, width=0), "width must be a positive integer, got 0"),
        (lambda: draw_parameters(rnn, rng=rng, width=2), "inputs must be a positive integer, got 0"),
        (lambda: draw_parameters(dense, rng=rng, width=2, forget_bias=1), "has no forget gate"),
        (lambda: draw_parameters(cell("lstm", inputs=0), rng=rng, width=2, forget_bias="chrono"), "needs a horizon"),
        (lambda: draw_parameters(cell("lstm", inputs=0), rng=rng, width=2, forget_bias="one"), "a number or 'chrono'"),
    ]


@pytest.mark.parametrize(("ask", "message"), refusals())
def test_what_does_not_fit_is_refused_in_one_line(ask: Any, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        ask()
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_activation_without_a_numpy_form_is_named() -> None:
    @activation(latex="c", lipschitz=1)
    def cubed(x: Any) -> Any:
        """x**3/3."""
        return x**3 / 3

    try:
        assert "cubed" in ACTIVATIONS
        with pytest.raises(InputError, match="'cubed' has no NumPy form"):
            cell_step(cell("dense", activation="cubed"), {"x": [0.1]}, {"W": [[1.0]], "b": [0.0]})
    finally:
        unregister("cubed")
