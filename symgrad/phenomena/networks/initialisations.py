"""Random weights of cells: one decorated law each, and the biases that go with them."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError, RegistryError
from symgrad.maps.cells.definition import Cell
from symgrad.phenomena.networks.plans import plan_of
from symgrad.phenomena.networks.steps import literal_sizes

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int, int], Array]


@dataclass(frozen=True)
class Initialisation:
    """One law of random weights.

    Parameters
    ----------
    name : the name it is asked for with
    draw : (rng, count, rows, columns) → weights, shape (count, rows, columns)
    sentence : what it is, with its source
    uniform_biases : whether biases are drawn by the same law; otherwise they start at 0
    """

    name: str
    draw: Draw = field(repr=False)
    sentence: str = field(repr=False)
    uniform_biases: bool = False


_TABLE: dict[str, Initialisation] = {}
INITIALISATIONS: Mapping[str, Initialisation] = MappingProxyType(_TABLE)


def initialisation(*, uniform_biases: bool = False) -> Callable[[Draw], Draw]:
    """Register the decorated law, (rng, count, rows, columns) → weights."""

    def register(draw: Draw) -> Draw:
        name, sentence = draw.__name__, (inspect.getdoc(draw) or "").strip()
        if name in _TABLE:
            raise RegistryError(f"an initialisation named {name!r} exists already; choose another name")
        if not sentence:
            raise RegistryError(f"initialisation {name!r} has no docstring; write one sentence that says what it is")
        _TABLE[name] = Initialisation(name, draw, sentence, uniform_biases)
        return draw

    return register


@initialisation()
def glorot_normal(rng: np.random.Generator, count: int, rows: int, columns: int) -> Array:
    """Normal with variance 2/(rows + columns) (Glorot & Bengio 2010, section 4.2.1)."""
    return rng.normal(0.0, np.sqrt(2.0 / (rows + columns)), (count, rows, columns))


@initialisation()
def glorot_uniform(rng: np.random.Generator, count: int, rows: int, columns: int) -> Array:
    """Uniform within ±√(6/(rows + columns)) (Glorot & Bengio 2010, equation 16)."""
    bound = np.sqrt(6.0 / (rows + columns))
    return rng.uniform(-bound, bound, (count, rows, columns))


@initialisation()
def he(rng: np.random.Generator, count: int, rows: int, columns: int) -> Array:
    """Normal with variance 2/columns, made for ReLU (He et al. 2015, section 2.2)."""
    return rng.normal(0.0, np.sqrt(2.0 / columns), (count, rows, columns))


@initialisation()
def orthogonal(rng: np.random.Generator, count: int, rows: int, columns: int) -> Array:
    """Haar-distributed orthogonal matrices (Saxe et al. 2014); Q of QR with its signs mended (Mezzadri 2007)."""
    tall = rng.standard_normal((count, max(rows, columns), min(rows, columns)))
    frame, upper = np.linalg.qr(tall)
    frame = frame * np.where(np.diagonal(upper, axis1=1, axis2=2) < 0, -1.0, 1.0)[:, None, :]
    return np.ascontiguousarray(frame if rows >= columns else np.swapaxes(frame, 1, 2))


@initialisation(uniform_biases=True)
def uniform(rng: np.random.Generator, count: int, rows: int, columns: int) -> Array:
    """Uniform within ±1/√rows, weights and biases: what PyTorch's recurrent and square linear layers start from.

    PyTorch gives its recurrent gates two biases, whose sum is used; here a gate has one.
    """
    bound = 1.0 / np.sqrt(rows)
    return rng.uniform(-bound, bound, (count, rows, columns))


def draw_parameters(
    cell: Cell,
    law: str = "glorot_normal",
    *,
    rng: np.random.Generator,
    width: int,
    inputs: int = 0,
    members: int = 1,
    gain: float = 1.0,
    forget_bias: float | str | None = None,
    horizon: int | None = None,
) -> dict[str, Array]:
    """Draw the weights, biases and gains of a cell for many members.

    Parameters
    ----------
    cell : the layer
    law : one of ``INITIALISATIONS``
    rng : the source of random numbers
    width, inputs : the sizes, positive; ``inputs`` for a cell with inputs
    members : how many independent draws
    gain : factor of every weight
    forget_bias : the forget gate's bias of an LSTM, e.g. 0 or 1 (Jozefowicz et al. 2015), or "chrono": the logarithm
        of a uniform number between 1 and horizon - 1, and minus that for the input gate (Tallec & Ollivier 2018);
        None leaves it to the law
    horizon : the longest time a chrono-initialised unit shall remember, in steps, above 2

    Returns
    -------
    name → array: weights (rows, columns, members), biases and gains (d, members); gains are 1

    Raises
    ------
    InputError : an unknown law, a size below 1, a forget bias for a cell without a forget gate

    Examples
    --------
    >>> from symgrad.maps.cells import cell
    >>> drawn = draw_parameters(cell("lstm", inputs=0), rng=np.random.default_rng(0), width=4, forget_bias=1)
    >>> drawn["V_f"].shape, drawn["b_f"].ravel().tolist()
    ((4, 4, 1), [1.0, 1.0, 1.0, 1.0])
    """
    row = _TABLE.get(law)
    if row is None:
        raise InputError(f"no initialisation is named {str(law)[:60]!r}; known: {', '.join(sorted(_TABLE))}")
    _check(cell, width, inputs, members)
    sizes, plan = literal_sizes(cell, width, inputs), plan_of(cell)
    drawn: dict[str, Array] = {}
    for name, rows, columns in plan.shapes:
        if name in plan.weights:
            drawn[name] = _members_last(gain * row.draw(rng, members, sizes[rows], sizes[columns]))
        elif name in plan.gains:
            drawn[name] = np.ones((sizes[rows], members))
        elif name in plan.biases and row.uniform_biases:
            drawn[name] = _members_last(row.draw(rng, members, sizes[rows], 1)[:, :, 0])
        elif name in plan.biases:
            drawn[name] = np.zeros((sizes[rows], members))
    return drawn | _forgetting(cell, forget_bias, horizon, rng, (width, members))


def _members_last(array: Array) -> Array:
    return np.moveaxis(array, 0, -1)


def _check(cell: Cell, width: int, inputs: int, members: int) -> None:
    for what, given in (("width", width), ("members", members), *([("inputs", inputs)] if cell.inputs else [])):
        if not isinstance(given, int | np.integer) or given < 1:
            raise InputError(f"{what} must be a positive integer, got {given!r}; give e.g. 8")


def _forgetting(
    cell: Cell, forget_bias: float | str | None, horizon: int | None, rng: np.random.Generator, shape: tuple[int, int]
) -> dict[str, Array]:
    """Return the biases of the forget and input gates that were asked for."""
    if forget_bias is None:
        return {}
    if not {"b_f", "b_i"} <= set(plan_of(cell).biases):
        raise InputError(f"the {cell.name} cell has no forget gate, got forget_bias={forget_bias!r}; leave it out")
    if forget_bias == "chrono":
        if horizon is None or horizon <= 2:
            raise InputError(f"a chrono bias needs a horizon above 2 steps, got {horizon!r}; give e.g. horizon=100")
        bias = np.log(rng.uniform(1.0, horizon - 1.0, shape))
        return {"b_f": bias, "b_i": -bias}
    if isinstance(forget_bias, str) or not np.isfinite(forget_bias):
        raise InputError(f"forget_bias must be a number or 'chrono', got {forget_bias!r}; give e.g. 1")
    return {"b_f": np.full(shape, float(forget_bias))}
